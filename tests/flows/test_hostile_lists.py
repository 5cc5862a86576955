"""Lists from anybody: read within bounds, refused with a reason, and one of them never ends the inbox."""

from __future__ import annotations

import resource
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas
import pytest

from flows.night.manifest import Defaults, read_manifest
from flows.terminal.inbox import Inbox
from tasks.records.errors import BadInputError
from tasks.transcribe.sidecar import sidecar_of

HEAD = "title,languages,due\n"


def csv(text: str) -> Callable[[Path], Path]:
    return lambda folder: _written(folder / "list.csv", text.encode())


def yaml(text: str) -> Callable[[Path], Path]:
    return lambda folder: _written(folder / "list.yaml", text.encode())


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def sheet(folder: Path, row: int = 2, column: int = 1) -> Path:
    book = openpyxl.Workbook()
    book.active.append(["title", "languages"])
    book.active.cell(row, column).value = "clip.mp4"
    book.save(folder / "list.xlsx")
    return folder / "list.xlsx"


def entities(folder: Path) -> Path:
    sheet(folder)
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    return _changed(
        folder, "xl/worksheets/sheet1.xml", lambda data: data.replace(b"<worksheet", f"{bomb}]><worksheet".encode(), 1)
    )


def unpacking(folder: Path) -> Path:
    sheet(folder)
    return _changed(folder, "xl/worksheets/sheet1.xml", lambda data: data + b" " * (40 << 20))


def _changed(folder: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    before = zipfile.ZipFile(folder / "list.xlsx")
    with zipfile.ZipFile(folder / "new.xlsx", "w", zipfile.ZIP_DEFLATED) as after:
        for entry in before.namelist():
            after.writestr(entry, change(before.read(entry)) if entry == name else before.read(entry))
    return (folder / "new.xlsx").replace(folder / "list.xlsx")


def rows(folder: Path) -> Path:
    pandas.DataFrame({"title": ["clip.mp4"] * 500_000, "languages": "es"}).to_parquet(folder / "list.parquet")
    return folder / "list.parquet"


ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "broken spreadsheet": (lambda folder: _written(folder / "list.xlsx", b"PK\x03\x04nothing"), "unpacked"),
    "spreadsheet that is none": (lambda folder: _written(folder / "list.xlsx", b"title,languages\n"), "unpacked"),
    "cell in the last row": (lambda folder: sheet(folder, 1_048_576), "row 1048576 is filled"),
    "cell in the last column": (lambda folder: sheet(folder, 1, 16_384), "columns|row 2|no rows"),
    "entities": (entities, "declares entities"),
    "unpacks to more": (unpacking, "42 MB unpacked|the limit is .* MB"),
    "half a million rows": (rows, "500000 rows"),
    "name of 300 bytes": (csv(f"{HEAD}{'a' * 300}.mp4,es,\n"), "not a file name"),
    "name of 5000 bytes": (csv(f"{HEAD}{'a' * 5000},es,\n"), "longer than 4096"),
    "year 1": (csv(f"{HEAD}clip.mp4,es,0001-01-01\n"), "range of dates"),
    "year 9999": (csv(f"{HEAD}clip.mp4,es,9999-12-32\n"), "is not a date"),
    "NUL": (csv(f"{HEAD}clip\0.mp4,es,\n"), "not text"),
    "giant field": (csv(f'{HEAD}"{"x" * 200_000}",es,\n'), "longer than 4096"),
    "a million columns": (csv("a," * 1_000_000 + "\n"), "columns"),
    "open quote": (csv(f'{HEAD}"clip.mp4,es,\n'), "cannot be read|languages"),
    "pattern that is none": (csv(f"{HEAD}a/**b/*.mp4,es,\n"), "not a file name pattern|no video"),
    "nested": (yaml("[" * 50_000), "nested too deeply"),
    "nested in a row": (yaml("- title: " + "[" * 11 + "x" + "]" * 11), "nested too deeply|neither a value"),
    "aliases": (yaml(ALIASES), "aliases"),
    "merged aliases": (yaml("- &a {x: 1}\n- &b {<<: [*a, *a]}\n- {<<: [*b, *b]}\n"), "aliases"),
    "endless number": (yaml(f"- title: {'1' * 5000}\n  languages: es\n"), "cannot be read"),
    "no list": (yaml("titles: 3\n"), "must be a list"),
    "impossible date": (yaml("- title: a\n  due: 2026-13-45\n"), "cannot be read"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_it_is_refused_with_its_reason_and_little_memory(kind: str, tmp_path: Path) -> None:
    make, why = HOSTILE[kind]
    manifest = make(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadInputError, match=why):
        read_manifest(manifest, Defaults(profile="fake"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700_000  # kB


def test_rows_far_down_that_are_empty_and_flat_aliases_are_usual(short_clip: Path, tmp_path: Path) -> None:
    shutil.copyfile(short_clip, tmp_path / "clip.mp4")
    book = openpyxl.Workbook()
    book.active.append(["title", "languages", "due"])
    book.active.append(["clip.mp4", "es fr", pandas.Timestamp("2026-11-30").to_pydatetime()])
    book.active.cell(30_000, 1).number_format = "0.00"
    book.save(tmp_path / "list.xlsx")
    found = read_manifest(tmp_path / "list.xlsx", Defaults(profile="fake"))
    assert [(len(one.videos), one.languages, (one.due or "")[:19]) for one in found] == [
        (1, ["es", "fr"], "2026-11-30T23:59:59")
    ]
    (tmp_path / "list.yaml").write_text("- title: clip.mp4\n  languages: &l [es, fr]\n")
    assert read_manifest(tmp_path / "list.yaml", Defaults(profile="fake"))[0].languages == ["es", "fr"]


@pytest.fixture
def inbox(tmp_path: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Inbox, list[Any]]:
    """A watched folder whose batches are taken down instead of dubbed."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    dubbed: list[Any] = []
    monkeypatch.setattr("flows.terminal.inbox.run_batch", lambda batch, runs: dubbed.extend(runs) or [{}])
    return folder, Inbox(folder, ["es"], "fake", str(tmp_path / "out")), dubbed


def test_bad_files_do_not_keep_the_others_from_being_dubbed(
    short_clip: Path, inbox: tuple[Path, Inbox, list[Any]]
) -> None:
    folder, watched, dubbed = inbox
    for kind in ("broken spreadsheet", "year 1", "aliases", "half a million rows"):
        HOSTILE[kind][0](folder)
    (folder / "broken.mp4").write_bytes(b"no video")
    shutil.copyfile(short_clip, folder / "good.mp4")
    watched.look()
    watched.look()
    assert [run.title.name for run in dubbed] == ["good"]
    noted = sorted(path.name for path in folder.glob("*.error.txt"))
    assert noted == [
        f"{name}.error.txt" for name in ("broken.mp4", "list.csv", "list.parquet", "list.xlsx", "list.yaml")
    ]


def test_an_unforeseen_error_is_noted_and_goes_when_the_file_is_mended(
    short_clip: Path, inbox: tuple[Path, Inbox, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, watched, dubbed = inbox
    shutil.copyfile(short_clip, folder / "good.mp4")

    def fails(*given: object) -> None:
        raise RecursionError("deep \x1b[2J")

    with monkeypatch.context() as broken:
        broken.setattr("flows.terminal.inbox.plan", fails)
        watched.look()
        watched.look()
    note = folder / "good.mp4.error.txt"
    assert note.read_text() == "It cannot be dubbed (RecursionError: deep \\u001b[2J).\n"
    note.unlink()
    watched.look()
    assert len(dubbed) == 1


def test_a_link_out_of_the_inbox_is_refused_and_no_note_is_written_through_one(
    short_clip: Path, tmp_path: Path, inbox: tuple[Path, Inbox, list[Any]]
) -> None:
    folder, watched, dubbed = inbox
    secret = tmp_path / "secret.mp4"
    shutil.copyfile(short_clip, secret)
    (folder / "link.mp4").symlink_to(secret)
    precious = tmp_path / "precious.txt"
    precious.write_text("keep")
    (folder / "bad.csv").write_text("title\n")
    (folder / "bad.csv.error.txt").symlink_to(precious)
    import os

    os.utime(precious, (1, 1))
    watched.look()
    watched.look()
    assert dubbed == []
    assert "outside the allowed folders" in (folder / "link.mp4.error.txt").read_text()
    assert precious.read_text() == "keep"
    assert "not valid" in (folder / "bad.csv.error.txt").read_text()


def test_subtitles_beside_a_video_may_not_be_a_link_out_of_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "client"
    folder.mkdir()
    (tmp_path / "secret.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nsecret\n")
    (folder / "talk.srt").symlink_to(tmp_path / "secret.srt")
    found = sidecar_of(folder / "talk.mp4", "en")
    assert found.path is None
    assert "talk.srt (a link out of the video's folder)" in found.notes[0]
    (folder / "talk.srt").unlink()
    (folder / "words.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nown\n")
    (folder / "talk.srt").symlink_to("words.srt")
    assert sidecar_of(folder / "talk.mp4", "en").path == folder / "talk.srt"

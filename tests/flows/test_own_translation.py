"""`--translation es=FILE` dubs the user's translation word for word; no translator is asked, or needed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.ask.plan import Request, plan
from flows.ask.preflight import Asked, faults
from flows.cli import app
from flows.dub.making import Steps
from flows.exchange.formats import written
from flows.kept.branches import branch_key, known
from flows.kept.edited import edited_script
from flows.kept.keys import is_worded_by_people
from flows.night.manifest import Defaults, read_manifest
from tasks.exchange.table import Table
from tasks.records.errors import BadInputError
from tasks.records.script import Script
from tasks.records.title import Run
from tasks.step.prefect import settled
from tasks.translate.task import translate
from tests.flows.test_approvals import Undubbed

pytestmark = pytest.mark.usefixtures("store_folder", "probed_once")

OWN = "1\n00:00:00,300 --> 00:00:01,000\nMuy buenas.\n\n2\n00:00:02,300 --> 00:00:03,400\nNos vemos pronto.\n"
UNREACHABLE = {"translate": {"backend": "apertium"}}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "talk.es.srt"
    path.write_text(OWN, "utf-8")
    return path


@pytest.fixture
def asked(short_clip: Path, tmp_path: Path, own: Path) -> Callable[..., Run]:
    video = shutil.copy(short_clip, tmp_path / "clip.mp4")

    def ask(**changes: Any) -> Run:
        given: dict[str, Any] = {"videos": [str(video)], "languages": ["es", "fr"], "out": str(tmp_path / "out")}
        given |= {"profile": "fake", "source_language": "en", "translations": {"es": str(own)}, **changes}
        return plan(Request(**given))[0]

    return ask


def dubbed(run: Run, language: str = "es") -> tuple[Script, str]:
    """The script of a language, and the notes on it."""
    title = Undubbed(run)
    branch, steps = run.branch(language), Steps()
    wanted = known(branch).edits
    made = settled(translate.submit(branch, edited_script(branch, title.work, wanted), wanted.texts))
    return steps.take(made), " ".join(made.notes)


def test_the_users_words_are_spoken_and_what_does_not_match_is_noted(asked: Callable[..., Run]) -> None:
    script, notes = dubbed(asked())
    assert [line.text for line in script.lines] == ["Muy buenas.", "", "Nos vemos pronto."]
    assert script.origin == "translation"
    assert "1 lines have no words in the translation, and nothing is spoken there: 2." in notes
    assert is_worded_by_people(asked().branch("es"))
    assert not is_worded_by_people(asked().branch("fr"))


def test_another_translation_is_another_dub(asked: Callable[..., Run], own: Path) -> None:
    first = branch_key(asked().branch("es")), branch_key(asked().branch("fr"))
    own.write_text(OWN.replace("Muy", "Muy muy"), "utf-8")
    assert branch_key(asked().branch("es")) != first[0]
    assert branch_key(asked().branch("fr")) == first[1]
    assert branch_key(asked(translations={}).branch("fr")) == first[1]


def test_no_translator_is_needed_for_it(asked: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(shutil.which("ffmpeg") or "").parent))
    monkeypatch.setattr("tasks.translate.apertium.ApertiumTranslator.missing", lambda self: ["apertium"])
    run = asked(overrides=UNREACHABLE)
    found = faults([Asked(run, ["es", "fr"])])
    assert [one.language for one in found] == ["fr"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("talk.es.srt", "no cues", "no cue"),
        ("talk.es.srt", "", "no cue"),
        ("talk.es.docx", OWN, "is not a script"),
    ],
)
def test_a_file_that_is_no_translation_is_refused_before_anything_is_made(
    asked: Callable[..., Run], tmp_path: Path, name: str, content: str, told: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(BadInputError, match=told):
        asked(translations={"es": str(tmp_path / name)})
    assert not (tmp_path / "out").exists()


def test_a_translation_of_a_language_that_is_not_dubbed_is_refused(asked: Callable[..., Run], own: Path) -> None:
    with pytest.raises(BadInputError, match="A translation was given for it"):
        asked(translations={"it": str(own)})
    done = CliRunner().invoke(app, ["run", "x.mp4", "--to", "es", "--translation", "es"])
    assert done.exit_code == 2
    assert "Write it as --translation es=talk.es.srt." in done.output


def test_a_manifest_has_a_column_for_each_language(asked: Callable[..., Run], own: Path, tmp_path: Path) -> None:
    asked()
    manifest = tmp_path / "titles.csv"
    manifest.write_text(f"title,languages,translation_es\nclip.mp4,es fr,{own.name}\n")
    (row,) = read_manifest(manifest, Defaults())
    assert dict(row.translations) == {"es": str(own)}
    manifest.write_text("title,languages,translation_es\nclip.mp4,fr,none.srt\n")
    with pytest.raises(BadInputError, match=r"'none.srt' does not exist.*es is not among the row's languages"):
        read_manifest(manifest, Defaults())


SOURCES = ("Good morning.", "Nice to see you here.", "See you next week.")
TIMES = ((300, 1000), (1200, 2000), (2300, 3400))


def exported(form: str, texts: tuple[str | None, ...], *, later_ms: int = 0, **fields: Any) -> bytes:
    """A file as a translator's tool gets it, of a script whose lines began so much later."""
    told = zip(TIMES, SOURCES, texts, strict=True)
    rows = tuple(
        {
            "id": n,
            "start_ms": a + later_ms,
            "end_ms": b + later_ms,
            "speaker": "S1",
            "source": said,
            "text": text,
            **fields,
        }
        for n, ((a, b), said, text) in enumerate(told, start=1)
    )
    return written(Table("talk", "es", "en", "0" * 32, rows), form)


@pytest.mark.parametrize("form", ["xlf", "ttml", "csv", "xlsx"])
def test_a_file_of_a_translator_s_tool_is_laid_on_by_what_its_lines_say(
    asked: Callable[..., Run], tmp_path: Path, form: str
) -> None:
    path = tmp_path / f"talk.es.{form}"
    path.write_bytes(exported(form, ("Muy buenas.", None, "Nos vemos."), later_ms=1100))
    script, notes = dubbed(asked(translations={"es": str(path)}))
    assert [line.text for line in script.lines] == ["Muy buenas.", "", "Nos vemos."]
    assert "1 lines have no words in the translation, and nothing is spoken there: 2." in notes


def test_a_line_that_says_something_else_by_now_is_laid_on_by_time(asked: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "talk.es.xlf"
    content = exported("xlf", ("Muy buenas.", "Un placer.", "Nos vemos."))
    path.write_bytes(content.replace(b"Nice to see you here.", b"Lovely to see you."))
    script, _ = dubbed(asked(translations={"es": str(path)}))
    assert [line.text for line in script.lines] == ["Muy buenas.", "Un placer.", "Nos vemos."]


def test_what_fits_no_line_or_is_not_taken_is_named(asked: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "talk.es.csv"
    path.write_text("id,source,text,voice\n1,Good morning.,Muy buenas.,ana\n2,,Un placer.,\n9,Bye.,Chao.,\n")
    script, notes = dubbed(asked(translations={"es": str(path)}))
    assert [line.text for line in script.lines] == ["Muy buenas.", "Un placer.", ""]
    assert (
        "1 lines of the translation name no line of the source and no time, and were left out: row 4 “Chao.”" in notes
    )
    assert "only the words are taken, not voice" in notes


ENTITY = b'<!DOCTYPE x [<!ENTITY a "b">]><xliff>&a;</xliff>'


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("talk.xlf", ENTITY, "talk.xlf"),
        ("talk.xlf", b'<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2"/>', "no XLIFF 2"),
        ("talk.xlf", b"\xff\x00", "talk.xlf"),
        ("talk.xlf", exported("xlf", (None, None, None)), "no translated words"),
        ("talk.xlf", exported("xlf", ("a", "b", "c")).replace(b'trgLang="es"', b'trgLang="fr"'), "is in fr, not es"),
        ("talk.xlf", exported("xlf", ("a", "b", "c")).replace(b">a<", b'><cp hex="-5"/><'), "not the number of a sign"),
        ("talk.xlf", exported("xlf", ("a", "b", "c")).replace(b">a<", b'>a<cp hex="0007"/><'), "control character"),
        ("talk.xlsx", b"PK no book", "cannot be unpacked"),
        ("talk.csv", b"name,words\n1,2\n", "no column key or id"),
        ("talk.csv", b"id,text\n1,a\x07b\n", "row 2: there is a control character"),
        ("talk.csv", b"id,text\n1," + b"a" * 20_000 + b"\n", "too many for speech"),
        ("talk.csv", b"id,start_ms,end_ms,text\n1,900,-5,a\n", "ends before it begins"),
    ],
)
def test_a_hostile_or_empty_file_of_a_tool_is_refused_before_anything_is_made(
    asked: Callable[..., Run], tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInputError, match=told):
        asked(translations={"es": str(tmp_path / name)})
    assert not (tmp_path / "out").exists()


def test_a_manifest_takes_a_file_of_a_tool_too(asked: Callable[..., Run], tmp_path: Path) -> None:
    asked()
    (tmp_path / "talk.es.dapt").write_bytes(exported("ttml", ("a", "b", "c")))
    manifest = tmp_path / "titles.csv"
    manifest.write_text("title,languages,translation_es\nclip.mp4,es,talk.es.dapt\n")
    (row,) = read_manifest(manifest, Defaults())
    assert dict(row.translations) == {"es": str(tmp_path / "talk.es.dapt")}


@pytest.mark.parametrize("name", ["clip.es.srt", "clip.es.ttml"])
def test_a_translation_that_lies_beside_the_video_is_not_its_script(
    asked: Callable[..., Run], tmp_path: Path, name: str
) -> None:
    asked()
    (tmp_path / "clip.en.srt").write_text(OWN)
    content = OWN.encode() if name.endswith("srt") else exported("ttml", ("a", "b", "c"))
    (tmp_path / name).write_bytes(content)
    run = asked(translations={"es": str(tmp_path / name)}, source_language=None)
    assert run.title.subtitles is not None
    assert (run.title.subtitles.uri, run.title.source_language) == (str(tmp_path / "clip.en.srt"), "en")
    (tmp_path / "clip.en.srt").unlink()
    alone = asked(translations={"es": str(tmp_path / name)}, source_language="en").title
    assert (alone.subtitles, alone.notes) == (None, ())

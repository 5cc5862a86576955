"""A dub's lines go out to a translator's tool and come back: without loss, by identity, and nothing without a word."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import openpyxl
import pysubs2
import pytest

from flows.kept.dub_lines import DubLines
from flows.kept.edit import Change
from flows.terminal.edit import Imported, export_script, import_script
from tasks.records.errors import BadInputError
from tasks.records.script import Line
from tasks.translate.memory import read_tmx
from tasks.words.xml_tree import tree_of

pytestmark = pytest.mark.usefixtures("store_folder")

FORMATS = ("json", "csv", "xlsx", "srt", "vtt", "xlf", "ttml")
SAID = (
    ("Good morning to you.", "Buenos días."),
    ("=1+1, he said & left.", '=1+1, dijo & «se fue» -- "ya".'),
    ("<i>Nice</i> {to} see you --> here.", "<i>Qué</i> {bien} verte --> aquí; 中文、ñandú."),
    ("-5 degrees", "-5 grados"),
    ("'quoted'", "'=entre comillas'"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return deliver(tmp_path / "talk", SAID)


def deliver(folder: Path, said: tuple[tuple[str, str], ...], first: int = 0) -> Path:
    (folder / "es").mkdir(parents=True, exist_ok=True)
    who = ("Ann & Bob <x>", "S1")
    lines = [
        Line(id=n, start_ms=first + n * 2000, end_ms=first + n * 2000 + 1500, text=source, speaker=who[n % 2])
        for n, (source, _) in enumerate(said, start=1)
    ]
    script = {"language": "en", "lines": [line.model_dump(mode="json") for line in lines]}
    source = {"name": "talk", "sha256": "ab" * 32, "path": "talk.mp4"}
    title = {"title": "talk", "source": source, "script": script, "facts": {"duration_ms": 60_000}}
    (folder / "title.json").write_text(json.dumps(title))
    dub = [{**line, "text": text} for line, (_, text) in zip(script["lines"], said, strict=True)]
    (folder / "es" / "script.json").write_text(json.dumps({"language": "es", "lines": dub}))
    return folder


def out(folder: Path, form: str) -> bytes:
    return export_script(folder, "es", form)[0]


def back(folder: Path, form: str, content: bytes, *, dry: bool = False) -> Imported:
    file = folder.parent / f"talk.es.{form}"
    file.write_bytes(content)
    return import_script(folder, "es", file, dry=dry)


def texts(folder: Path) -> dict[int, str | None]:
    dub = DubLines(folder, "es")
    return {row.line.id: dub.text(row) for row in dub.rows}


def replaced(form: str, content: bytes, old: str, new: str) -> bytes:
    if form != "xlsx":
        assert old.encode() in content
        return content.replace(old.encode(), new.encode())
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.value == old]
    assert cells
    for cell in cells:
        cell.value = new
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


@pytest.mark.parametrize("form", FORMATS)
def test_what_comes_back_as_it_went_out_changes_nothing(folder: Path, form: str) -> None:
    dub = DubLines(folder, "es")
    dub.add([dub.edit(dub.row(1), Change(level_db=-3.0, note="Softer.", voice="hum-300"), {})])
    assert back(folder, form, out(folder, form)) == Imported(0, 0, ())
    assert len(DubLines(folder, "es").edits.records) == 1


@pytest.mark.parametrize("form", FORMATS)
def test_a_text_that_was_changed_becomes_one_edit(folder: Path, form: str) -> None:
    content = replaced(form, out(folder, form), "Buenos días.", "Muy buenos días.")
    done = back(folder, form, content, dry=True)
    assert done.changes == ('line 1: text "Buenos días." -> "Muy buenos días."',)
    assert texts(folder)[1] == "Buenos días."  # a preview keeps nothing
    assert back(folder, form, content) == Imported(1, 0, ())
    assert texts(folder) == {n: text for n, (_, text) in enumerate(SAID, start=1)} | {1: "Muy buenos días."}
    assert back(folder, form, out(folder, form)) == Imported(0, 0, ())


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "srt"])
def test_a_line_is_found_by_its_identity_when_cues_came_before_it(folder: Path, form: str) -> None:
    content = replaced(form, out(folder, form), "Buenos días.", "Muy buenos días.")
    deliver(folder, (("Welcome.", "Bienvenidos."), *SAID), first=700)
    assert back(folder, form, content) == Imported(1, 0, ())
    assert texts(folder)[2] == "Muy buenos días."


@pytest.mark.parametrize(
    ("form", "old", "new"),
    [
        ("json", '"start_ms": 2000', '"start_ms": 2100'),
        ("csv", "1,2000,3500", "1,2100,3500"),
        ("srt", "00:00:02,000", "00:00:02,100"),
        ("vtt", "00:00:02.000", "00:00:02.100"),
        ("xlf", '"start_ms">2000<', '"start_ms">2100<'),
        ("ttml", '"2.000s"', '"2.100s"'),
    ],
)
def test_a_time_that_was_changed_is_taken(folder: Path, form: str, old: str, new: str) -> None:
    assert back(folder, form, replaced(form, out(folder, form), old, new)).changes == ("line 1: start_ms 2000 -> 2100",)
    assert DubLines(folder, "es").row(1).line.start_ms == 2100


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "srt"])
def test_what_somebody_else_changed_meanwhile_is_not_overwritten(folder: Path, form: str) -> None:
    content = replaced(form, out(folder, form), "Buenos días.", "Muy buenos días.")
    dub = DubLines(folder, "es")
    dub.add([dub.edit(dub.row(1), Change(text="Hola."), {"who": "Ann"})])
    with pytest.raises(BadInputError, match=r"text was changed meanwhile by Ann \(edit 1\), to 'Hola.'"):
        back(folder, form, content)
    assert texts(folder)[1] == "Hola."


def test_other_readers_see_the_lines(folder: Path) -> None:
    subtitles = pysubs2.SSAFile.from_string(out(folder, "srt").decode(), format_="srt")
    assert [(event.start, event.end) for event in subtitles][:2] == [(2000, 3500), (4000, 5500)]
    assert subtitles[0].plaintext == "Buenos días."
    cells = openpyxl.load_workbook(io.BytesIO(out(folder, "xlsx"))).worksheets[0]
    assert [cells.cell(row, 7).value for row in range(2, 7)] == [text for _, text in SAID]
    assert all(cells.cell(row, 7).data_type == "s" for row in range(2, 7))
    assert b",'=1+1" in out(folder, "csv") or b",\"'=1+1" in out(folder, "csv")


def test_an_xliff_unit_says_how_long_it_may_be(folder: Path) -> None:
    unit = next(iter(tree_of(out(folder, "xlf")).iter("{urn:oasis:names:tc:xliff:document:2.0}unit")))
    assert unit.get("{urn:oasis:names:tc:xliff:sizerestriction:2.0}sizeRestriction") == "26"  # 1.5 s at 17 a second


@pytest.mark.parametrize(
    ("form", "content", "told"),
    [
        ("xlf", b'<!DOCTYPE x [<!ENTITY a "b">]><xliff/>', "declares a document type"),
        ("xlf", b"<a>" * 1000, "elements in one another"),
        ("xlf", b"<xliff version='1.2' xmlns='urn:oasis:names:tc:xliff:document:1.2'/>", "no XLIFF 2"),
        ("ttml", b"<tt xmlns='http://www.w3.org/ns/ttml'/>", "no DAPT script"),
        ("ttml", b"<tt", "no well-formed XML"),
        ("xlsx", b"PK\x03\x04 no zip", "cannot be unpacked"),
        ("csv", b"name,text\n1,2\n", "no column key or id"),
        ("csv", b"id,text,colour\n1,x,red\n", "'colour' is not a field"),
        ("csv", b"id,start_ms\n1,soon\n", "row 2: start_ms is 'soon', not a number"),
        ("csv", b"id,text\n1,a\n1,b\n", "line 1 occurs 2 times"),
        ("csv", b"id,text\n99,a\n", "row 2 is not a line of the dub"),
        ("csv", b"key,text\nu%s-1,a\n" % (b"0" * 32), "is not a line that was exported from this store"),
        ("srt", b"1\n00:00:30,000 --> 00:00:31,000\nHola.\n", "no line of the dub is clearly there"),
        ("vtt", b"WEBVTT\nLanguage: fr\n\n00:02.000 --> 00:03.500\nHola.\n", "language is 'fr', not 'es'"),
        ("srt", b"\xff\xfe", "not UTF-8"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_name(folder: Path, form: str, content: bytes, told: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        back(folder, form, content)
    assert told in refusal.value.what
    assert DubLines(folder, "es").edits.records == ()


def test_a_file_of_another_tool_is_found_by_time(folder: Path) -> None:
    cues = "1\n00:00:02,040 --> 00:00:03,480\nHola a todos.\n"
    assert back(folder, "srt", cues.encode()).changes == (
        "line 1: start_ms 2000 -> 2040",
        "line 1: end_ms 3500 -> 3480",
        'line 1: text "Buenos días." -> "Hola a todos."',
    )


def test_lines_go_out_as_a_memory_and_come_back_by_their_names(folder: Path) -> None:
    content = out(folder, "tmx")
    units = read_tmx(content)
    assert [tuple(unit.texts.values()) for unit in units] == list(SAID)
    assert back(folder, "tmx", content).edited == 0
    assert back(folder, "tmx", replaced("tmx", content, "Buenos días.", "Muy buenas.")).edited == 1
    assert texts(folder)[1] == "Muy buenas."
    with pytest.raises(BadInputError, match="whose units name no lines of a dub"):
        back(folder, "tmx", re.sub(rb' tuid="[^"]*"', b"", content))

"""What a client wrote cannot drive a terminal, a spreadsheet or the look of a name."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pandas
import pytest
from rich.table import Table
from rich.text import Text

from flows.ask.plan import title_name
from flows.night.batches import Batch
from flows.night.manifest import Defaults, read_manifest
from flows.night.morning import write_morning
from flows.printed import Console
from flows.terminal.outcome import refuse
from tasks.records.errors import BadInputError
from tasks.words.visible import cell, visible

CLEAR, TITLE = "\x1b[2J\x1b[31m", "\x1b]0;owned\x07"
DRIVING = [CLEAR, TITLE, "\x9b31m", "\x90q\x9c", "\x08\x08", "a\rb", "\x7f", "gpj\u202e4pm", "\u2066x\u2069", "\u200f"]


@pytest.mark.parametrize("text", DRIVING)
def test_what_drives_a_terminal_is_shown_instead(text: str) -> None:
    shown = visible(text)
    assert all(letter.isprintable() for letter in shown)
    assert json.loads(f'"{shown}"') == text  # it stays readable, also as JSON


@pytest.mark.parametrize("text", ["Grüße, мир 你好", "a\tb\nc", "می\u200cخواهم", "👩\u200d🚀", "क्\u200dष"])
def test_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("text", DRIVING)
def test_nothing_of_it_reaches_the_terminal_by_any_way(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    console = Console(file=out, width=200)
    table = Table("title")
    table.add_row(text)
    for shown in (text, Text(text), table):
        console.print(shown, markup=False)
    with pytest.raises(SystemExit) as ended:
        refuse(BadInputError(f"column {text}: unknown", f"Mend {text}."))
    assert ended.value.code == 2
    printed = out.getvalue() + capsys.readouterr().err
    assert not any(letter in printed for letter in "\x1b\x9b\x90\x9c\x07\x08\r\x7f\u202e\u2066\u2069\u200f")


def test_colours_of_our_own_stay() -> None:
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system="standard").print(Text("a\x1b[2J", "red"))
    assert "\x1b[31m" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()


def test_an_unknown_column_is_told_without_its_escape_sequence(tmp_path: Path) -> None:
    manifest = tmp_path / "night.csv"
    manifest.write_text(f"title,languages,{CLEAR}x\na.mp4,es,1\n")
    with pytest.raises(BadInputError) as told, pytest.MonkeyPatch.context():
        read_manifest(manifest, Defaults(profile="fake"))
    assert "\x1b" not in visible(str(told.value))


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("invoice\u202e4pm.exe", "invoice_4pm.exe"),
        ("a\u2066b\u2069c", "a_b_c"),
        ("talk\u200b", "talk_"),
        ("ta\u200dlk", "ta_lk"),
        ("\x1b[31mred\x9b0m", "_[31mred_0m"),
        ("one\u2028two\x85three", "one_two_three"),
        ("\u200e\u200f", "_"),
        ("a\ufeffb\u00adc\u2060d", "a_b_c_d"),
        ("raw\udcff", "raw_"),
    ],
)
def test_a_title_is_named_by_what_is_seen(stem: str, name: str) -> None:
    assert title_name(stem) == name


@pytest.mark.parametrize("stem", ["می\u200cخواهم", "Grüße 2", "你好", "👩\u200d🚀", "a = b", "50 % + 1"])
def test_names_of_any_script_stay(stem: str) -> None:
    assert title_name(stem) == stem


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", " =1", "\uff1d1"])
def test_a_cell_that_a_spreadsheet_would_compute_is_text(text: str) -> None:
    assert str(cell(text)).startswith("'")


def test_other_cells_stay_as_they_are() -> None:
    assert [cell(value) for value in ("talk", "a=b", -1.5, None, "")] == ["talk", "a=b", -1.5, None, ""]


def test_the_mornings_tables_take_titles_for_text(tmp_path: Path) -> None:
    row = {"title": "=HYPERLINK(1)", "language": "es", "state": "failed", "why": "[x](y)<b>|", "due": ""}
    used = {"seconds": 1.0, "gpu_seconds": 0.0, "usd": 0.0, "master": "", "report": "", "notes": 0}
    write_morning(cast(Batch, SimpleNamespace(id="night", out=str(tmp_path))), [{**row, **used}])
    assert pandas.read_csv(tmp_path / "summary.csv")["title"][0] == "'=HYPERLINK(1)"
    assert r"\[x](y)\<b>\|" in (tmp_path / "summary.md").read_text()


def test_the_terminal_has_no_other_way_in() -> None:
    flows = Path(__file__).parents[2] / "flows"
    others = re.compile(r"from rich\.console import [^\n]*\bConsole\b|typer\.echo\(|[^.\w]print\(")
    found = {path.name for path in flows.rglob("*.py") if others.search(path.read_text("utf-8"))}
    assert found == {"printed.py"}

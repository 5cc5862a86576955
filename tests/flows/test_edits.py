"""A person's wording belongs to a line of a title; it goes out, comes back, and can be taken back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.kept.edits import Edits, earlier_key
from flows.terminal.edit import Imported, export_script, import_script
from tasks.keep.store import Store
from tasks.records.errors import BadInputError
from tasks.records.script import Line

VIDEO = "ab" * 32
FIRST = ("Good morning to you.", "And good evening too.")
RECUED = ("Welcome to the show.", *FIRST)

pytestmark = pytest.mark.usefixtures("store_folder")
Deliver = Callable[..., Path]
Change = Callable[..., Imported]


def lines(words: tuple[str, ...]) -> list[Line]:
    said = enumerate(words, 1)
    return [Line(id=n, start_ms=n * 1000 + len(words), end_ms=n * 1000 + 800, text=text) for n, text in said]


@pytest.fixture
def deliver(tmp_path: Path) -> Deliver:
    """Lay a title's folder as a run does; ``dub=False``: the branch failed, what was there stays."""

    def lay(words: tuple[str, ...], name: str = "talk", dub: bool = True) -> Path:
        folder = tmp_path / name
        (folder / "es").mkdir(parents=True, exist_ok=True)
        script = {"lines": [line.model_dump(mode="json") for line in lines(words)]}
        source = {"name": name, "sha256": VIDEO, "path": f"{name}.mp4"}
        (folder / "title.json").write_text(json.dumps({"title": name, "source": source, "script": script}))
        if dub:
            texts = edits(name, folder).on(lines(words)).texts
            spoken = [{**line, "text": texts.get(str(line["id"]), f"[es] {line['text']}")} for line in script["lines"]]
            (folder / "es" / "script.json").write_text(json.dumps({"language": "es", "lines": spoken}))
        return folder

    return lay


@pytest.fixture
def change(tmp_path: Path) -> Change:
    """Export a script, change fields of one of its lines, import it."""

    def export_and_import(folder: Path, line: int, **fields: Any) -> Imported:
        script = exported(folder)
        next(row for row in script["lines"] if row["id"] == line).update(fields)
        return taken_over(folder, script)

    return export_and_import


def taken_over(folder: Path, script: Any, why: str = "") -> Imported:
    file = folder.parent / "edited.json"
    file.write_text(json.dumps(script))
    return import_script(folder, "es", file, why)


def edits(name: str = "talk", folder: Path = Path("nowhere")) -> Edits:
    return Edits(Store(os.environ["POLYDUB_STORE"]), name, VIDEO, "es", folder)


def exported(folder: Path) -> Any:
    return json.loads(export_script(folder, "es")[0])


def shown(folder: Path) -> list[str | None]:
    return [row["text"] for row in exported(folder)["lines"]]


def test_an_edit_stays_with_its_words_when_a_cue_comes_before_them(deliver: Deliver, change: Change) -> None:
    folder = deliver(FIRST)
    assert change(folder, 1, text="MY WORDING") == Imported(1, 0, ())
    assert edits().on(lines(FIRST)).texts == {"1": "MY WORDING"}
    assert edits().on(lines(RECUED)).texts == {"2": "MY WORDING"}
    deliver(RECUED)
    assert shown(folder) == ["[es] Welcome to the show.", "MY WORDING", "[es] And good evening too."]


def test_an_empty_text_makes_a_line_silent(deliver: Deliver, change: Change) -> None:
    assert change(deliver(FIRST), 1, text=" ") == Imported(1, 0, ())
    assert edits().on(lines(FIRST)).texts == {"1": ""}


def test_another_title_of_the_same_bytes_and_another_language_inherit_nothing(deliver: Deliver, change: Change) -> None:
    change(deliver(FIRST), 1, text="MY WORDING")
    assert edits("copy").on(lines(FIRST)).texts == {}
    assert shown(deliver(FIRST, "copy"))[0] == "[es] Good morning to you."
    assert edits("TALK").on(lines(FIRST)).texts == {"1": "MY WORDING"}  # one name on some file systems


def test_an_edit_of_words_that_are_gone_or_changed_is_not_applied_and_told(deliver: Deliver, change: Change) -> None:
    folder = deliver(FIRST)
    change(folder, 1, text="MY WORDING")
    changed = edits().on(lines(("Good morning to you all.", FIRST[1])))
    assert changed.texts == {}
    assert changed.notes == (
        'The edit of "Good morning to you." to "MY WORDING" is not applied: '
        'the line says "Good morning to you all." now (line 1).',
    )
    assert "the line is gone" in edits().on(lines(FIRST[1:])).notes[0]
    assert edits().on(lines(FIRST)).notes == ()  # the words are back


def test_an_edit_that_fits_no_line_is_listed_and_can_be_taken_back(deliver: Deliver, change: Change) -> None:
    folder = deliver(FIRST)
    change(folder, 1, text="MY WORDING")
    deliver(FIRST[1:])
    script = exported(folder)
    assert [row["text"] for row in script["no_longer_fitting"]] == ["MY WORDING"]
    assert len(taken_over(folder, script).notes) == 1
    script["no_longer_fitting"][0]["text"] = "other"
    with pytest.raises(BadInputError, match="no_longer_fitting 1: text"):
        taken_over(folder, script)
    script["no_longer_fitting"][0]["text"] = None
    assert taken_over(folder, script) == Imported(0, 1, ())
    assert edits().on(lines(FIRST)).texts == {}


@pytest.mark.parametrize("back", [None, "[es] Good morning to you."])
@pytest.mark.parametrize("failed", [True, False], ids=["the branch failed", "delivered"])
def test_a_bad_edit_is_taken_back(deliver: Deliver, change: Change, back: str | None, failed: bool) -> None:
    folder = deliver(FIRST)
    change(folder, 1, text="BAD")
    deliver(FIRST, dub=not failed)
    script = exported(folder)
    assert (script["lines"][0]["text"], script["lines"][0]["machine"]) == ("BAD", "[es] Good morning to you.")
    assert change(folder, 1, text=back) == Imported(0, 1, ())
    assert edits().on(lines(FIRST)).texts == {}
    assert shown(folder)[0] == "[es] Good morning to you."  # before and after the next run
    assert shown(deliver(FIRST))[0] == "[es] Good morning to you."


def test_a_line_without_its_text_takes_the_edit_back_and_a_line_left_out_keeps_it(
    deliver: Deliver, change: Change
) -> None:
    folder = deliver(FIRST)
    change(folder, 1, text="MY WORDING")
    assert taken_over(folder, {"lines": [{"id": 2, "text": "[es] And good evening too."}]}) == Imported(0, 0, ())
    assert edits().on(lines(FIRST)).texts == {"1": "MY WORDING"}
    assert taken_over(folder, {"lines": [{"id": 1}]}) == Imported(0, 1, ())
    assert edits().on(lines(FIRST)).texts == {}


def test_the_last_edit_of_a_line_wins_whatever_script_it_was_made_on(deliver: Deliver, change: Change) -> None:
    folder = deliver(FIRST)
    change(folder, 1, text="ONE")
    deliver(RECUED)
    change(folder, 2, text="TWO")
    assert edits().on(lines(FIRST)).texts == {"1": "TWO"}
    change(folder, 2, text=None)
    assert edits().on(lines(FIRST)).texts == edits().on(lines(RECUED)).texts == {}
    assert [edit.text for edit in edits().records] == ["ONE", "TWO", None]  # nothing is forgotten


def test_a_record_says_who_when_why_and_of_which_words(deliver: Deliver) -> None:
    folder = deliver(FIRST)
    script = exported(folder)
    script["lines"][1]["text"] = "Y buenas noches."
    taken_over(folder, script, why="proof-read")
    (edit,) = edits().records
    assert (edit.why, edit.words, edit.source) == ("proof-read", FIRST[1], "import")
    assert edit.when.endswith("+00:00")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"start_ms": 5000}, "the line would last from 5000 to 1800 ms"),
        ({"end_ms": -5}, "line 1: end_ms: "),
        ({"start_ms": "soon"}, "line 1: start_ms: "),
        ({"speaker": 7}, "line 1: speaker: "),
        ({"source": ["Hi."]}, "line 1: source: "),
        ({"level_db": 1e9}, "line 1: level_db: it must be between"),
        ({"colour": "x"}, "line 1: colour is not a field of a line"),
        ({"machine": "x"}, "line 1: machine is 'x', not None"),
        ({"text": 7}, "line 1: text: "),
        ({"text": "\ud800"}, "line 1: text: "),
        ({"text": "\x00"}, "line 1: text: it has a control character"),
        ({"id": 9}, "line 9 is not a line of the dub"),
        ({"id": 2}, "line 2 occurs 2 times"),
    ],
)
def test_what_import_does_not_take_is_refused_by_line_and_field_and_nothing_is_kept(
    deliver: Deliver, fields: dict[str, Any], told: str
) -> None:
    folder = deliver(FIRST)
    script = exported(folder)
    script["lines"][1]["text"] = "ALSO CHANGED"
    script["lines"][0].update(fields)
    with pytest.raises(BadInputError) as refusal:
        taken_over(folder, script)
    assert told in refusal.value.what
    assert edits().records == ()


@pytest.mark.parametrize("given", [{"language": "fr"}, {"title": "walk"}, {"speed": 2}])
def test_a_script_of_another_dub_is_refused(deliver: Deliver, given: dict[str, Any]) -> None:
    folder = deliver(FIRST)
    with pytest.raises(BadInputError, match=next(iter(given))):
        taken_over(folder, {**exported(folder), **given})


@pytest.mark.parametrize("text", ["[]", "{}", '{"lines": [1]}', '{"lines": [{"id": "1"}]}', "no", "[" * 100_000])
def test_what_is_no_script_is_refused(deliver: Deliver, tmp_path: Path, text: str) -> None:
    folder = deliver(FIRST)
    (tmp_path / "edited.json").write_text(text)
    with pytest.raises(BadInputError, match="is not an edited script"):
        import_script(folder, "es", tmp_path / "edited.json")


def test_edits_of_an_earlier_version_stay_with_the_words_that_were_delivered(
    deliver: Deliver, store_folder: Path
) -> None:
    old = {"1": "MY WORDING", "7": "LOST"}
    store = Store(store_folder)
    store.write_note("edits", earlier_key(VIDEO, "es"), old)
    folder = deliver(FIRST, dub=False)
    assert edits(folder=folder).on(lines(RECUED)).texts == {"2": "MY WORDING"}
    deliver(RECUED, dub=False)  # the numbers count otherwise now
    again = edits(folder=folder).on(lines(RECUED))
    assert again.texts == {"2": "MY WORDING"}
    assert [edit.text for edit, _ in again.stray] == ["LOST"]
    assert store.read_note("edits", earlier_key(VIDEO, "es")) == old


def test_edits_of_an_earlier_version_whose_script_is_not_there_are_listed(store_folder: Path) -> None:
    Store(store_folder).write_note("edits", earlier_key(VIDEO, "es"), {"1": "MY WORDING"})
    placed = edits().on(lines(FIRST))
    assert placed.texts == {}
    assert placed.notes[0].startswith('The edit of line 1 to "MY WORDING" is not applied: an earlier version')


def test_a_preview_says_nothing_of_lines_behind_it(deliver: Deliver, change: Change) -> None:
    change(deliver(RECUED), 3, text="MY WORDING")
    assert edits().on(lines(RECUED)[:2], until_ms=2500).notes == ()
    assert len(edits().on(lines(RECUED)[:2]).notes) == 1

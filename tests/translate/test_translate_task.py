"""The step: only new lines go to the translator, a person's lines win, and its notes stay with its lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from configs.profile import load_profile
from tasks.records.errors import UnsupportedError
from tasks.records.record import Asset
from tasks.records.script import Line, Script
from tasks.records.step_record import StepRecord
from tasks.records.title import Run, Title
from tasks.translate.fake import FakeTranslator
from tasks.translate.task import translate

INVENTED = "The translation is invented (fake backend)."


@pytest.fixture
def run(tmp_path: Path) -> Run:
    video = Asset(uri="/nowhere/talk.mp4", sha256="0" * 64, bytes=1)
    title = Title(name="talk", video=video, source="talk.mp4", folder=str(tmp_path / "out"), languages=("es",))
    return Run(title=title, profile=load_profile("fake"), store=str(tmp_path / "store")).branch("es")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that reach the translator."""
    seen: list[str] = []
    real = FakeTranslator.translate

    def listen(self: FakeTranslator, texts: Any, *rest: Any) -> list[str]:
        seen.extend(texts)
        return real(self, texts, *rest)

    monkeypatch.setattr(FakeTranslator, "translate", listen)
    return seen


def script(*texts: str) -> Script:
    lines = (
        Line(id=number, start_ms=number * 1000, end_ms=number * 1000 + 900, text=text, speaker="A")
        for number, text in enumerate(texts, 1)
    )
    return Script(language="en", lines=tuple(lines), origin="subtitles", notes=("of the source",))


def step(run: Run, source: Script, edits: dict[str, str] | None = None) -> tuple[StepRecord[Script], Script]:
    record = translate.fn(run, source, edits or {})
    return record, record.value


def test_times_ids_and_order_stay_and_the_language_changes(run: Run) -> None:
    source = script("One.", "Two.")
    _, dub = step(run, source)
    assert [line.text for line in dub.lines] == ["[es] One.", "[es] Two."]
    assert [(line.id, line.start_ms, line.end_ms) for line in dub.lines] == [
        (line.id, line.start_ms, line.end_ms) for line in source.lines
    ]
    assert (dub.language, dub.origin) == ("es", "fake")


def test_what_the_translator_notes_reaches_record_and_script(run: Run) -> None:
    record, dub = step(run, script("One."))
    assert record.notes == dub.notes == (INVENTED,)


def test_only_new_lines_are_translated_and_old_ones_keep_their_note(run: Run, asked: list[str]) -> None:
    step(run, script("One.", "Two."))
    record, dub = step(run, script("Two.", "Three."))
    assert asked == ["One.", "Two.", "Three."]
    assert (record.hits, record.parts) == (1, 2)
    assert dub.notes == (INVENTED,)
    again, dub = step(run, script("Three.", "One."))
    assert asked == ["One.", "Two.", "Three."]
    assert again.hits == 2
    assert dub.notes == (INVENTED,)


def test_a_persons_line_wins_and_is_not_sent(run: Run, asked: list[str]) -> None:
    _, dub = step(run, script("One.", "Two."), {"2": "¡Dos!"})
    assert [line.text for line in dub.lines] == ["[es] One.", "¡Dos!"]
    assert asked == ["One."]
    assert "1 lines were edited by hand." in dub.notes


def test_a_title_in_the_language_already_is_refused(run: Run) -> None:
    with pytest.raises(UnsupportedError, match="already speaks es"):
        step(run, script("Uno.").model_copy(update={"language": "es"}))


FRENCH = "Je voudrais bien savoir où se trouve la gare."


def test_a_line_in_the_dubs_language_keeps_its_original_and_is_not_sent(run: Run, asked: list[str]) -> None:
    branch = run.branch("fr")
    record, dub = step(branch, script("Good morning to you all.", FRENCH, "Where is the station, please?"))
    assert asked == ["Good morning to you all.", "Where is the station, please?"]
    assert [line.id for line in dub.lines] == [1, 3]
    assert [(one.start_ms, one.end_ms, one.text) for one in dub.kept] == [(2000, 2900, FRENCH)]
    assert "Lines in fr already, whose original is kept: 2." in record.notes
    _, other = step(run, script(FRENCH))  # a dub into Spanish translates it
    assert len(other.lines) == 1


@pytest.mark.parametrize("text", ["Merci beaucoup.", "OK.", "Jean-Pierre Dupont, Paris.", "Je sais que."])
def test_too_little_evidence_is_translated(run: Run, text: str) -> None:
    _, dub = step(run.branch("fr"), script(text))
    assert [line.text for line in dub.lines] == [f"[fr] {text}"]


def test_what_the_script_says_of_a_line_decides(run: Run) -> None:
    source = script("One.", "Oui.", FRENCH)
    marked = (
        source.lines[0],
        *(
            line.model_copy(update={"language": tag})
            for line, tag in zip(source.lines[1:], ("fr-CA", "en"), strict=True)
        ),
    )
    _, dub = step(run.branch("fr"), source.model_copy(update={"lines": marked}))
    assert [line.text for line in dub.lines] == ["[fr] One.", f"[fr] {FRENCH}"]
    assert [one.text for one in dub.kept] == ["Oui."]


def test_a_line_in_a_third_language_is_translated_from_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    routes: list[tuple[str, str]] = []
    real = FakeTranslator.route
    monkeypatch.setattr(
        FakeTranslator, "route", lambda self, source, to: routes.append((source, to)) or real(self, source, to)
    )
    source = marked(script("One.", "Guten Morgen.", "Three."), {2: "de"})
    record, dub = step(run, source)
    assert [(line.id, line.text) for line in dub.lines] == [
        (1, "[es] One."),
        (2, "[es] Guten Morgen."),
        (3, "[es] Three."),
    ]
    assert [line.language for line in dub.lines] == ["", "", ""]
    assert ("de", "es") in routes
    assert "Line 2 is in German and translated from it." in record.notes


def test_a_language_that_nobody_translates_is_taken_for_the_scripts_and_told(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FakeTranslator.route

    def route(self: FakeTranslator, source: str, target: str) -> list[str]:
        if source == "de":
            raise UnsupportedError("no German")
        return real(self, source, target)

    monkeypatch.setattr(FakeTranslator, "route", route)
    record, dub = step(run, marked(script("Eins.", "Two.", "Drei."), {1: "de", 3: "de-AT"}))
    assert [line.text for line in dub.lines] == ["[es] Eins.", "[es] Two.", "[es] Drei."]
    assert any(note.startswith("Line 1 is in German, which no translator") for note in record.notes)


def marked(source: Script, languages: dict[int, str]) -> Script:
    lines = (line.model_copy(update={"language": languages.get(line.id, "")}) for line in source.lines)
    return source.model_copy(update={"lines": tuple(lines)})


def test_a_persons_wording_of_a_line_is_spoken(run: Run) -> None:
    _, dub = step(run.branch("fr"), script("One.", FRENCH), edits={"2": "La gare ?"})
    assert [line.text for line in dub.lines] == ["[fr] One.", "La gare ?"]


def test_a_title_that_speaks_the_language_throughout_is_refused(run: Run) -> None:
    with pytest.raises(UnsupportedError, match="in fr already"):
        step(run.branch("fr"), script(FRENCH))


def test_a_persons_text_that_fits_no_line_is_told_and_costs_no_translation(run: Run, asked: list[str]) -> None:
    _, dub = step(run, script("One."))
    record = translate.fn(run, script("One."), {}, ("The edit is not applied.",))
    assert record.notes == (INVENTED, "The edit is not applied.")
    assert asked == ["One."]
    assert record.value == dub  # what comes after it is found again

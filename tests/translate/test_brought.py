"""A translation that the user brings is laid on the lines by time; what does not match is said, and no word is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.records.script import Line
from tasks.translate.brought import laid_on, shared

NAME = "the translation"


def lines(*times: tuple[int, int], text: str = "words") -> list[Line]:
    return [Line(id=n, start_ms=a, end_ms=b, text=text) for n, (a, b) in enumerate(times, start=1)]


def cues(*said: tuple[int, int, str]) -> list[Line]:
    return [Line(id=n, start_ms=a, end_ms=b, text=text) for n, (a, b, text) in enumerate(said, start=1)]


def test_cues_go_to_the_lines_at_their_time() -> None:
    source = lines((300, 1000), (1200, 2000), (2300, 3400))
    found = laid_on(source, cues((350, 950, "Uno."), (1100, 2050, "Dos."), (2400, 3300, "Tres.")), NAME)
    assert (found.texts, found.notes) == ({1: "Uno.", 2: "Dos.", 3: "Tres."}, ())


def test_two_cues_of_one_line_are_said_one_after_the_other() -> None:
    found = laid_on(lines((0, 4000)), cues((0, 1900, "Primero esto."), (2000, 3900, "Luego aquello.")), NAME)
    assert found.texts == {1: "Primero esto. Luego aquello."}


def test_a_cue_of_two_lines_is_shared_out_by_their_length_and_that_is_said() -> None:
    found = laid_on(lines((0, 1000), (1100, 3100)), cues((0, 3100, "Hola a todos los que han venido hoy")), NAME)
    assert found.texts == {1: "Hola a todos", 2: "los que han venido hoy"}
    assert found.notes == (
        "1 cues of the translation say what several lines do: their words were shared out by length: "
        "0:00:00.000 (lines 1, 2).",
    )


def test_a_line_without_a_cue_says_nothing_and_that_is_said() -> None:
    found = laid_on(lines((0, 1000), (5000, 6000)), cues((0, 1000, "Hola.")), NAME)
    assert found.texts == {1: "Hola.", 2: ""}
    assert found.notes == ("1 lines have no words in the translation, and nothing is spoken there: 2.",)
    assert laid_on(lines((0, 1000), (5000, 6000)), cues((0, 1000, "Hola.")), NAME, frozenset({2})).notes == ()


def test_a_cue_where_nobody_speaks_is_left_out_and_quoted() -> None:
    found = laid_on(lines((0, 1000)), cues((0, 900, "Hola."), (1500, 2000, "¿Qué?"), (9000, 9900, "Fin.")), NAME)
    assert found.texts == {1: "Hola. ¿Qué?"}  # half a second after the line is still the line's
    assert found.notes == (
        "1 cues of the translation are at no line of the source, and were left out: 0:00:09.000 “Fin.”.",
    )


def test_a_long_list_of_what_does_not_match_is_cut() -> None:
    source = lines(*((n * 5000, n * 5000 + 1000) for n in range(14)))
    (note,) = laid_on(source, cues((0, 1000, "Hola.")), NAME).notes
    assert note.startswith("13 lines have no words")
    assert note.endswith("2; 3; 4; 5; 6; 7; 8; 9; 10; 11, and 3 more.")


@given(st.text(max_size=60), st.lists(st.integers(min_value=1, max_value=5000), min_size=1, max_size=5))
def test_sharing_a_text_out_loses_no_word(text: str, lengths: list[int]) -> None:
    parts = shared(text, lengths)
    assert len(parts) == len(lengths)
    assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.mark.parametrize("text", ["今日はとても良い天気ですね", "one"])
def test_words_stay_whole(text: str) -> None:
    assert "".join(shared(text, [1, 1])) == text

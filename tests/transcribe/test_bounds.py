from __future__ import annotations

import pytest

from tasks.records.errors import BadInputError, UnsupportedError
from tasks.records.script import Line, Passage, Script
from tasks.transcribe.bounds import within


def script(*spans: tuple[int, int]) -> Script:
    lines = tuple(Line(id=n, start_ms=a, end_ms=b, text=f"Line {n}.") for n, (a, b) in enumerate(spans))
    return Script(language="en", lines=lines, kept=(Passage(start_ms=100, end_ms=9000, text="♪"),))


def test_lines_after_the_end_of_the_picture_are_left_out_and_told_one_by_one() -> None:
    inside = within(script((0, 900), (8000, 9000), (9500, 9900)), 6000, "film.mp4")
    assert [(line.id, line.text) for line in inside.lines] == [(1, "Line 0.")]
    assert "2 lines begin after the end of the picture (6.0 s) and were left out." in inside.notes[0]
    assert [(change.start_ms, change.text, change.became) for change in inside.changes] == [
        (8000, "Line 1.", ""),
        (9500, "Line 2.", ""),
    ]
    assert inside.kept[0].end_ms == 6000


def test_a_line_across_the_end_is_shortened_and_recorded() -> None:
    inside = within(script((5000, 6700)), 6000, "film.mp4")
    assert inside.lines[0].end_ms == 6000
    assert [change.reason for change in inside.changes] == ["shortened: ends after the end of the picture (6.0 s)"]
    assert within(script((5000, 6040)), 6000, "film.mp4").changes == ()  # one frame is no news


def test_a_script_of_another_film_is_refused_as_such() -> None:
    with pytest.raises(BadInputError, match=r"All 2 lines of the script start after the end of film.mp4 \(6.0 s\)"):
        within(script((7000, 7900), (8000, 9000)), 6000, "film.mp4")


def test_a_preview_ends_early_on_purpose() -> None:
    inside = within(script((0, 900), (8000, 9000)), 6000, "film.mp4", preview=True)
    assert inside.notes == ("The preview ends at 6.0 s: 1 line after it is not in it.",)
    assert inside.changes == ()


def test_no_speech_at_all_is_another_matter() -> None:
    with pytest.raises(UnsupportedError, match="No speech was found"):
        within(script(), 6000, "film.mp4")

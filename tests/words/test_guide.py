"""Cues by the style guide: on frames, at changes of shot, with gaps in frames, rows broken by syntax."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.timed_text import timed_text_limits
from tasks.records.script import Line, Script
from tasks.words.cues import Cue, make_cues
from tasks.words.guide import Frames, guide_cues
from tasks.words.guide_check import unmet
from tasks.words.rows import clean_text, split_text

FILM, PAL = Frames(Fraction(24000, 1001)), Frames(Fraction(25))


def script(*lines: tuple[int, int, str], language: str = "es") -> Script:
    made = tuple(Line(id=n, start_ms=a, end_ms=b, text=text) for n, (a, b, text) in enumerate(lines))
    return Script(language=language, lines=made)


scripts = st.builds(
    lambda lines, language: script(*((a, a + d, t) for a, d, t in lines), language=language),
    st.lists(
        st.tuples(st.integers(0, 60_000), st.integers(0, 12_000), st.text("el gato, de. 猫は", max_size=120)),
        max_size=8,
    ),
    st.sampled_from(["es", "en", "ja", "ar"]),
)
rates = st.builds(
    Frames,
    st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30), Fraction(60000, 1001)]),
    st.integers(0, 90),
)
cuts = st.lists(st.integers(0, 70_000), max_size=12).map(sorted)


@given(scripts, rates, cuts)
def test_all_text_is_shown_in_order_on_frames_with_gaps_and_not_too_long(
    given_script: Script, frames: Frames, cuts_ms: list[int]
) -> None:
    cues = guide_cues(given_script, frames, None, cuts_ms)
    limits = timed_text_limits(given_script.language)
    for line in given_script.lines:
        shown = "".join("".join(cue.rows) for cue in cues if cue.line == line.id)
        assert "".join(shown.split()) == "".join(clean_text(line.text).split())
    edges = [frames.at(time) for cue in cues for time in (cue.start_ms, cue.end_ms)]
    assert [frames.ms(edge) for edge in edges] == [time for cue in cues for time in (cue.start_ms, cue.end_ms)]
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        assert begin < end
        assert (end - begin) * 1000 / frames.rate <= limits.max_ms
    assert all(later - earlier >= limits.gap_frames for earlier, later in zip(edges[1::2], edges[2::2], strict=False))
    assert not [rule for rule in unmet(cues, given_script.language, frames) if "frames" in rule or "for more" in rule]


@given(scripts, rates, cuts)
def test_no_gap_is_left_that_is_too_short_to_be_seen(given_script: Script, frames: Frames, cuts_ms: list[int]) -> None:
    cues = guide_cues(given_script, frames, None, cuts_ms)
    most = timed_text_limits(given_script.language).max_ms
    for earlier, later in pairwise(cues):
        gap = frames.at(later.start_ms) - frames.at(earlier.end_ms)
        assert gap == 2 or gap >= frames.length(480) - 2 or later.start_ms - earlier.start_ms > most - 100


@pytest.mark.parametrize(
    ("line", "cut", "start", "end"),
    [
        ((1960, 4000), 2000, 50, 100),  # begins a frame before the cut: on it
        ((2200, 4000), 2000, 50, 100),  # five frames behind it: on it
        ((2600, 4600), 2000, 65, 115),  # far from it: where it is said
        ((1000, 3100), 3000, 25, 73),  # would go just after the cut: two frames before it
        ((1000, 2800), 3000, 25, 73),  # would go just before it: stays up to it
        ((1000, 2000), 6000, 25, 50),  # no cut near it
        ((2400, 3100), 3000, 60, 88),  # too short to end before the cut: half a second behind it
    ],
)
def test_a_cue_begins_and_ends_on_a_change_of_shot_that_is_near(
    line: tuple[int, int], cut: int, start: int, end: int
) -> None:
    (cue,) = guide_cues(script((*line, "Hola.")), PAL, None, [cut])
    assert (PAL.at(cue.start_ms), PAL.at(cue.end_ms)) == (start, end)
    assert not unmet([cue], "es", PAL, [cut])


def test_times_in_milliseconds_are_on_the_frame_that_they_mean() -> None:
    (cue,) = guide_cues(script((1000, 3000, "Hola.")), FILM)
    assert (cue.start_ms, cue.end_ms) == (1001, 3003)
    (late,) = guide_cues(script((1000, 3000, "Hola.")), Frames(Fraction(25), 33))
    assert ((late.start_ms - 33) % 40, (late.end_ms - 33) % 40) == (0, 0)


@pytest.mark.parametrize(
    ("language", "text", "rows"),
    [
        ("es", "Nunca pensé que volvería a encontrar a la hermana de mi padre.",
         ("Nunca pensé que volvería a encontrar", "a la hermana de mi padre.")),
        ("en", "I never thought I would find the key to the house again.",
         ("I never thought I would find", "the key to the house again.")),
        ("fr", "Je ne savais pas que tu avais parlé avec le directeur hier.",
         ("Je ne savais pas que tu avais parlé", "avec le directeur hier.")),
        ("de", "Wir haben das Buch gestern Abend auf dem alten Tisch gefunden.",
         ("Wir haben das Buch gestern Abend", "auf dem alten Tisch gefunden.")),
        ("en", "Nobody in this whole town has ever seen Dr. Watson without him.",
         ("Nobody in this whole town", "has ever seen Dr. Watson without him.")),
        ("es", "Cuando llegó el tren, ya no quedaba nadie en la estación.",
         ("Cuando llegó el tren,", "ya no quedaba nadie en la estación.")),
    ],
)  # fmt: skip
def test_rows_are_broken_where_the_sentence_is(language: str, text: str, rows: tuple[str, ...]) -> None:
    assert split_text(text, timed_text_limits(language), by_syntax=True) == [rows]


@pytest.mark.parametrize("language", ["ja", "zh"])
def test_no_row_begins_with_what_may_not_begin_one(language: str) -> None:
    text = "「昨日、東京タワーの近くで会いました。」と彼女は言った、ちょっと笑って。" * 2
    rows = [row for cue in split_text(text, timed_text_limits(language), by_syntax=True) for row in cue]
    assert "".join(rows) == text
    assert len(rows) > 3
    assert not [row for row in rows if row[0] in "、。」ょっ" or row[-1] in "「"]


def test_each_rule_that_is_not_kept_is_counted() -> None:
    long = "x" * 50
    cues = [
        Cue(0, 400, (long, "b", "z"), 0),
        Cue(440, 9000, ("Vimos a la", "niña."), 1),
        Cue(9090, 9500, ("Hola.",), 2),
        Cue(20_000, 22_000, ("Bien.",), 3),
    ]
    assert set(unmet(cues, "es", PAL, [9600])) == {
        "1 of 4 cues read at more than 17 characters a second",
        "1 of 4 cues have a row of more than 42 characters",
        "1 of 4 cues have more than 2 rows",
        "2 of 4 cues are shown for less than 0.83 s",
        "1 of 4 cues are shown for more than 7 s",
        "1 of 4 cues do not begin and end on frames",
        "1 of 4 cues are less than 2 frames from the next",
        "1 of 4 cues end a row in a word that belongs to the next",
    }
    assert unmet([Cue(1960, 4000, ("Hola.",), 0)], "es", PAL, [2000]) == (
        "1 of 1 cues begin or end close to a change of shot",
    )
    assert unmet([], "es", PAL) == ()


def test_what_is_not_asked_to_follow_the_guide_stays_as_it_was() -> None:
    text = "Nunca pensé que volvería a encontrar a la hermana de mi padre."
    (cue,) = make_cues(script((1017, 3015, text)))
    assert (cue.start_ms, cue.rows) == (1017, ("Nunca pensé que volvería a", "encontrar a la hermana de mi padre."))

"""Subtitles that are late, early or at another rate are put on the speech; those that lie well stay."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.records.script import Line, Script, Word
from tasks.sound.speech_activity import duration_ms, speech_spans
from tasks.transcribe.realign import placed, realigned, snap
from tests.speech_media import clip_16k


def lines(spans: list[tuple[int, int]]) -> list[Line]:
    return [Line(id=n, start_ms=a, end_ms=b, text="words") for n, (a, b) in enumerate(spans)]


def talk(seed: int, count: int) -> list[tuple[int, int]]:
    rng, clock, spans = random.Random(seed), 0, []
    for _ in range(count):
        start = clock + rng.randint(300, 4000)
        clock = start + rng.randint(800, 5000)
        spans.append((start, clock))
    return spans


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shift", [-12_340, -1500, 0, 900, 30_000])
def test_a_shift_of_the_whole_file_is_found(seed: int, shift: int) -> None:
    speech = talk(seed, 60)
    speech = [(a + 15_000, b + 15_000) for a, b in speech]
    shifted = lines([(a + shift, b + shift) for a, b in speech])
    ratio, found = placed(shifted, speech, speech[-1][1] + 60_000)
    assert ratio == 1
    assert found == pytest.approx(-shift, abs=20)


@pytest.mark.parametrize("ratio", [Fraction(25, 24), Fraction(24, 25), Fraction(25025, 24000), Fraction(960, 1001)])
def test_a_rate_taken_for_another_is_found(ratio: Fraction) -> None:
    speech = talk(7, 150)
    wrong = lines([(round(a * ratio) + 2000, round(b * ratio) + 2000) for a, b in speech])
    found, shift = placed(wrong, speech, speech[-1][1] + 60_000)
    for a, _ in speech:
        assert abs(round((round(a * ratio) + 2000) * found) + shift - a) < 200


def test_lines_that_lie_on_their_speech_stay_to_the_millisecond() -> None:
    speech = talk(3, 40)
    script = Script(language="en", lines=tuple(lines(speech)))
    after = realigned(script, speech, speech[-1][1] + 5000)
    assert after.lines == script.lines
    assert "match the speech already" in after.notes[-1]


def test_a_line_goes_to_its_onset_within_the_bound_and_says_how_far() -> None:
    speech = [(1000, 3000), (5000, 7000), (20_000, 22_000)]
    given_lines = lines([(1300, 3100), (4500, 6800), (12_000, 13_000)])
    after = realigned(Script(language="en", lines=tuple(given_lines)), speech, 30_000)
    assert [(line.start_ms, line.end_ms) for line in after.lines] == [(1000, 3000), (5000, 7000), (12_000, 13_000)]
    assert "2 lines moved to their speech" in after.notes[-1]
    assert "1 lines have no onset of speech near" in after.notes[-1]


def test_words_move_with_their_line() -> None:
    word = Word(text="so", start_ms=1400, end_ms=2000)
    line = Line(id=0, start_ms=1300, end_ms=3300, text="so", words=(word,))
    (after,) = snap([line], [(1000, 3000)])
    assert after.words == (Word(text="so", start_ms=1100, end_ms=1700),)


def test_without_speech_the_times_are_kept_and_that_is_said() -> None:
    script = Script(language="en", lines=tuple(lines([(0, 1000)])))
    after = realigned(script, [], 5000)
    assert after.lines == script.lines
    assert "no speech was found" in after.notes[-1]


SPANS = st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 4000)), min_size=1, max_size=25)


def laid(steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    spans, clock = [], 0
    for pause, length in steps:
        spans.append((clock + pause, clock + pause + length))
        clock += pause + length
    return spans


@given(SPANS, SPANS)
def test_lines_stay_in_order_apart_and_whole(cues: list[tuple[int, int]], speech: list[tuple[int, int]]) -> None:
    before = lines(laid(cues))
    after = snap(before, laid(speech))
    assert [line.id for line in after] == [line.id for line in before]
    assert all(line.start_ms < line.end_ms for line in after)
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(after))


@given(SPANS, SPANS)
def test_no_line_that_stands_alone_moves_further_than_the_bound(
    cues: list[tuple[int, int]], speech: list[tuple[int, int]]
) -> None:
    before = lines(laid([(pause + 3000, length) for pause, length in cues]))
    for old, new in zip(before, snap(before, laid(speech)), strict=True):
        assert abs(new.start_ms - old.start_ms) <= 700
        assert abs(new.end_ms - old.end_ms) <= 700


def test_a_real_recording_gets_its_late_subtitles_back(tmp_path: Path) -> None:
    audio = clip_16k("open-dubbing/tests/data/englishvideo.mp4", tmp_path)
    truth = [(1260, 3950), (5250, 6630), (7610, 8690)]  # as its repository asserts
    late = Script(language="en", lines=tuple(lines([(a + 1200, b + 1200) for a, b in truth])))
    after = realigned(late, speech_spans(audio), duration_ms(audio))
    for line, (a, b) in zip(after.lines, truth, strict=True):
        assert abs(line.start_ms - a) < 250
        assert abs(line.end_ms - b) < 350

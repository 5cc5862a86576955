from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tasks.qc import timing
from tasks.records.script import Line, Script
from tasks.records.take import Placement


def placement(
    line: int, start: int, end: int, slot: int, natural: int, stretch: float = 1.0, fit="natural"
) -> Placement:
    return Placement(line=line, start_ms=start, end_ms=end, slot_ms=slot, natural_ms=natural, stretch=stretch, fit=fit)


def tone(path: Path, start_ms: int, end_ms: int, total_ms: int = 4000, rate: int = 48_000) -> Path:
    time = np.arange(total_ms * rate // 1000) * 1000 / rate
    sound = np.where((time >= start_ms) & (time < end_ms), 0.2 * np.sin(2 * np.pi * 0.3 * time), 0.0)
    soundfile.write(path, sound + 1e-5 * np.sin(time), rate)
    return path


def test_adherence_counts_lines_whose_natural_length_is_near_their_slot() -> None:
    lines = [placement(n, 0, 1, 1000, natural) for n, natural in enumerate((899, 900, 1200, 1201))]
    assert timing.adherence(lines).value == 0.5


def test_stretch_is_judged_as_it_is_shown() -> None:
    fastest, slowest = timing.stretch_range([placement(0, 0, 1, 1, 1, 1.2004), placement(1, 0, 1, 1, 1, 0.93)])
    assert (fastest.value, slowest.value) == (1.2, 0.93)


def test_nothing_laid_is_nothing_measured() -> None:
    assert timing.adherence([]).value is None
    assert timing.stretch_range([])[0].value is None


def test_overlong_lines_are_named() -> None:
    found = timing.overlong([placement(7, 0, 1, 1, 1, fit="overlong"), placement(8, 0, 1, 1, 1)])
    assert (found.value, found.note) == (1.0, "lines 7")


def test_overlap_is_the_time_in_which_both_speak_or_both_are_silent() -> None:
    assert timing.speech_overlap(((0, 500),), ((250, 750),), 1000).value == 0.5
    assert timing.speech_overlap(((0, 500),), ((0, 500),), 1000).value == 1.0
    assert timing.speech_overlap((), (), 1000).value == 1.0
    assert timing.speech_overlap(None, (), 1000).value is None


spans = st.lists(st.integers(0, 1000), max_size=8).map(
    lambda edges: tuple(zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


@given(spans, spans)
def test_overlap_agrees_with_counting_milliseconds(source: timing.Spans, dub: timing.Spans) -> None:
    def speaks(track: timing.Spans) -> list[bool]:
        return [any(a <= ms < b for a, b in track) for ms in range(1000)]

    counted = sum(a == b for a, b in zip(speaks(source), speaks(dub), strict=True)) / 1000
    assert timing.speech_overlap(source, dub, 1000).value == pytest.approx(counted, abs=0.0006)


def script(*starts: int) -> Script:
    lines = (Line(id=n, start_ms=start, end_ms=start + 500, text="x") for n, start in enumerate(starts))
    return Script(language="en", lines=tuple(lines))


def test_drift_is_heard_in_the_delivered_stem(tmp_path: Path) -> None:
    stem = tone(tmp_path / "dub.wav", 2120, 2800)
    drift = timing.drift(script(0, 2000), [placement(0, 0, 500, 500, 500), placement(1, 2000, 2900, 500, 500)], stem)
    assert drift.value == pytest.approx(120, abs=5)


def test_drift_of_a_silent_stem_comes_from_the_placement_and_says_so(tmp_path: Path) -> None:
    stem = tone(tmp_path / "dub.wav", 0, 0)
    drift = timing.drift(script(2000), [placement(0, 1950, 2500, 500, 500)], stem)
    assert drift.value == -50
    assert "placement" in drift.note


def test_the_end_of_the_line_before_is_no_onset(tmp_path: Path) -> None:
    stem = tone(tmp_path / "dub.wav", 1000, 1990)
    laid = [placement(0, 1000, 1990, 900, 900), placement(1, 2000, 2500, 500, 500)]
    assert timing.drift(script(1000, 2000), laid, stem).value == 0

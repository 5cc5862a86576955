"""Aligns subtitles with the speech: the whole file shifted and stretched, then each line to its onset.

The whole file is aligned like in ffsubsync (Macaskill, 2019): for each ratio of commonly confused frame rates, the
shift at which lines and speech agree best, by cross-correlation.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tasks.records.script import Line, Passage, Script, Word

Span = tuple[int, int]

_FRAME_MS = 20
_FARTHEST_MS = 60_000  # that a whole file is moved
_SNAP_MS = 700  # that one line's start or end is moved beyond that
_SHORTEST_MS = 200  # a line is never made shorter than this, or than it was
#: Ratios of film, PAL and NTSC rates that are confused.
_RATES = (Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(30))
_RATIOS = sorted({a / b for a in _RATES for b in _RATES if abs(a / b - 1) < Fraction(1, 12)}, key=lambda r: abs(r - 1))
_STRETCH_FROM_MS = 120_000  # shorter files tell no ratio from a shift
_GAIN = 0.02  # share of agreement that a shift must win to be believed, and a ratio over the plain shift


def realigned(script: Script, spans: Sequence[Span], duration_ms: int) -> Script:
    """The script with its times aligned to the speech, texts unchanged, with notes on what was moved.

    Lines with no onset of speech within 0.7 s keep the place that the whole file's shift gives them.

    Args:
        script: as the subtitles have it.
        spans: of speech, in order.
        duration_ms: of the title.
    """
    if not spans or not script.lines:
        return _noted(script, script.lines, "Subtitles: no speech was found to align them to; their times are kept.")
    ratio, shift_ms = placed(script.lines, spans, duration_ms)
    lines = [_mapped(line, ratio, shift_ms) for line in script.lines]
    snapped = snap(lines, spans)
    script = script.model_copy(update={"kept": tuple(_moved(passage, ratio, shift_ms) for passage in script.kept)})
    moves = [abs(new.start_ms - old.start_ms) for new, old in zip(snapped, lines, strict=True)]
    moved = [move for move in moves if move]
    alone = sum(not any(_near(line.start_ms, start) for start, _ in spans) for line in lines)
    whole = []
    if shift_ms or ratio != 1:
        whole = [f"moved by {shift_ms / 1000:+.2f} s" + (f" and stretched by {float(ratio):.4f}" if ratio != 1 else "")]
    single = [f"{len(moved)} lines moved to their speech (median {statistics.median(moved):.0f} ms)"] if moved else []
    left = [f"{alone} lines have no onset of speech near them and were not moved"] if alone else []
    said = "; ".join([*whole, *single, *left]) or "they match the speech already"
    return _noted(script, snapped, f"Subtitles aligned: {said}.")


def placed(lines: Sequence[Line], spans: Sequence[Span], duration_ms: int) -> tuple[Fraction, int]:
    """The ratio and shift (milliseconds) that align a whole file with the speech; 1 and 0 if they gain nothing.

    Args:
        lines: of the subtitles.
        spans: spans of speech, milliseconds, in order.
        duration_ms: length of the title, milliseconds.
    """
    speech = _activity(spans, duration_ms)
    here = _agreement(_activity([(line.start_ms, line.end_ms) for line in lines], duration_ms), speech)
    best, ratio, shift = here + _GAIN, Fraction(1), 0
    for candidate in _RATIOS if lines[-1].end_ms - lines[0].start_ms >= _STRETCH_FROM_MS else _RATIOS[:1]:
        cues = [(round(line.start_ms * candidate), round(line.end_ms * candidate)) for line in lines]
        agreed, moved = _best_shift(_activity(cues, duration_ms), speech)
        if agreed > best:
            best, ratio, shift = agreed + (_GAIN if candidate == 1 else 0), candidate, moved
    return ratio, shift


def snap(lines: Sequence[Line], spans: Sequence[Span]) -> list[Line]:
    """Each line's start to the nearest onset of speech and its end to the nearest end of it, 0.7 s at most.

    Lines stay in order and apart, and none becomes shorter than 0.2 s, or than it was.
    """
    onsets, ends = np.array([start for start, _ in spans]), np.array([end for _, end in spans])
    wanted = [(_nearest(line.start_ms, onsets), _nearest(line.end_ms, ends)) for line in lines]
    found: list[Line] = []
    for place, (line, (start, end)) in enumerate(zip(lines, wanted, strict=True)):
        floor = found[-1].end_ms if found else 0
        roof = max(lines[place + 1].start_ms, line.end_ms) if place + 1 < len(lines) else None
        shortest = min(_SHORTEST_MS, line.end_ms - line.start_ms)
        start = max(start, floor)
        end = end if roof is None else min(end, max(roof, start + 1))
        if end - start < shortest:
            start, end = max(line.start_ms, floor), max(line.end_ms, max(line.start_ms, floor) + 1)
        found.append(_timed(line, start, end))
    return _apart(found)


def _apart(lines: list[Line]) -> list[Line]:
    """Lines that still overlap share their time at the later one's start, as far as both keep some."""
    for place, (first, second) in enumerate(pairwise(lines)):
        if first.end_ms > second.start_ms:
            cut = min(max(second.start_ms, first.start_ms + 1), first.end_ms)
            lines[place] = _timed(first, first.start_ms, cut)
            lines[place + 1] = _timed(second, cut, max(second.end_ms, cut + 1))
    return lines


def _near(at: int, onset: int) -> bool:
    return abs(at - onset) <= _SNAP_MS


def _nearest(at: int, marks: NDArray[np.int64]) -> int:
    mark = int(marks[np.abs(marks - at).argmin()])
    return mark if _near(at, mark) else at


def _mapped(line: Line, ratio: Fraction, shift_ms: int) -> Line:
    start = max(0, round(line.start_ms * ratio) + shift_ms)
    return _timed(line, start, max(start + 1, round(line.end_ms * ratio) + shift_ms))


def _moved(passage: Passage, ratio: Fraction, shift_ms: int) -> Passage:
    start = max(0, round(passage.start_ms * ratio) + shift_ms)
    end = max(start + 1, round(passage.end_ms * ratio) + shift_ms)
    return passage.model_copy(update={"start_ms": start, "end_ms": end})


def _timed(line: Line, start_ms: int, end_ms: int) -> Line:
    """The line at other times, its words spread as before."""
    if (start_ms, end_ms) == (line.start_ms, line.end_ms):
        return line
    scale = Fraction(end_ms - start_ms, max(1, line.end_ms - line.start_ms))
    words = tuple(
        Word(
            text=word.text,
            start_ms=start_ms + round((word.start_ms - line.start_ms) * scale),
            end_ms=start_ms + round((word.end_ms - line.start_ms) * scale),
        )
        for word in line.words
    )
    return line.model_copy(update={"start_ms": start_ms, "end_ms": end_ms, "words": words})


def _activity(spans: Sequence[Span], duration_ms: int) -> NDArray[np.float64]:
    """1 where there is something and -1 where there is nothing, a value each 20 ms."""
    active = np.full(duration_ms // _FRAME_MS + 1, -1.0)
    for start, end in spans:
        active[max(0, start // _FRAME_MS) : max(0, end // _FRAME_MS)] = 1.0
    return active


def _agreement(cues: NDArray[np.float64], speech: NDArray[np.float64]) -> float:
    return float((cues * speech).mean() + 1) / 2


def _best_shift(cues: NDArray[np.float64], speech: NDArray[np.float64]) -> tuple[float, int]:
    """The share of time on which cues and speech agree at the best shift, and that shift in milliseconds."""
    from scipy.signal import correlate, correlation_lags

    raised = cues + 1  # nothing is gained by moving silence out of the title
    scores = correlate(speech, raised, method="fft")
    lags = correlation_lags(len(speech), len(cues)) * _FRAME_MS
    inside = np.abs(lags) <= _FARTHEST_MS
    shift = int(lags[inside][np.round(scores[inside], 6).argmax()])
    moved = np.full(len(cues), -1.0)
    by = shift // _FRAME_MS
    kept = cues[max(0, -by) : len(cues) - max(0, by)]
    moved[max(0, by) : max(0, by) + len(kept)] = kept
    return _agreement(moved, speech), shift


def _noted(script: Script, lines: Sequence[Line], note: str) -> Script:
    return script.model_copy(update={"lines": tuple(lines), "notes": (*script.notes, note)})

"""A script as subtitle cues. Times in milliseconds of the player's clock."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from configs.timed_text import TimedTextLimits, timed_text_limits
from tasks.records.script import Line, Script
from tasks.words.rows import clean_text, split_text, text_width

DEFAULT_RATE = Fraction(25)
_LINGER_MS = 500  # the style guides let a cue stand this long after its speech


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: its rows of plain text, and the id of the line it belongs to."""

    start_ms: int
    end_ms: int
    rows: tuple[str, ...]
    line: int

    @property
    def duration_ms(self) -> int:
        """Its length on screen."""
        return self.end_ms - self.start_ms


def make_cues(
    script: Script,
    frame_rate: Fraction = DEFAULT_RATE,
    duration_ms: int | None = None,
    limits: TimedTextLimits | None = None,
    *,
    by_syntax: bool = False,
) -> tuple[Cue, ...]:
    """Every line's text as cues in order of time, none overlapping, within the language's limits.

    A line that is too long for one cue (rows, or 7 s) becomes several, its time shared by their lengths. Where the
    next one leaves room, a short cue stays until 5/6 s, and one that is hard to read in time up to half a second more.
    Where lines overlap, the later one waits for the earlier one's minimum. No text is left out.

    Args:
        script: lines with times.
        frame_rate: of the picture; two frames stay free between cues.
        duration_ms: length of the title, which no lengthened cue passes; None where unknown.
        limits: of the cues; None: those of the language.
        by_syntax: break rows where words that belong together stay so.
    """
    limits = limits or timed_text_limits(script.language)
    ordered = sorted(script.lines, key=lambda line: (line.start_ms, line.id))
    cues = [cue for line in ordered for cue in _line_cues(line, limits, by_syntax)]
    return tuple(_timed(sorted(cues, key=lambda cue: cue.start_ms), limits, frame_rate, duration_ms))


def _line_cues(line: Line, limits: TimedTextLimits, by_syntax: bool) -> list[Cue]:
    length_ms = max(1, line.end_ms - line.start_ms)
    pieces = split_text(clean_text(line.text), limits, math.ceil(length_ms / limits.max_ms), by_syntax=by_syntax)
    weights = [max(0.5, sum(text_width(row, wide=limits.wide) for row in rows)) for rows in pieces]
    total = sum(weights)
    bounds = [line.start_ms]
    done = 0.0
    for weight in weights:
        done += weight
        bounds.append(line.start_ms + round(length_ms * done / total))
    return [Cue(start, end, rows, line.id) for (start, end), rows in zip(pairwise(bounds), pieces, strict=True)]


def _timed(cues: list[Cue], limits: TimedTextLimits, frame_rate: Fraction, duration_ms: int | None) -> list[Cue]:
    frame_ms = math.ceil(1000 / frame_rate)
    gap_ms = math.ceil(limits.gap_frames * 1000 / frame_rate)
    starts: list[int] = []
    earliest = 0
    for cue in cues:
        starts.append(max(cue.start_ms, earliest))
        shown_ms = max(frame_ms, min(cue.duration_ms - gap_ms, limits.min_ms))
        earliest = starts[-1] + shown_ms + gap_ms
    result = []
    for index, (cue, start) in enumerate(zip(cues, starts, strict=True)):
        width = sum(text_width(row, wide=limits.wide) for row in cue.rows)
        readable = min(start + math.ceil(width * 1000 / limits.cps), cue.end_ms + _LINGER_MS)
        end = min(max(cue.end_ms, readable, start + limits.min_ms), start + limits.max_ms)
        if index + 1 < len(cues):
            end = min(end, starts[index + 1] - gap_ms)
        elif duration_ms is not None:
            end = min(end, max(duration_ms, start + frame_ms))
        result.append(replace(cue, start_ms=start, end_ms=end))
    return result

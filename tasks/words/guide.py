"""Cues as style guides want them: on frames, at changes of shot, with gaps that are seen as gaps.

A cue that would begin or end close to a change of shot does so on it (two frames before it at the end); a gap that is
too short to be seen as one is closed to two frames.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from configs.timed_text import TimedTextLimits, timed_text_limits
from tasks.records.script import Script
from tasks.words.cues import Cue, make_cues

#: A gap below this, and above the least, is closed.
_SEEN_AS_GAP_MS = 480


@dataclass(frozen=True)
class Frames:
    """The picture's frames on the player's clock.

    Attributes:
        rate: frames a second.
        first_ms: when the first is shown.
    """

    rate: Fraction
    first_ms: int = 0

    def at(self, time_ms: float) -> int:
        """The number of the frame that begins nearest to a time."""
        return round(Fraction(time_ms - self.first_ms) * self.rate / 1000)

    def ms(self, frame: int) -> int:
        """The millisecond in which a frame begins, so that what begins then is on it from its start."""
        return self.first_ms + math.floor(frame * 1000 / self.rate)

    def length(self, time_ms: float) -> int:
        """A length in frames, at least one."""
        return max(1, math.ceil(Fraction(time_ms) * self.rate / 1000))


def guide_cues(
    script: Script,
    frames: Frames,
    duration_ms: int | None = None,
    cuts_ms: Sequence[int] = (),
    limits: TimedTextLimits | None = None,
) -> tuple[Cue, ...]:
    """Every line's text as cues by the style guide of its language; no text is left out.

    Args:
        script: lines with times.
        frames: of the picture.
        duration_ms: length of the title, which no cue passes; None where unknown.
        cuts_ms: when its shots change, in order.
        limits: of the cues; None: those of the language.
    """
    limits = limits or timed_text_limits(script.language)
    cues = make_cues(script, frames.rate, duration_ms, limits, by_syntax=True)
    return tuple(_timed(cues, limits, frames, duration_ms, cuts_ms))


def _timed(
    cues: Sequence[Cue], limits: TimedTextLimits, frames: Frames, duration_ms: int | None, cuts_ms: Sequence[int]
) -> Iterator[Cue]:
    cuts = sorted({frames.at(cut) for cut in cuts_ms})
    gap, near = limits.gap_frames, frames.length(limits.shot_ms)
    starts: list[int] = []
    for cue in cues:
        begun = frames.at(cue.start_ms)
        cut = min(cuts, key=lambda one: abs(one - begun), default=None)
        snapped = cut if cut is not None and abs(cut - begun) <= near else begun
        starts.append(max(snapped, 0, starts[-1] + 1 + gap if starts else 0))
    last = None if duration_ms is None else math.floor(Fraction(duration_ms - frames.first_ms) * frames.rate / 1000)
    for place, (cue, start) in enumerate(zip(cues, starts, strict=True)):
        following = starts[place + 1] - gap if place + 1 < len(cues) else last
        end = _end(cue, start, following, limits, frames, cuts)
        if place + 1 < len(cues) and following is not None:
            longest = start + math.floor(limits.max_ms * frames.rate / 1000)
            if 0 < following - end < frames.length(_SEEN_AS_GAP_MS) - gap and following <= longest:
                end = following
        yield replace(cue, start_ms=frames.ms(start), end_ms=frames.ms(end))


def _end(cue: Cue, start: int, latest: int | None, limits: TimedTextLimits, frames: Frames, cuts: Sequence[int]) -> int:
    """The frame on which a cue is gone."""
    shortest, longest = frames.length(limits.min_ms), math.floor(limits.max_ms * frames.rate / 1000)
    most = min(start + longest, latest) if latest is not None else start + longest
    end = max(start + 1, min(max(frames.at(cue.end_ms), start + shortest), most))
    near, behind = frames.length(limits.shot_ms), frames.length(limits.after_shot_ms)
    before = [cut - limits.gap_frames for cut in cuts if cut > start]
    close = [one for one in before if -near - limits.gap_frames <= one - end <= behind]
    for at in sorted(close, key=lambda one: abs(one - end)):
        if start + shortest <= at <= most or (at < end and start < at and at - start >= end - start - 1):
            return at
    passed = [one + limits.gap_frames for one in before if one < end < one + limits.gap_frames + behind]
    if passed and (far := passed[-1] + behind) <= most:
        return far  # it cannot end before the shot changes: it stays long enough to be seen to go
    return end

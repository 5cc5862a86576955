"""The pace of each line so that it lasts as long as its source. Pure functions.

A speaker has one pace over the whole title; a line deviates a little if necessary. If the actor speaks a line slowly,
the dub may too: its deviation is then measured from the actor's syllables per second.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from configs.profile import PaceSettings

#: A take this close to its slot is left as it is.
NEAR = 0.03
#: A line fits if the ratio of its length to its slot is within these: slightly inside QC's window, because a voice
#: does not follow the requested pace exactly.
_FITS = (0.905, 1.2)
#: A line that is too short can still gain from pauses or a slow actor, one that is too long cannot, and a voice may be
#: 1.5 % slower than predicted.
_NOT_TOO_LONG = (0.0, 1.18)
#: Paces on the coarse grid are preferred, and this percentage of lines is ignored, so that one edited line rarely
#: changes the pace of all the others.
_COARSE = 5  # percent
_TOLERATED = 0.02


@dataclass(frozen=True)
class Reach:
    """The allowed paces of a line, as factors of the voice's own: the speaker's, and the range around it."""

    speaker: float
    slowest: float
    fastest: float

    @classmethod
    def around(cls, speaker: float, settings: PaceSettings) -> Reach:
        """The range for every line of a speaker."""
        return cls(speaker, speaker * (1 - settings.line), speaker * (1 + settings.line))

    def following(self, natural_rate: float, actor_rate: float, settings: PaceSettings) -> Reach:
        """The same range, extended down to about the pace of the line's actor.

        Args:
            natural_rate: syllables per second of the line at the voice's own pace.
            actor_rate: syllables per second of the source line; 0 if unknown.
            settings: allowed deviation from the actor, and the slowest pace.
        """
        if actor_rate <= 0 or natural_rate <= 0:
            return self
        followed = actor_rate / natural_rate * (1 - settings.line)
        return replace(self, slowest=min(self.slowest, max(settings.slowest_line, followed)))

    def has(self, pace: float) -> bool:
        """Whether a pace is in the range, with a tolerance because voices are not exact."""
        return self.slowest - 0.01 <= pace <= self.fastest + 0.01


def speaker_pace(lengths: Iterable[tuple[int, int]], settings: PaceSettings) -> float:
    """The pace of one speaker over a title: within the natural range, so that most lines can fit their slots.

    Of equal paces the one with the fewest lines that are too long, then the one nearest to the median of the paces that
    the lines need.

    Args:
        lengths: each line's length at the voice's own pace and its slot, both in milliseconds.
        settings: the range, and the allowed deviation of a line from its speaker.
    """
    ratios = [natural_ms / slot_ms for natural_ms, slot_ms in lengths if slot_ms > 0 and natural_ms > 0]
    if not ratios:
        return 1.0
    median = min(max(statistics.median(ratios), settings.slowest), settings.fastest)
    good = list(range(math.ceil(settings.slowest * 100 - 1e-9), math.floor(settings.fastest * 100 + 1e-9) + 1))
    for window in (_FITS, _NOT_TOO_LONG):
        fitting = {percent: _fitting(ratios, percent / 100, settings.line, window) for percent in good}
        enough = max(fitting.values()) - _TOLERATED * len(ratios)
        good = [percent for percent in good if fitting[percent] >= enough]
    coarse = [percent for percent in good if percent % _COARSE == 0]
    return min(coarse or good, key=lambda percent: (abs(percent / 100 - median), percent)) / 100


def _fitting(ratios: Sequence[float], pace: float, line: float, window: tuple[float, float]) -> int:
    """Number of lines that can be brought into a window from this pace.

    Args:
        ratios: length at the voice's own pace over slot, by line.
        pace: the speaker's.
        line: allowed deviation of a line.
        window: allowed ratios.
    """
    low, high = window
    return sum(ratio / (pace * (1 + line)) <= high and ratio / (pace * (1 - line)) >= low for ratio in ratios)


def line_pace(length_ms: int, asked: float, slot_ms: int, reach: Reach) -> float:
    """The pace at which a line would be as long as its slot, as close as its range allows.

    Args:
        length_ms: length of the line's current take.
        asked: pace of that take.
        slot_ms: length of the source line; 0 for no requirement.
        reach: the allowed paces of the line.

    Returns:
        A factor with two decimals, so that nearly equal paces share a take.
    """
    if slot_ms <= 0 or length_ms <= 0:
        return reach.speaker
    wanted = asked * length_ms / slot_ms
    return round(min(max(wanted, reach.slowest), reach.fastest), 2)


def is_near(length_ms: int, slot_ms: int) -> bool:
    """Whether a take is as long as its slot, as far as audible."""
    return slot_ms > 0 and abs(length_ms / slot_ms - 1) <= NEAR


def is_short(length_ms: int, slot_ms: int) -> bool:
    """Whether a take is so much shorter than its slot that it does not fit."""
    return length_ms < _FITS[0] * slot_ms

"""How fast each line is to be spoken so that it lasts as long as its source. Pure maths.

A speaker has one pace over the whole title, as people have; a line differs from it by a little, where it must. Where
the actor takes his time over a line, the dub may too: it then differs by as little from the actor's syllables a second.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from configs.profile import PaceSettings

#: A take this near its slot is left as it is.
NEAR = 0.03
#: A line counts as fitting where its length is so much of its slot: a little inside the window of QC, since a voice
#: does not follow the asked pace exactly; where there is a choice, by as much as it is off at most.
_FITS, _SURELY_FITS = (0.905, 1.2), (0.92, 1.175)
#: Paces on the coarse grid come first, and so many of a hundred lines do not count, so that one edited line rarely
#: changes the pace of all the others.
_COARSE = 5  # percent
_TOLERATED = 0.02


@dataclass(frozen=True)
class Reach:
    """The paces that a line may have, as factors of the voice's own: its speaker's, and how far from that it may go."""

    speaker: float
    slowest: float
    fastest: float

    @classmethod
    def around(cls, speaker: float, settings: PaceSettings) -> Reach:
        """What every line of a speaker may have."""
        return cls(speaker, speaker * (1 - settings.line), speaker * (1 + settings.line))

    def following(self, natural_rate: float, actor_rate: float, settings: PaceSettings) -> Reach:
        """The same, down to about the pace at which the line is spoken as slowly as its actor speaks it.

        Args:
            natural_rate: syllables a second of the line at the voice's own pace.
            actor_rate: of the source line; 0 where that is not known.
            settings: how far a line may differ from its actor, and what no line is slower than.
        """
        if actor_rate <= 0 or natural_rate <= 0:
            return self
        followed = actor_rate / natural_rate * (1 - settings.line)
        return replace(self, slowest=min(self.slowest, max(settings.slowest_line, followed)))

    def has(self, pace: float) -> bool:
        """Whether a pace lies within it; a voice does not follow to the hundredth."""
        return self.slowest - 0.01 <= pace <= self.fastest + 0.01


def speaker_pace(lengths: Iterable[tuple[int, int]], settings: PaceSettings) -> float:
    """The pace of one speaker over a title: within the natural range, at which most lines can fit their slots.

    Of several such paces the one nearest to the median of what the lines would need.

    Args:
        lengths: each line's length at the voice's own pace and its slot, both in milliseconds.
        settings: the range, and how far a line may differ from its speaker.
    """
    ratios = [natural_ms / slot_ms for natural_ms, slot_ms in lengths if slot_ms > 0 and natural_ms > 0]
    if not ratios:
        return 1.0
    median = min(max(statistics.median(ratios), settings.slowest), settings.fastest)
    good = list(range(math.ceil(settings.slowest * 100 - 1e-9), math.floor(settings.fastest * 100 + 1e-9) + 1))
    for window in (_FITS, _SURELY_FITS):
        fitting = {percent: _fitting(ratios, percent / 100, settings.line, window) for percent in good}
        enough = max(fitting.values()) - _TOLERATED * len(ratios)
        good = [percent for percent in good if fitting[percent] >= enough]
    coarse = [percent for percent in good if percent % _COARSE == 0]
    return min(coarse or good, key=lambda percent: (abs(percent / 100 - median), percent)) / 100


def _fitting(ratios: Sequence[float], pace: float, line: float, window: tuple[float, float]) -> int:
    """How many lines can be brought into the window from this pace."""
    low, high = window
    return sum(ratio / (pace * (1 + line)) <= high and ratio / (pace * (1 - line)) >= low for ratio in ratios)


def line_pace(length_ms: int, asked: float, slot_ms: int, reach: Reach) -> float:
    """The pace at which a line would last as long as its slot, as near as its reach allows.

    Args:
        length_ms: of the line's take so far.
        asked: the pace of that take.
        slot_ms: how long the source line lasts; 0 asks for nothing.
        reach: the paces that the line may have.

    Returns:
        A factor with two decimals, so that takes of nearly the same pace are one.
    """
    if slot_ms <= 0 or length_ms <= 0:
        return reach.speaker
    wanted = asked * length_ms / slot_ms
    return round(min(max(wanted, reach.slowest), reach.fastest), 2)


def is_near(length_ms: int, slot_ms: int) -> bool:
    """Whether a take lasts as long as its slot, as far as anybody hears."""
    return slot_ms > 0 and abs(length_ms / slot_ms - 1) <= NEAR


def is_short(length_ms: int, slot_ms: int) -> bool:
    """Whether a take ends so long before its slot that it does not count as fitting."""
    return length_ms < _FITS[0] * slot_ms

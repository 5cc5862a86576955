"""How fast each line is to be spoken so that it lasts as long as its source. Pure maths.

A speaker has one pace over the whole title, as people have; a line differs from it by a little, where it must.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

from configs.profile import PaceSettings

#: A take this near its slot is left as it is.
NEAR = 0.03
#: A line counts as fitting where its length is so much of its slot: a little inside the window of QC, since a voice
#: does not follow the asked pace exactly.
_FITS = (0.905, 1.2)
#: Paces on the coarse grid come first, and so many of a hundred lines do not count, so that one edited line rarely
#: changes the pace of all the others.
_COARSE = 5  # percent
_TOLERATED = 0.02


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
    range_pct = range(math.ceil(settings.slowest * 100 - 1e-9), math.floor(settings.fastest * 100 + 1e-9) + 1)
    fitting = {percent: _fitting(ratios, percent / 100, settings.line) for percent in range_pct}
    enough = max(fitting.values()) - _TOLERATED * len(ratios)
    good = [percent for percent in range_pct if fitting[percent] >= enough]
    coarse = [percent for percent in good if percent % _COARSE == 0]
    return min(coarse or good, key=lambda percent: (abs(percent / 100 - median), percent)) / 100


def _fitting(ratios: Sequence[float], pace: float, line: float) -> int:
    """How many lines can be brought into the window from this pace."""
    low, high = _FITS
    return sum(ratio / (pace * (1 + line)) <= high and ratio / (pace * (1 - line)) >= low for ratio in ratios)


def line_pace(length_ms: int, asked: float, slot_ms: int, speaker: float, settings: PaceSettings) -> float:
    """The pace at which a line would last as long as its slot, as near as its speaker's pace allows.

    Args:
        length_ms: of the line's take so far.
        asked: the pace of that take.
        slot_ms: how long the source line lasts; 0 asks for nothing.
        speaker: the speaker's pace.
        settings: how far a line may differ from it.

    Returns:
        A factor with two decimals, so that takes of nearly the same pace are one.
    """
    if slot_ms <= 0 or length_ms <= 0:
        return speaker
    wanted = asked * length_ms / slot_ms
    return round(min(max(wanted, speaker * (1 - settings.line)), speaker * (1 + settings.line)), 2)


def is_near(length_ms: int, slot_ms: int) -> bool:
    """Whether a take lasts as long as its slot, as far as anybody hears."""
    return slot_ms > 0 and abs(length_ms / slot_ms - 1) <= NEAR

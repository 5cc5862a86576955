"""Does each sound show the right mouth? Judged against the speaker's own speaking mouth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.records import MouthSeries, Phone, SpeakerStats
from lipsync_engine.speech.articulation import Target
from lipsync_engine.speech.gestures import Gesture, gestures_of

MouthClass = Literal["closed", "labiodental", "rounded", "spread", "mid", "open"]

CLOSED = 0.012  # of face width: lips that a tracker sees as touching
_CLOSED_SHARE, _TEETH_SHARE = 0.10, 0.20  # of the speaker's own range, where that is more
BEFORE_S, AFTER_S = 0.08, 0.02  # a contact may be seen this much before and after its phone
_EARLY_S = 0.04  # other shapes are looked for from this much before their phone to its end
_WIDTH_SLACK = 0.1  # of the speaker's spread: "at least as wide as usual" and "at most"
_PARTED, _HALF_OPEN = 0.05, 0.15  # of the speaker's range
_APERTURE, _WIDTH = 0, 1


def mouth_class(goal: Target) -> MouthClass | None:
    """The mouth that everybody shows on a sound with this target; ``None`` for what the tongue does alone."""
    if goal.contact == "closure":
        return "closed"
    if goal.contact == "labiodental":
        return "labiodental"
    if goal.rounding >= 0.6:
        return "rounded"
    if goal.aperture >= 0.55 and goal.jaw > 0.4:
        return "open"
    if goal.width >= 0.25 and goal.lip_weight >= 0.5:
        return "spread"
    if goal.aperture >= 0.25 and goal.lip_weight >= 0.25 and goal.jaw_weight >= 0.4 and not goal.rounding:
        return "mid"
    return None


def shut_aperture(stats: SpeakerStats) -> float:
    """The aperture below which this speaker's lips count as touching, face widths."""
    return _at_most(stats, _CLOSED_SHARE)


def teeth_aperture(stats: SpeakerStats) -> float:
    """The aperture below which the lower lip can reach the upper teeth, face widths."""
    return _at_most(stats, _TEETH_SHARE)


def _at_most(stats: SpeakerStats, share: float) -> float:
    closed = float(stats.closed[_APERTURE])
    return max(CLOSED, closed + share * (float(stats.open[_APERTURE]) - closed))


def phone_agreement(
    series: MouthSeries, phones: Sequence[Phone], stats: SpeakerStats
) -> tuple[float | None, dict[str, tuple[int, int]]]:
    """Share of sounds whose frames show the right class of mouth.

    The thresholds are the speaker's: closed and labiodental as `shut_aperture` and `teeth_aperture` (least of the
    frames); open: at some frame at least as open as this speaker is on average in speech; rounded and spread: median
    width at most, or at least, the average; spread and mid sounds parted. On seven clips with known scripts real
    mouths reach .86 and the same mouths 0.4 to 1.2 s off .51.

    Args:
        series: the mouth that is seen.
        phones: what is said, on the same clock.
        stats: the speaker.

    Returns:
        The share (``None`` without a single such sound in view), and for each class (right, judged).
    """
    counts: dict[str, tuple[int, int]] = {}
    for gesture in gestures_of(phones):
        wanted = mouth_class(gesture.goal)
        seen = None if wanted is None else _seen(series, gesture, contact=bool(gesture.goal.contact))
        if wanted is None or seen is None:
            continue
        right, judged = counts.get(wanted, (0, 0))
        counts[wanted] = right + int(_shows(seen, wanted, stats)), judged + 1
    judged = sum(n for _, n in counts.values())
    return (sum(n for n, _ in counts.values()) / judged if judged else None), counts


def _seen(series: MouthSeries, gesture: Gesture, *, contact: bool) -> NDArray[np.float64] | None:
    before, after = (BEFORE_S, AFTER_S) if contact else (_EARLY_S, 0.0)
    there = between(series.times_s, gesture.start_s - before, gesture.end_s + after)
    valid = series.valid[there]
    return series.values[there][valid].astype(np.float64) if valid.any() else None


def between(times_s: NDArray[np.float64], start_s: float, end_s: float) -> slice:
    """Where some moments lie between two, both included.

    Args:
        times_s: float64 [T], in order.
        start_s: the first.
        end_s: the last.
    """
    return slice(int(np.searchsorted(times_s, start_s)), int(np.searchsorted(times_s, end_s, side="right")))


def _shows(seen: NDArray[np.float64], wanted: MouthClass, stats: SpeakerStats) -> bool:
    mean = np.asarray((stats.low + stats.high) / 2 if stats.mean is None else stats.mean, np.float64)
    aperture, width = seen[:, _APERTURE], float(np.median(seen[:, _WIDTH]))
    slack = _WIDTH_SLACK * float(np.nan_to_num(stats.std[_WIDTH]))
    opening = (float(np.median(aperture)) - float(stats.closed[_APERTURE])) / max(
        float(stats.open[_APERTURE] - stats.closed[_APERTURE]), 1e-6
    )
    if wanted == "closed":
        return bool(aperture.min() <= shut_aperture(stats))
    if wanted == "labiodental":
        return bool(aperture.min() <= teeth_aperture(stats))
    if wanted == "rounded":
        return bool(width <= mean[_WIDTH] + slack)
    if wanted == "spread":
        return bool(width >= mean[_WIDTH] - slack and opening > _PARTED)
    if wanted == "open":
        return bool(aperture.max() >= mean[_APERTURE])
    return opening > _HALF_OPEN

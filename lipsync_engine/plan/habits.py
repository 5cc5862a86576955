"""How this speaker makes each sound, learnt from the title where its script is known.

Maximum a posteriori adaptation (Gauvain and Lee 1994) of the sounds' targets. What a mouth shows on a sound is compared
with what the plan asks of this speaker at the same moment, so that coarticulation is the same on both sides. The mean
difference, shrunk by the prior, moves the sound's target; a sound that is made more (or less) evenly than others
insists more (or less) on it. Learnt on part of a clip, the plan's correlation with the
unseen rest rose in five splits of five (three clips of three to ten seconds), from .51 to .57 in the mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.plan.agreement import mouth_class
from lipsync_engine.plan.timing import Asked, Lag, asked_of, lag_behind
from lipsync_engine.records import BoolArray, Habit, MouthSeries, Phone, SpeakerStats
from lipsync_engine.speech.gestures import gestures_of

KAPPA, NU = 6.0, 10.0  # observations that the prior mean and the prior variance count for
USUAL_LEAD_MS, _MOST_LEAD_MS = 20.0, 80.0
_FEWEST_SOUNDS = 6
_USUAL = 0.6  # of the speaker's spread: how far from the plan a sound usually is
_INSIST = (0.7, 1.4)
_LEAST_AGREEMENT = 0.5  # with the script, from which a mouth can be learnt from
_RIVAL_S, _LEAST_LEAD = 0.15, 0.1  # a lag is sure if its agreement beats all lags this far off by this much

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Learnt:
    """A speaker with habits, and the mouth's own lag behind its sound where the evidence is strong (else None)."""

    stats: SpeakerStats
    lag_s: float | None
    agreement: float


def learn(mouth: MouthSeries, phones: Sequence[Phone], stats: SpeakerStats, active: BoolArray) -> Learnt:
    """Compare the mouth with its own script.

    Args:
        mouth: the person's mouth in the title.
        phones: what the title says, on its clock.
        stats: the speaker's range and spread.
        active: bool [T], frames in which this person is the one who speaks.

    Returns:
        The statistics with habits where script and mouth agree (else as they were), and the lag.
    """
    if not len(mouth.times_s):
        return Learnt(stats, None, 0.0)
    asked = asked_of(phones, stats, float(mouth.times_s[0]), float(mouth.times_s[-1]))
    shown = mouth.valid & active & asked.spoken(mouth.times_s)
    lag = lag_behind(mouth, shown, asked)
    if lag is None or lag.agreement < _LEAST_AGREEMENT:
        return Learnt(stats, None, lag.agreement if lag else 0.0)
    sure = _stands_alone(mouth, shown, asked, lag)
    differences = _differences(mouth, shown, phones, asked, lag.seconds if sure else 0.0)
    return Learnt(replace(stats, habits=habits_of(differences, stats)), lag.seconds if sure else None, lag.agreement)


def lead_of(lag_s: float | None) -> float:
    """The lead (milliseconds) that a dub's mouth shall have: the title's own, 20 to 80; 20 where it is not known.

    Never less, since a mouth that comes late disturbs more than one that comes early.
    """
    return USUAL_LEAD_MS if lag_s is None else float(np.clip(-1000.0 * lag_s, USUAL_LEAD_MS, _MOST_LEAD_MS))


def _stands_alone(mouth: MouthSeries, shown: BoolArray, asked: Asked, lag: Lag) -> bool:
    """No other lag, 150 ms and more away, agrees nearly as well."""
    others = [lag_behind(mouth, shown, asked, lag.seconds + side * (_RIVAL_S + 0.3)) for side in (-1, 1)]
    return all(other is None or other.agreement <= lag.agreement - _LEAST_LEAD for other in others)


def _differences(
    mouth: MouthSeries, shown: BoolArray, phones: Sequence[Phone], asked: Asked, lag_s: float
) -> list[tuple[str, str, Vector]]:
    """(phone, class, unexpected share of what is seen [4]) over the middle half of every sound in view.

    Expected is what a line through all sounds gives for what is asked: sounds that are put at slightly wrong times by
    the alignment look nearer to the mean than they are, all of them alike, and that is no habit.
    """
    times = mouth.times_s - lag_s
    names, seen, wanted = [], [], []
    for gesture in gestures_of(phones):
        quarter = (gesture.end_s - gesture.start_s) / 4
        inside = shown & (times >= gesture.start_s + quarter) & (times <= gesture.end_s - quarter)
        kind = mouth_class(gesture.goal)
        if not inside.any() or kind in (None, "closed", "labiodental"):
            continue
        names.append((gesture.ipa, str(kind)))
        wanted.append([np.interp(times[inside], asked.clock, asked.values[:, c]).mean() for c in range(4)])
        seen.append(mouth.values[inside].astype(np.float64).mean(axis=0))
    if len(names) < _FEWEST_SOUNDS:
        return []
    want, shows = np.array(wanted), np.array(seen)
    off = want - want.mean(axis=0)
    slope = np.clip((off * shows).sum(axis=0) / np.maximum((off**2).sum(axis=0), 1e-12), 0.0, 1.0)
    left = shows - shows.mean(axis=0) - slope * off
    return [(ipa, kind, row) for (ipa, kind), row in zip(names, left, strict=True)]


def habits_of(differences: Iterable[tuple[str, str, Vector]], stats: SpeakerStats) -> dict[str, Habit]:
    """Maximum a posteriori habits by phone; a class of mouths (``"class:open"``) stands for the phones not heard.

    Args:
        differences: (phone, class of mouth, seen minus asked, float64 [4]) of every sound heard.
        stats: the speaker, for the prior spread.
    """
    rows = list(differences)
    usual = (_USUAL * np.nan_to_num(np.asarray(stats.std, np.float64))) ** 2 + 1e-12
    habits: dict[str, Habit] = {}
    for kind in sorted({kind for _, kind, _ in rows}):
        seen = [d for _, k, d in rows if k == kind]
        habits[f"class:{kind}"] = _posterior(seen, np.zeros(4), usual)
        for ipa in sorted({ipa for ipa, k, _ in rows if k == kind}):
            own = [d for i, k, d in rows if i == ipa and k == kind]
            habits[f"{ipa}:{kind}"] = _posterior(own, np.asarray(habits[f"class:{kind}"].offset, np.float64), usual)
    return habits


def _posterior(seen: list[Vector], prior: Vector, usual: Vector) -> Habit:
    total = np.stack(seen)
    mean = (total.sum(axis=0) + KAPPA * prior) / (len(seen) + KAPPA)
    spread = (((total - mean) ** 2).sum(axis=0) + NU * usual) / (len(seen) + NU)
    return Habit(mean.astype(np.float32), np.clip(usual / spread, *_INSIST).astype(np.float32))

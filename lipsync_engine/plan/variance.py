"""The speaker's own range and spread, given back to a path that smoothing has flattened.

Global variance (Toda and Tokuda 2007): the path's spread in speech shall be the speaker's. The sounds' targets are
moved away from their mean until it is, because what is hard (contacts, rests, the limits of the mouth) answers less
than proportionally and has to be solved again each time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.records import SpeakerStats

Grid = NDArray[np.float64]
APERTURE, WIDTH, JAW, LIP_HEIGHT = range(4)

_LEAST_OPENING = 0.7  # of its target, that a sound keeps: only contacts close the lips
_OVERSHOOT = 0.25  # of the speaker's range, beyond it
_GAIN = (0.2, 6.0)
_FURTHEST = 0.3  # of a channel's range, that its mean may be moved
_ROUNDS, _CLOSE_ENOUGH, _CLOSE_MEAN = 16, 0.005, 0.05
_STILL = 1e-6  # a spread this small is no movement, and no gain widens it
_FEWEST = 8  # spoken frames from which a spread can be told


def limits(stats: SpeakerStats) -> tuple[Grid, Grid]:
    """Lowest and highest value that a plan may hold, each [4]: the speaker's range and 25 % beyond.

    The aperture never falls below the closed one, nor below 0.
    """
    poses = np.stack([stats.rest, stats.closed, stats.open, stats.low, stats.high]).astype(np.float64)
    low, high = poses.min(0), poses.max(0)
    margin = _OVERSHOOT * (high - low)
    low, high = low - margin, high + margin
    for channel in (APERTURE, LIP_HEIGHT):
        low[channel] = max(0.0, min(float(stats.closed[channel]), float(stats.rest[channel])))
    return np.maximum(low, 0.0), high


def within_range(path: Grid, stats: SpeakerStats) -> Grid:
    """Bend what exceeds the speaker's range softly into its limits; keep the outer lips around the opening."""
    low, high = limits(stats)
    knee = high - (high - low) * _OVERSHOOT / (1 + 2 * _OVERSHOOT)
    over = np.maximum(path - knee, 0.0)
    room = np.maximum(high - knee, 1e-9)
    path = np.clip(np.minimum(path, knee) + room * np.tanh(over / room), low, high)
    lips = max(0.0, float(stats.closed[LIP_HEIGHT] - stats.closed[APERTURE])) * 0.7
    path[:, LIP_HEIGHT] = np.maximum(path[:, LIP_HEIGHT], np.minimum(path[:, APERTURE] + lips, high[LIP_HEIGHT]))
    return path


def with_own_statistics(goals: Grid, said: Grid, shown: Callable[[Grid], Grid], stats: SpeakerStats) -> Grid:
    """Goals whose shown path has the speaker's own mean and standard deviation in every channel.

    Args:
        goals: float64 [G, 4] on the grid.
        said: float64 [G, 4], 0 to 1: how much is being said at each place; silence is not moved.
        shown: the spoken frames, float64 [F, 4], that a set of goals leads to.
        stats: the speaker; what is not known of a channel stays as it is.

    Returns:
        float64 [G, 4]. Where the speaker's range does not admit the spread, the nearest that was reached.
    """
    spoken = shown(goals)
    if len(spoken) < _FEWEST or stats.frames <= 0:
        return goals
    own, centre, planned = np.asarray(stats.std, np.float64), spoken.mean(0), spoken.std(0)
    known = np.isfinite(own) & (own > 0) & (planned > _STILL)
    own = np.where(known, own, np.maximum(planned, _STILL))
    mean = centre if stats.mean is None else np.where(known, np.asarray(stats.mean, np.float64), centre)
    furthest = _FURTHEST * np.maximum(np.asarray(stats.high, np.float64) - stats.low, 0.0)
    gain, shift = np.ones(4), np.zeros(4)
    best_gain, best_shift, miss = gain, shift, np.full(4, np.inf)
    for _ in range(_ROUNDS):
        spoken = shown(_moved(goals, gain, shift, centre, said, stats))
        ratio = np.where(known, spoken.std(0) / own, 1.0)
        off = np.abs(np.log(np.maximum(ratio, 1e-6)))
        best_gain, best_shift = np.where(off < miss, gain, best_gain), np.where(off < miss, shift, best_shift)
        miss = np.minimum(off, miss)
        gap = mean - spoken.mean(0)
        if (off < _CLOSE_ENOUGH).all() and (np.abs(gap) < _CLOSE_MEAN * own).all():
            break
        gain = np.clip(gain / np.clip(ratio, 0.5, 2.0), *_GAIN)
        shift = np.clip(shift + gap, -furthest, furthest)
    return _moved(goals, best_gain, best_shift, centre, said, stats)


def _moved(goals: Grid, gain: Grid, shift: Grid, centre: Grid, said: Grid, stats: SpeakerStats) -> Grid:
    """Goals further from (or nearer to) the mean of speech; those below it lose at most 30 % of their opening."""
    out = goals + ((gain - 1.0) * (goals - centre) + shift) * said
    least = np.minimum(np.minimum(goals, centre), stats.closed + _LEAST_OPENING * (goals - stats.closed))
    for channel in (APERTURE, JAW, LIP_HEIGHT):
        out[:, channel] = np.maximum(out[:, channel], least[:, channel])
    return out

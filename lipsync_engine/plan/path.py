"""Sounds as rows of a least-squares problem over time, and its solution: the maths under `trajectory`.

For each channel the path y minimises  sum_s w_s(t) (y - target_s)^2 + smoothness(y)  on a 100 Hz grid,
where the dominance w_s of sound s rises before it and falls after it (Cohen and Massaro 1993). Contacts and
rests are rows of very high weight. The normal equations are pentadiagonal, as in maximum-likelihood
parameter generation (Tokuda 2000), and are solved by banded Cholesky in linear time.

Smoothing flattens a path. Global variance (Toda and Tokuda 2007) gives it back the speaker's own range and spread in
speech: the sounds' targets are moved away from their mean until it is, because what is hard (contacts, rests, the
limits of the mouth) answers less than proportionally and has to be solved again each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.plan.agreement import mouth_class
from lipsync_engine.records import Four, Habit, SpeakerStats, Spread
from lipsync_engine.speech.gestures import Gesture, Touch

Grid = NDArray[np.float64]
APERTURE, WIDTH, JAW, LIP_HEIGHT = range(4)

_STEP_S = 0.01
CLEAR_S = 2 * _STEP_S  # between two hard spans, so that no row of the grid belongs to both
_JAW_LEAD_S = 0.025  # the jaw is slower and starts before the lips (task dynamics)
_UNHURRIED_S = 0.06  # mean length of sounds up to which speech is fast
_NO_HABIT = Habit(np.zeros(4, np.float32), np.ones(4, np.float32))
_HARD = 1e6
_SMOOTH = np.array([0.02, 0.02, 0.06, 0.02])  # per squared velocity, lips and jaw, in grid steps
_STIFF = np.array([3.0, 3.0, 8.0, 3.0])  # per squared acceleration
_LABIODENTAL = 0.08  # aperture left at lip-to-teeth contact, of the speaker's range
_LEAST_OPENING = 0.7  # of its target, that a sound keeps: only contacts close the lips
_OVERSHOOT = 0.25  # of the speaker's range, beyond it
_GAIN = (0.2, 6.0)
_FURTHEST = 0.3  # of a channel's range, that its mean may be moved
_ROUNDS, _CLOSE_ENOUGH, _CLOSE_MEAN = 16, 0.005, 0.05
_STILL = 1e-6  # a spread this small is no movement, and no gain widens it
_FEWEST = 8  # spoken frames from which a spread can be measured


def grid_of(times_s: NDArray[np.float64]) -> Grid:
    """Times each 10 ms over the frames, with half a second of room for what lies at their edges: float64 [G].

    Args:
        times_s: float64 [T], presentation times of the frames, seconds.
    """
    first, last = float(times_s[0]) - 0.5, float(times_s[-1]) + 0.5
    return np.asarray(first + _STEP_S * np.arange(int(np.ceil((last - first) / _STEP_S)) + 1), np.float64)


def soft_rows(grid: Grid, gestures: Sequence[Gesture], stats: SpeakerStats, lead: float) -> tuple[Grid, Grid]:
    """Sum of dominances, and of dominance times target, each [G, 4].

    Args:
        grid: float64 [G], seconds.
        gestures: what the mouth does for the sounds.
        stats: the speaker.
        lead: seconds by which the mouth runs ahead of the sound.
    """
    weights, pulls = np.zeros((len(grid), 4)), np.zeros((len(grid), 4))
    for gesture in gestures:
        habit = _habit(gesture, stats)
        pose = _pose(gesture, stats) + habit.offset
        near = slice(*np.searchsorted(grid, [gesture.start_s - lead - 0.4, gesture.end_s - lead + 0.4]))
        for channel in range(4):
            early = lead + (_JAW_LEAD_S if channel == JAW else 0.0)
            share = _dominance(grid[near] + early, gesture, jaw=channel == JAW) * habit.insistence[channel]
            weights[near, channel] += share
            pulls[near, channel] += share * pose[channel]
    return weights, pulls


def _habit(gesture: Gesture, stats: SpeakerStats) -> Habit:
    """The speaker's habit for this phone, else for its class of mouth, else none."""
    kind = mouth_class(gesture.goal)
    return stats.habits.get(f"{gesture.ipa}:{kind}") or stats.habits.get(f"class:{kind}") or _NO_HABIT


def _dominance(times: Grid, gesture: Gesture, *, jaw: bool) -> Grid:
    """Rise and fall exponentially about the sound; rates in 1/s after Cohen-Massaro and JALI's onsets."""
    goal = gesture.goal
    peak = goal.jaw_weight if jaw else goal.lip_weight
    rise, fall = (28.0, 34.0) if goal.contact else (11.0, 13.0) if goal.lip_heavy and not jaw else (24.0, 28.0)
    length = gesture.end_s - gesture.start_s
    core_start, core_end = gesture.start_s + 0.25 * length, gesture.end_s - 0.25 * length
    before = np.clip(core_start - times, 0.0, None)
    after = np.clip(times - core_end, 0.0, None)
    return np.asarray(peak * np.exp(-rise * before - fall * after), np.float64)


def _pose(gesture: Gesture, stats: SpeakerStats) -> Grid:
    """A target in the speaker's own units, float64 [4]."""
    goal = gesture.goal
    closed, opened, rest = (np.asarray(v, np.float64) for v in (stats.closed, stats.open, stats.rest))
    reach = stats.high[WIDTH] - rest[WIDTH] if goal.width >= 0 else rest[WIDTH] - stats.low[WIDTH]
    pose = closed + goal.aperture * (opened - closed)
    pose[WIDTH] = rest[WIDTH] + goal.width * max(float(reach), 0.0)
    pose[JAW] = closed[JAW] + goal.jaw * (opened[JAW] - closed[JAW])
    pose[LIP_HEIGHT] += 0.1 * goal.rounding * (opened[LIP_HEIGHT] - closed[LIP_HEIGHT])
    return pose


def hard_rows(
    grid: Grid,
    touches: Sequence[Touch],
    rests: Sequence[tuple[float, float]],
    stats: SpeakerStats,
) -> tuple[Grid, Grid]:
    """Weights and values of the rows that must hold, each [G, 4].

    Args:
        grid: float64 [G], seconds.
        touches: contacts of lips and teeth.
        rests: spans at rest, seconds.
        stats: the speaker.
    """
    hard, values = np.zeros((len(grid), 4)), np.zeros((len(grid), 4))
    for start, end in rests:
        rows = _rows(grid, start, end)
        hard[rows], values[rows] = _HARD, stats.rest
    closed = np.asarray(stats.closed, np.float64)
    teeth = closed + _LABIODENTAL * (stats.open - closed)
    for touch in closures_last(touches):
        rows = _rows(grid, touch.start_s, touch.end_s)
        for channel in (APERTURE, LIP_HEIGHT):
            hard[rows, channel] = _HARD
            values[rows, channel] = closed[channel] if touch.contact == "closure" else teeth[channel]
    return hard, values


def closures_last(touches: Sequence[Touch]) -> list[Touch]:
    """Contacts in the order of writing: where two meet, the closure has the last word."""
    return sorted(touches, key=lambda t: t.contact == "closure")


def _rows(grid: Grid, start: float, end: float) -> slice:
    """The grid rows around a span, so that what is interpolated inside it holds exactly; none outside the grid."""
    first = int(np.searchsorted(grid, start, side="right")) - 1
    last = int(np.searchsorted(grid, end, side="left")) + 1
    return slice(max(first, 0), max(last, 0)) if end >= grid[0] and start <= grid[-1] else slice(0, 0)


def agility(tempo_s: Grid) -> Grid:
    """How stiff the mouth is at each moment, 1 at an ordinary tempo down to 0.1, from the mean length of the sounds.

    A mouth as stiff as in slow speech would average fast speech away: from 60 ms a sound on, stiffness falls with the
    fourth power of the length, so that the bandwidth grows with the tempo.

    Args:
        tempo_s: float64 [G], seconds a sound, infinite in silence.

    Returns:
        float64 [G].
    """
    return np.asarray(np.clip((tempo_s / _UNHURRIED_S) ** 4, 0.1, 1.0), np.float64)


def solve(weights: Grid, goals: Grid, hard: Grid, values: Grid, stiffness: Grid) -> Grid:
    """Minimise the sum of weighted squares plus smoothness, channel by channel: float64 [G, 4], face widths.

    Args:
        weights: [G, 4], how much each place insists on its goal.
        goals: [G, 4], face widths.
        hard: [G, 4], weights of what must hold.
        values: [G, 4], what must hold, face widths.
        stiffness: [G], 0 to 1, as ``agility`` gives it.
    """
    from scipy.linalg import solveh_banded

    count = len(weights)
    path = np.empty_like(goals)
    for channel in range(goals.shape[1]):
        bands = np.zeros((3, count))
        bands[2] = weights[:, channel] + hard[:, channel]
        _add_penalty(bands, np.array([1.0, -1.0]), _SMOOTH[channel] * stiffness)
        _add_penalty(bands, np.array([1.0, -2.0, 1.0]), _STIFF[channel] * stiffness)
        right = weights[:, channel] * goals[:, channel] + hard[:, channel] * values[:, channel]
        path[:, channel] = solveh_banded(bands, right)
    return path


def _add_penalty(bands: Grid, stencil: Grid, weight: Grid) -> None:
    """Add D' diag(weight) D to upper banded storage, D applying ``stencil`` at every place, ``weight`` [G]."""
    count, size = bands.shape[1], len(stencil)
    places = count - size + 1
    for i in range(size):
        for j in range(i, size):
            bands[2 - (j - i), j : places + j] += weight[:places] * stencil[i] * stencil[j]


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
    """Bend what exceeds the speaker's range softly into its limits; keep the outer lips around the opening.

    Args:
        path: float64 [n, 4], face widths.
        stats: the speaker.
    """
    low, high = limits(stats)
    knee = high - (high - low) * _OVERSHOOT / (1 + 2 * _OVERSHOOT)
    over = np.maximum(path - knee, 0.0)
    room = np.maximum(high - knee, 1e-9)
    path = np.clip(np.minimum(path, knee) + room * np.tanh(over / room), low, high)
    lips = max(0.0, float(stats.closed[LIP_HEIGHT] - stats.closed[APERTURE])) * 0.7
    path[:, LIP_HEIGHT] = np.maximum(path[:, LIP_HEIGHT], np.minimum(path[:, APERTURE] + lips, high[LIP_HEIGHT]))
    return path


def own_spread(goals: Grid, said: Grid, shown: Callable[[Grid], Grid], stats: SpeakerStats) -> Spread | None:
    """How to move the goals, so that their shown path has the speaker's own mean and deviation in every channel.

    Args:
        goals: float64 [G, 4] on the grid.
        said: float64 [G, 4], 0 to 1: how much is being said at each place; silence is not moved.
        shown: the spoken frames, float64 [F, 4], that a set of goals leads to.
        stats: the speaker; what is not known of a channel stays as it is.

    Returns:
        ``None``: as they are, for want of speech. Where the speaker's range does not admit the spread, the nearest that
        was reached.
    """
    spoken = shown(goals)
    if len(spoken) < _FEWEST or stats.frames <= 0:
        return None
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
    return Spread(_four(best_gain), _four(best_shift), _four(centre))


def _four(values: Grid) -> Four:
    first, second, third, fourth = values.tolist()
    return first, second, third, fourth


def spread_by(spread: Spread | None, goals: Grid, said: Grid, stats: SpeakerStats) -> Grid:
    """The goals moved so, float64 [G, 4].

    Args:
        spread: as `own_spread`.
        goals: float64 [G, 4] on the grid.
        said: float64 [G, 4], 0 to 1: how much is being said at each place; silence is not moved.
        stats: the speaker.
    """
    if spread is None:
        return goals
    gain, shift, centre = (np.array(values) for values in (spread.gain, spread.shift, spread.centre))
    return _moved(goals, gain, shift, centre, said, stats)


def _moved(goals: Grid, gain: Grid, shift: Grid, centre: Grid, said: Grid, stats: SpeakerStats) -> Grid:
    """Goals further from (or nearer to) the mean of speech; those below it lose at most 30 % of their opening."""
    out = goals + ((gain - 1.0) * (goals - centre) + shift) * said
    least = np.minimum(np.minimum(goals, centre), stats.closed + _LEAST_OPENING * (goals - stats.closed))
    for channel in (APERTURE, JAW, LIP_HEIGHT):
        out[:, channel] = np.maximum(out[:, channel], least[:, channel])
    return out

"""The mouth's path through a sentence: coarticulated, with hard closures, in the speaker's own range.

For each channel the path y minimises  sum_s w_s(t) (y - target_s)^2 + smoothness(y)  on a 100 Hz grid,
where the dominance w_s of sound s rises before it and falls after it (Cohen and Massaro 1993). Contacts and
rests are rows of very high weight. The normal equations are pentadiagonal, as in maximum-likelihood
parameter generation (Tokuda 2000), and are solved by banded Cholesky in linear time. The targets are then
spread to the speaker's own variance, which smoothing took away (global variance, Toda and Tokuda 2007), and
solved again, so that hard rows stay hard.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.gestures import Gesture, Touch, gestures_of, rests_of, touches_of
from lipsync_engine.records import MouthPlan, MouthSeries, Phone, SpeakerStats

Expression = Literal["preserve", "natural", "expressive"]
Grid = NDArray[np.float64]

EXPRESSIONS: dict[str, float] = {"preserve": 0.85, "natural": 1.0, "expressive": 1.15}
APERTURE, WIDTH, JAW, LIP_HEIGHT = range(4)
_STEP_S = 0.01
_JAW_LEAD_S = 0.025  # the jaw is slower and starts before the lips (task dynamics)
_ONSET_LEAD_S = 0.04  # the ease out of a rest ends with the sound: this much of a lead fits in it
_HARD = 1e6
_SMOOTH = np.array([0.02, 0.02, 0.06, 0.02])  # per squared velocity, lips and jaw, in grid steps
_STIFF = np.array([3.0, 3.0, 8.0, 3.0])  # per squared acceleration
_REST_WEIGHT = 0.05
_GAIN = (0.7, 1.5)
_LABIODENTAL = 0.08  # aperture left at lip-to-teeth contact, of the speaker's range
_LEAST_OPENING = 0.7
_OVERSHOOT = 0.25  # of the speaker's range, beyond it


def plan_mouth(
    phones: Sequence[Phone],
    times_s: NDArray[np.float64],
    stats: SpeakerStats,
    *,
    strength: float = 1.0,
    expression: str = "natural",
    lead_ms: float = 40.0,
) -> MouthPlan:
    """Plan the mouth for every frame of a picture.

    Args:
        phones: timeline on the audio's clock; gaps and what lies outside are silence.
        times_s: float64 [T], presentation times of the frames, increasing; any rate, constant or not.
        stats: the speaker's own poses and spread, in units of face width.
        strength: excursion from rest, 0 (still) to about 1.5; closures stay closed above 0.
        expression: ``"preserve"`` (0.85), ``"natural"`` (1.0) or ``"expressive"`` (1.15) of the excursion.
        lead_ms: how far the visible mouth runs ahead of the sound.

    Returns:
        A plan with T frames, every one valid.

    Raises:
        ValueError: times that do not increase, an unknown expression, a negative strength, or statistics
            that are not finite.
    """
    _check(times_s, stats, strength, expression)
    lead = lead_ms / 1000.0
    gestures = gestures_of(phones)
    touches = tuple(Touch(t.start_s - lead, t.end_s - lead, t.contact) for t in touches_of(gestures))
    rests = rests_of(phones, float(times_s[-1]) if len(times_s) else 0.0)
    late = max(0.0, lead - _ONSET_LEAD_S)
    rests = tuple((a - lead, max(a - lead, b - late)) for a, b in rests)
    if not len(times_s):
        return _sampled(times_s, np.zeros((1, 4)), np.zeros(1), (), (), (), lead)
    grid = _grid(times_s, phones)
    path = _path(grid, gestures, touches, rests, stats, strength * EXPRESSIONS[expression], lead)
    return _sampled(times_s, path, grid, touches if strength > 0 else (), rests, gestures, lead)


def _check(times_s: NDArray[np.float64], stats: SpeakerStats, strength: float, expression: str) -> None:
    if np.any(np.diff(times_s) <= 0) or not np.all(np.isfinite(times_s)):
        raise ValueError("frame times must be finite and increase")
    if expression not in EXPRESSIONS:
        raise ValueError(f"expression must be one of {', '.join(EXPRESSIONS)}, not {expression!r}")
    if not (0 <= strength < np.inf):
        raise ValueError(f"strength must be 0 or more, got {strength}")
    poses = np.stack([stats.rest, stats.closed, stats.open, stats.low, stats.high])
    if not np.all(np.isfinite(poses)):
        raise ValueError("the speaker's statistics hold values that are not finite")


def _grid(times_s: NDArray[np.float64], phones: Sequence[Phone]) -> Grid:
    """Times each 10 ms over the frames, with half a second of room for what lies at their edges."""
    first, last = float(times_s[0]) - 0.5, float(times_s[-1]) + 0.5
    return np.asarray(first + _STEP_S * np.arange(int(np.ceil((last - first) / _STEP_S)) + 1), np.float64)


def _path(
    grid: Grid,
    gestures: Sequence[Gesture],
    touches: Sequence[Touch],
    rests: Sequence[tuple[float, float]],
    stats: SpeakerStats,
    excursion: float,
    lead: float,
) -> Grid:
    """The four channels on the grid, float64 [G, 4], in units of face width."""
    weights, pulls = _soft_rows(grid, gestures, stats, lead)
    rest = stats.rest.astype(np.float64)
    speaking = _covered(grid, [(g.start_s - lead, g.end_s - lead) for g in gestures])
    hard, values = _hard_rows(grid, touches, rests, stats, excursion)
    goals = (pulls + _REST_WEIGHT * rest) / (weights + _REST_WEIGHT)
    path = _solve(weights + _REST_WEIGHT, goals, hard, values)
    if speaking.sum() >= 20 and len(gestures) >= 3:
        goals = _spread(goals, weights, path[speaking], stats)
    goals = rest + excursion * (goals - rest)
    path = _within_range(_solve(weights + _REST_WEIGHT, goals, hard, values), stats)
    return np.where(hard > 0, values, path)


def _soft_rows(grid: Grid, gestures: Sequence[Gesture], stats: SpeakerStats, lead: float) -> tuple[Grid, Grid]:
    """Sum of dominances, and of dominance times target, each [G, 4]."""
    weights, pulls = np.zeros((len(grid), 4)), np.zeros((len(grid), 4))
    for gesture in gestures:
        pose = _pose(gesture, stats)
        near = slice(*np.searchsorted(grid, [gesture.start_s - lead - 0.4, gesture.end_s - lead + 0.4]))
        for channel in range(4):
            early = lead + (_JAW_LEAD_S if channel == JAW else 0.0)
            share = _dominance(grid[near] + early, gesture, jaw=channel == JAW)
            weights[near, channel] += share
            pulls[near, channel] += share * pose[channel]
    return weights, pulls


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


def _hard_rows(
    grid: Grid,
    touches: Sequence[Touch],
    rests: Sequence[tuple[float, float]],
    stats: SpeakerStats,
    excursion: float,
) -> tuple[Grid, Grid]:
    """Weights and values of the rows that must hold, each [G, 4]."""
    hard, values = np.zeros((len(grid), 4)), np.zeros((len(grid), 4))
    for start, end in rests:
        rows = _rows(grid, start, end)
        hard[rows], values[rows] = _HARD, stats.rest
    closed = np.asarray(stats.closed, np.float64)
    teeth = closed + _LABIODENTAL * (stats.open - closed)
    for touch in _closures_last(touches) if excursion > 0 else ():
        rows = _rows(grid, touch.start_s, touch.end_s)
        for channel in (APERTURE, LIP_HEIGHT):
            hard[rows, channel] = _HARD
            values[rows, channel] = closed[channel] if touch.contact == "closure" else teeth[channel]
    return hard, values


def _closures_last(touches: Sequence[Touch]) -> list[Touch]:
    """Contacts in the order of writing: where two meet, the closure has the last word."""
    return sorted(touches, key=lambda t: t.contact == "closure")


def _rows(grid: Grid, start: float, end: float) -> slice:
    """The grid rows around a span, so that what is interpolated inside it holds exactly; none outside the grid."""
    first = int(np.searchsorted(grid, start, side="right")) - 1
    last = int(np.searchsorted(grid, end, side="left")) + 1
    return slice(max(first, 0), max(last, 0)) if end >= grid[0] and start <= grid[-1] else slice(0, 0)


def _solve(weights: Grid, goals: Grid, hard: Grid, values: Grid) -> Grid:
    """Minimise the sum of weighted squares plus smoothness, channel by channel: [G, 4]."""
    from scipy.linalg import solveh_banded

    count = len(weights)
    path = np.empty_like(goals)
    for channel in range(goals.shape[1]):
        bands = np.zeros((3, count))
        bands[2] = weights[:, channel] + hard[:, channel]
        _add_penalty(bands, np.array([1.0, -1.0]), _SMOOTH[channel])
        _add_penalty(bands, np.array([1.0, -2.0, 1.0]), _STIFF[channel])
        right = weights[:, channel] * goals[:, channel] + hard[:, channel] * values[:, channel]
        path[:, channel] = solveh_banded(bands, right)
    return path


def _add_penalty(bands: Grid, stencil: Grid, weight: float) -> None:
    """Add weight * D'D to upper banded storage, D applying ``stencil`` at every place."""
    count, size = bands.shape[1], len(stencil)
    for i in range(size):
        for j in range(i, size):
            offset = j - i
            bands[2 - offset, j : count - size + 1 + j] += weight * stencil[i] * stencil[j]


def _spread(goals: Grid, weights: Grid, spoken: Grid, stats: SpeakerStats) -> Grid:
    """Move the goals away from the mean of the path, so that it gets the speaker's own variance.

    Downwards no sound loses more than 30 % of its opening: only contacts close the lips.
    """
    said = np.minimum(1.0, weights / 0.3)  # only where something is being said
    spread = goals + (_gain(spoken, stats) - 1.0) * (goals - spoken.mean(0)) * said
    least = stats.closed + _LEAST_OPENING * (goals - stats.closed)
    for channel in (APERTURE, JAW, LIP_HEIGHT):
        spread[:, channel] = np.maximum(spread[:, channel], np.minimum(goals, least)[:, channel])
    return spread


def _gain(spoken: Grid, stats: SpeakerStats) -> Grid:
    """How much each channel must be spread to have the speaker's own variance; 1 where that is unknown."""
    own = np.asarray(stats.std, np.float64)
    planned = spoken.std(0)
    known = np.isfinite(own) & (own > 0) & (planned > 1e-9) & (stats.frames > 0)
    return np.where(known, np.clip(own / np.where(known, planned, 1.0), *_GAIN), 1.0)


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


def _within_range(path: Grid, stats: SpeakerStats) -> Grid:
    """Bend what exceeds the speaker's range softly into its limits; keep the outer lips around the opening."""
    low, high = limits(stats)
    knee = high - (high - low) * _OVERSHOOT / (1 + 2 * _OVERSHOOT)
    over = np.maximum(path - knee, 0.0)
    room = np.maximum(high - knee, 1e-9)
    path = np.clip(np.minimum(path, knee) + room * np.tanh(over / room), low, high)
    lips = max(0.0, float(stats.closed[LIP_HEIGHT] - stats.closed[APERTURE])) * 0.7
    path[:, LIP_HEIGHT] = np.maximum(path[:, LIP_HEIGHT], np.minimum(path[:, APERTURE] + lips, high[LIP_HEIGHT]))
    return path


def _covered(times: NDArray[np.float64], spans: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    flags = np.zeros(len(times), np.bool_)
    for start, end in spans:
        flags[slice(*np.searchsorted(times, [start - 1e-9, end - 1e-9]))] = True
    return flags


def _sampled(
    times_s: NDArray[np.float64],
    path: Grid,
    grid: Grid,
    touches: Sequence[Touch],
    rests: Sequence[tuple[float, float]],
    gestures: Sequence[Gesture],
    lead: float,
) -> MouthPlan:
    """Read the path at the frames; a contact that falls between two frames is put on the nearer one."""
    at = times_s.copy()
    flags = {"closure": np.zeros(len(times_s), np.bool_), "labiodental": np.zeros(len(times_s), np.bool_)}
    for touch in _closures_last(touches):
        frames = _frames_of(times_s, touch)
        at[frames] = np.clip(times_s[frames], touch.start_s, touch.end_s)
        for name, flag in flags.items():
            flag[frames] = name == touch.contact
    values = np.stack([np.interp(at, grid, path[:, c]) for c in range(4)], axis=1).astype(np.float32)
    resting = _covered(times_s, [(a, b) for a, b in rests if b > a])
    speech = _covered(times_s, [(g.start_s - lead, g.end_s - lead) for g in gestures])
    series = MouthSeries(times_s, values, np.ones(len(times_s), np.bool_))
    return MouthPlan(series, flags["closure"], flags["labiodental"], resting, speech)


def _frames_of(times_s: NDArray[np.float64], touch: Touch) -> slice:
    """Frames within a contact, else the one nearest to its middle, unless it lies outside the picture."""
    first, last = np.searchsorted(times_s, [touch.start_s - 1e-9, touch.end_s + 1e-9])
    if first < last:
        return slice(int(first), int(last))
    before, after = max(int(first) - 1, 0), min(int(first), len(times_s) - 1)
    nearest = before if abs(times_s[before] - touch.apex_s) <= abs(times_s[after] - touch.apex_s) else after
    usual = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.04
    if abs(times_s[nearest] - touch.apex_s) > max(usual, 0.04):
        return slice(0, 0)
    return slice(nearest, nearest + 1)

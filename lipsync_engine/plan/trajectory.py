"""The mouth's path through a sentence: coarticulated, with hard closures, in the speaker's own range.

`path` holds the maths of one path and of its spread; here they are put to the frames of a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.plan.chin import own_chin, with_chin
from lipsync_engine.plan.kinds import OPEN, kinds_at
from lipsync_engine.plan.path import (
    APERTURE,
    CLEAR_S,
    JAW,
    LIP_HEIGHT,
    WIDTH,
    Grid,
    agility,
    closures_last,
    grid_of,
    hard_rows,
    limits,
    own_spread,
    soft_rows,
    solve,
    spread_by,
    within_range,
)
from lipsync_engine.records import BoolArray, MouthPlan, MouthSeries, Phone, Settled, SpeakerStats
from lipsync_engine.speech.emphasis import loudness_of_vowels, with_emphasis
from lipsync_engine.speech.gestures import MODES, Gesture, Mode, Touch, gestures_of, rests_of, tempo_s, touches_of
from lipsync_engine.speech.tongue import tongue_height

__all__ = ["APERTURE", "EXPRESSIONS", "JAW", "LIP_HEIGHT", "WIDTH", "Expression", "limits", "plan_mouth"]

Expression = Literal["preserve", "natural", "expressive"]

EXPRESSIONS: dict[str, float] = {"preserve": 0.85, "natural": 1.0, "expressive": 1.15}
_ONSET_LEAD_S = 0.04  # the ease out of a rest ends with the sound: this much of a lead fits in it
_REST_WEIGHT = 0.05
_SAID = 0.3  # dominance from which a moment is fully spoken
#: How much stiffer a mouth may become than usual, and from how much of the speaker's own pace on.
_STIFFER, _HURRY = (1.5, 2.2, 3.3, 5.0), 1.05
#: Share of the speaker's own spread that is left at least.
_LEAST_SPREAD = 0.92
#: Face widths (2.8 mm) by which the lips may stand further apart in one frame than in both beside it.
_SNAP = 2.8 / 140.0
#: Length of frames above which that is a movement and no snap, seconds.
_SLOW_S = 0.09
#: Share of an opening that the jaw makes.
_JAW_SHARE = 0.6
_FEWEST_SOUNDS = 3  # from which the spread of a path means something


def plan_mouth(
    phones: Sequence[Phone],
    times_s: NDArray[np.float64],
    stats: SpeakerStats,
    *,
    strength: float = 1.0,
    expression: str = "natural",
    lead_ms: float = 20.0,
    mode: Mode = "phoneme",
    level_db: NDArray[np.float64] | None = None,
    own_spread_db: float | None = None,
    settled: Settled | None = None,
) -> MouthPlan:
    """Plan the mouth for every frame of a picture.

    Args:
        phones: timeline on the audio's clock; gaps and what lies outside are silence.
        times_s: float64 [T], presentation times of the frames, increasing; any rate, constant or not.
        stats: the speaker's own poses and spread, in units of face width.
        strength: excursion from rest, 0 (still) to about 1.5; closures stay closed above 0.
        expression: ``"preserve"`` (0.85), ``"natural"`` (1.0) or ``"expressive"`` (1.15) of the excursion.
        lead_ms: how far the visible mouth runs ahead of the sound, beyond the anticipation of the sounds themselves (on
            four filmed speakers with known scripts the real mouth was 10 ms behind to 20 ms ahead of that).

        mode: ``"phoneme"``, or ``"syllable"`` with one opening a syllable (see `gestures_of`).
        level_db: float64 [N], loudness of the dub every 10 ms: louder vowels open further; ``None``: all alike.
        own_spread_db: spread of the vowels' loudness in the title, which ``"preserve"`` keeps.
        settled: what to take from a whole dub other than this; ``None``: from this one.

    Returns:
        A plan with T frames, every one valid.

    Raises:
        ValueError: times that do not increase, an unknown expression or mode, a negative strength, or statistics
            that are not finite.
    """
    _check(times_s, stats, strength, expression, mode)
    lead = lead_ms / 1000.0
    gestures = gestures_of(phones, mode)
    known = settled or Settled()
    if level_db is not None:
        known = known if known.vowels_db else replace(known, vowels_db=loudness_of_vowels(gestures, level_db))
        spread_db = own_spread_db if expression == "preserve" else None
        gestures = with_emphasis(gestures, level_db, spread_db, known.vowels_db)
    touches = tuple(Touch(t.start_s - lead, t.end_s - lead, t.contact) for t in touches_of(gestures))
    rests = rests_of(phones, float(times_s[-1]) if len(times_s) else 0.0)
    late = max(0.0, lead - _ONSET_LEAD_S)
    touches = touches if strength > 0 and len(times_s) else ()
    rests = _apart_from(touches, [(a - lead, max(a - lead, b - late)) for a, b in rests])
    speech = _covered(times_s, [(g.start_s - lead, g.end_s - lead) for g in gestures])
    at, closure, labiodental = _reading_times(times_s, touches)
    values = np.zeros((0, 4), np.float32)
    if len(times_s):
        grid = grid_of(times_s)
        spoken = speech & (len(gestures) >= _FEWEST_SOUNDS)

        def shown(path: Grid) -> Grid:
            return without_snaps(_read(path, grid, at), times_s)

        stiffness = agility(tempo_s(grid + lead, phones))
        excursion = strength * EXPRESSIONS[expression]
        frames = _Frames(shown, times_s, spoken)
        path, known = _path(
            grid, gestures, touches, rests, stats, excursion, lead, stiffness, frames, known, measured=settled is None
        )
        spoken_there = kinds_at(gestures, at + lead)
        planned = with_brief_vowels(shown(path), spoken_there == OPEN, closure, times_s, excursion)
        if settled is None:
            known = replace(known, chin=own_chin(planned, speech, stats))
        values = with_chin(planned, known.chin, stats).astype(np.float32)
    series = MouthSeries(times_s, values, np.ones(len(times_s), np.bool_))
    rest = _covered(times_s, [(a, b) for a, b in rests if b > a])
    tongue = tongue_height(phones, times_s, lead)
    return MouthPlan(series, closure, labiodental, rest, speech, tongue, kinds_at(gestures, at + lead), known)


def _check(times_s: NDArray[np.float64], stats: SpeakerStats, strength: float, expression: str, mode: str) -> None:
    if np.any(np.diff(times_s) <= 0) or not np.all(np.isfinite(times_s)):
        raise ValueError("frame times must be finite and increase")
    if expression not in EXPRESSIONS:
        raise ValueError(f"expression must be one of {', '.join(EXPRESSIONS)}, not {expression!r}")
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    if not (0 <= strength < np.inf):
        raise ValueError(f"strength must be 0 or more, got {strength}")
    poses = np.stack([stats.rest, stats.closed, stats.open, stats.low, stats.high])
    if not np.all(np.isfinite(poses)):
        raise ValueError("the speaker's statistics hold values that are not finite")


@dataclass(frozen=True, slots=True)
class _Frames:
    """The frames of a picture as a path is shown in them.

    Attributes:
        shown: the values of all frames, float64 [T, 4], for a path on the grid.
        times_s: float64 [T].
        speech: bool [T], frames in which something is said; none where that is too little to have a spread.
    """

    shown: Callable[[Grid], Grid]
    times_s: NDArray[np.float64]
    speech: BoolArray

    def spoken(self, path: Grid) -> Grid:
        """The spoken frames, float64 [F, 4]."""
        return self.shown(path)[self.speech]

    def quickest(self, values: Grid) -> float:
        """Speed of the opening that one spoken frame in twenty exceeds, face widths a second."""
        both = self.speech[1:] & self.speech[:-1]
        speeds = np.abs(np.diff(values[:, APERTURE]) / np.diff(self.times_s))[both]
        return float(np.percentile(speeds, 95)) if len(speeds) else 0.0


def _path(
    grid: Grid,
    gestures: Sequence[Gesture],
    touches: Sequence[Touch],
    rests: Sequence[tuple[float, float]],
    stats: SpeakerStats,
    excursion: float,
    lead: float,
    stiffness: Grid,
    frames: _Frames,
    known: Settled,
    *,
    measured: bool,
) -> tuple[Grid, Settled]:
    """The four channels on the grid, float64 [G, 4], in units of face width, and what they took from the whole dub.

    What is ``known`` of that is used as it is unless it is ``measured`` on this dub.
    """
    weights, pulls = soft_rows(grid, gestures, stats, lead)
    rest = stats.rest.astype(np.float64)
    hard, values = hard_rows(grid, touches, rests, stats)
    goals = (pulls + _REST_WEIGHT * rest) / (weights + _REST_WEIGHT)

    def path(goals: Grid, stiffness: Grid = stiffness) -> Grid:
        free = within_range(solve(weights + _REST_WEIGHT, goals, hard, values, stiffness), stats)
        return np.where(hard > 0, values, free)

    said = np.minimum(1.0, weights / _SAID)
    if measured:
        known = replace(known, spread=own_spread(goals, said, lambda g: frames.spoken(path(g)), stats))
    goals = spread_by(known.spread, goals, said, stats)
    if measured and stats.pace is not None and frames.speech.any():
        known = replace(known, stiffer=_unhurried(lambda s: frames.shown(path(goals, s)), stiffness, frames, stats))
    return path(rest + excursion * (goals - rest), known.stiffer * stiffness), known


def _unhurried(shown: Callable[[Grid], Grid], stiffness: Grid, frames: _Frames, stats: SpeakerStats) -> float:
    """How much stiffer the lips must be to be about as quick as this speaker's own, as far as they open as wide.

    Short vowels then undershoot, as they do in speech; long ones reach their targets.
    """
    allowed = 1.0
    for stiffer in _STIFFER:
        if frames.quickest(shown(allowed * stiffness)) <= _HURRY * float(stats.pace or np.inf):
            break
        spread = float(shown(stiffer * stiffness)[frames.speech, APERTURE].std())
        if spread < _LEAST_SPREAD * float(stats.std[APERTURE]):
            break
        allowed = stiffer
    return allowed


def without_snaps(values: Grid, times_s: NDArray[np.float64]) -> Grid:
    """No opening of a single frame: between two closures that close, a vowel does not reach its target.

    Args:
        values: float64 [T, 4], planned mouth.
        times_s: float64 [T], seconds.
    """
    out = values.copy()
    if len(out) < 3:
        return out
    beside = np.maximum(out[:-2, APERTURE], out[2:, APERTURE])
    over = np.maximum(0.0, out[1:-1, APERTURE] - beside - _SNAP) * ((times_s[2:] - times_s[:-2]) / 2 < _SLOW_S)
    out[1:-1, APERTURE] -= over
    out[1:-1, LIP_HEIGHT] -= over
    out[1:-1, JAW] -= _JAW_SHARE * over
    return out


def with_brief_vowels(
    values: Grid, opens: BoolArray, closure: BoolArray, times_s: NDArray[np.float64], excursion: float = 1.0
) -> Grid:
    """An open vowel of a single frame between two closures parts the lips as far as one frame may, so that it is seen.

    Args:
        values: float64 [T, 4], planned mouth.
        opens: bool [T], frames of open vowels.
        closure: bool [T], frames at which the lips touch.
        times_s: float64 [T], seconds.
        excursion: how much of their usual motion the lips make, 1 for all of it.
    """
    out = values.copy()
    if len(out) < 3:
        return out
    beside = np.maximum(out[:-2, APERTURE], out[2:, APERTURE])
    brief = opens[1:-1] & ~closure[1:-1] & closure[:-2] & closure[2:] & ((times_s[2:] - times_s[:-2]) / 2 < _SLOW_S)
    lacks = np.where(brief, np.maximum(0.0, beside + min(1.0, excursion) * _SNAP - out[1:-1, APERTURE]), 0.0)
    out[1:-1, APERTURE] += lacks
    out[1:-1, LIP_HEIGHT] += lacks
    out[1:-1, JAW] += _JAW_SHARE * lacks
    return out


def _apart_from(touches: Sequence[Touch], rests: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """The rests, each ended in time for the contact that follows; none where a contact leaves it no time."""
    following = np.searchsorted([touch.end_s + CLEAR_S for touch in touches], [start for start, _ in rests], "right")
    limits_s = [*(touch.start_s - CLEAR_S for touch in touches), float("inf")]
    ended = [(start, min(end, limits_s[after])) for (start, end), after in zip(rests, following, strict=True)]
    return tuple((start, end) for start, end in ended if end >= start)


def _covered(times: NDArray[np.float64], spans: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    flags = np.zeros(len(times), np.bool_)
    for start, end in spans:
        flags[slice(*np.searchsorted(times, [start - 1e-9, end - 1e-9]))] = True
    return flags


def _read(path: Grid, grid: Grid, at: Grid) -> Grid:
    return np.stack([np.interp(at, grid, path[:, c]) for c in range(4)], axis=1)


def _reading_times(times_s: Grid, touches: Sequence[Touch]) -> tuple[Grid, BoolArray, BoolArray]:
    """When each frame reads the path, and which frames close: a contact between two frames goes to the nearer one."""
    at = times_s.copy()
    flags = {"closure": np.zeros(len(times_s), np.bool_), "labiodental": np.zeros(len(times_s), np.bool_)}
    spans = _apart(times_s, touches)
    for touch in closures_last(touches):
        frames = spans[touch]
        at[frames] = np.clip(times_s[frames], touch.start_s, touch.end_s)
        for name, flag in flags.items():
            flag[frames] = name == touch.contact
    for before, after in pairwise(touch for touch in touches if spans[touch].stop > spans[touch].start):
        first, last = spans[before].stop, spans[after].start
        if last - first == 1 and not before.end_s < times_s[first] < after.start_s:
            at[first] = (before.end_s + after.start_s) / 2
    return at, flags["closure"], flags["labiodental"]


def _apart(times_s: Grid, touches: Sequence[Touch]) -> dict[Touch, slice]:
    """The frames of every contact; where two leave no open frame between them, the longer one gives one away."""
    spans = {touch: _frames_of(times_s, touch) for touch in touches}
    for before, after in pairwise(touches):
        a, b = spans[before], spans[after]
        if a.stop <= a.start or b.stop <= b.start or b.start > a.stop:
            continue
        if a.stop - a.start > 1 and a.stop - a.start >= b.stop - b.start:
            spans[before] = slice(a.start, b.start - 1 if b.start - 1 > a.start else a.start + 1)
        elif b.stop - b.start > 1:
            spans[after] = slice(min(a.stop + 1, b.stop - 1), b.stop)
    return spans


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

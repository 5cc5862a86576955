"""Viterbi choice of the observation shown at each frame (after Cosatto and Graf; Liu and Ostermann)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.plan.kinds import HISS, Kinds, unlikeness
from lipsync_engine.plan.library import Library
from lipsync_engine.records import BoolArray, FloatArray

#: Candidates kept for each frame; frames whose costs are held at a time, so that memory does not grow.
CANDIDATES, _CHUNK = 40, 256
_CHANNEL_WEIGHT = np.array([1.6, 1.0, 0.5, 0.8], np.float32)
_VELOCITY, _POSE, _LIGHT, _BLUR, _SCALE = 0.25, 2.0, 0.6, 0.6, 1.0
_JOIN, _JUMP, _TEETH = 0.7, 0.9, 0.5
#: Cost of standing still and of going backwards for a frame; of each frame more or less than one that is gone on.
_HOLD, _BACK, _PACE = 0.3, 0.2, 0.08
#: A mouth whose teeth are shut on a sound that parts them, or parted on one that holds them together; a sound that
#: looks unlike the one spoken there; lips that are softer (or sharper) than the frame's own about that moment.
_CLENCHED, _GAPING, _UNLIKE, _CRISP, _CRISP_SLACK = 3.0, 3.0, 0.6, 12.0, 0.1
#: Cost of an opening in which neither teeth nor dark can be seen, since it was seen in motion.
_MURKY = 1.5
#: Cost for each hundredth of a face width by which an opening must be stretched beyond this factor.
_STRETCHED, _STRETCH = 0.6, 1.3
#: Share of teeth from which an opening counts as showing them fully; gap (face widths) up to which a hiss's is shut.
_TOOTHY, _HISSING = 0.5, 0.008
#: Cost for each hundredth of a face width by which an observation is open where lips must touch, from where a tracker
#: reads lips that touch.
_OPEN_AT_CLOSURE, _SHUT = 1.5, 0.005
#: Cost for each hundredth of a face width by which an opening must be squeezed beyond what does not show: a tongue or
#: teeth pressed into a slit are seen as a light line.
_SQUEEZED, _SQUEEZE_FACTOR, _SQUEEZE_EXTRA = 1.0, 1.35, 0.012
#: A mouth at rest is taken from rest: cost of an observation's own motion, and the planned motion that is rest no more.
_UNREST, _CALM = 4.0, 0.3
#: Cost of what is not to be shown.
_NEVER = 1e6
#: Units in which pose (degrees) and light (8-bit levels) differ by one.
_POSE_UNIT, _LIGHT_UNIT = 15.0, 25.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the frames to be edited ask of an observation; all arrays have one row a frame.

    Attributes:
        vectors: float32 [T, 4], planned mouth.
        pose: float32 [T, 3], yaw, pitch, roll of the target head in degrees.
        scale: float32 [T], pixels for a face width.
        light: float32 [T, 3], cheek colour.
        stir: float32 [T], how much the planned mouth moves about that moment (`library.stir`).
        closure: bool [T].
        start: bool [T], True where a run of consecutive frames begins (no join is judged across it).
        sound: int8 [T], the kind of sound spoken (`plan.kinds`); ``None`` where that is not known.
        gap: float32 [T], how far the rows of teeth shall stand apart, face widths; ``None`` likewise.
        crisp: float32 [T], fine detail of the frames' own lips about that moment, NaN where unknown; ``None`` likewise.
        settled: bool [T], frames that show what suits them best, whatever comes before and after, so that neither side
            of them depends on the other; ``None``: no frame.
    """

    vectors: FloatArray
    pose: FloatArray
    scale: FloatArray
    light: FloatArray
    stir: FloatArray
    closure: BoolArray
    start: BoolArray
    sound: Kinds | None = None
    gap: FloatArray | None = None
    crisp: FloatArray | None = None
    settled: BoolArray | None = None


def choose(wanted: Wanted, library: Library) -> NDArray[np.int64]:
    """The best path through the library: index of an observation for each frame, int64 [T]."""
    total, width = len(wanted.vectors), min(CANDIDATES, len(library.vectors))
    if not total:
        return np.zeros(0, np.int64)
    picks, costs = np.empty((total, width), np.int32), np.empty((total, width), np.float32)
    asked, offered = _features(wanted, library), _offer(library)
    for first in range(0, total, _CHUNK):
        part = slice(first, min(first + _CHUNK, total))
        cost = _target_costs(wanted, asked, offered, part, library)
        near = np.argpartition(_along_runs(cost, library), width - 1, axis=1)[:, :width]
        near.sort(axis=1)  # the same candidates in the same order, whatever the partition does with equals
        picks[part], costs[part] = near, np.take_along_axis(cost, near, axis=1)
    settled = np.zeros(total, np.bool_) if wanted.settled is None else wanted.settled
    others = np.arange(width) != costs[settled].argmin(axis=1)[:, None]
    costs[settled] += np.where(others, _NEVER, 0).astype(np.float32)
    return _best_path(picks, costs, wanted.start, settled, library)


def _features(wanted: Wanted, library: Library) -> FloatArray:
    """Frames as points whose squared distance to the library's is the larger part of the target cost."""
    velocity = np.gradient(wanted.vectors, axis=0) if len(wanted.vectors) > 1 else np.zeros_like(wanted.vectors)
    return _point(wanted.vectors, velocity, wanted.pose, wanted.light, library.spread)


def _offer(library: Library) -> FloatArray:
    return _point(library.vectors, library.velocity, library.pose, library.light, library.spread)


def _point(
    vectors: FloatArray, velocity: NDArray[np.floating[Any]], pose: FloatArray, light: FloatArray, spread: FloatArray
) -> FloatArray:
    columns = (
        np.sqrt(_CHANNEL_WEIGHT) * vectors / spread,
        np.sqrt(_VELOCITY) * velocity / spread,
        np.sqrt(_POSE) * pose[:, :2] / _POSE_UNIT,
        np.sqrt(_LIGHT) * light / _LIGHT_UNIT,
    )
    return np.asarray(np.concatenate(columns, axis=1), np.float32)


def _target_costs(wanted: Wanted, asked: FloatArray, offered: FloatArray, part: slice, library: Library) -> FloatArray:
    """Cost of every observation at some frames, float32 [n, M]."""
    mine = asked[part]
    cost = (mine**2).sum(1)[:, None] + (offered**2).sum(1) - 2 * mine @ offered.T
    cost += _BLUR * library.blur
    larger = np.log(wanted.scale[part])[:, None] - np.log(library.scale)
    cost += 10 * _SCALE * np.maximum(0, larger) ** 2
    cost += _UNREST * np.clip(1 - wanted.stir[part] / _CALM, 0, 1)[:, None] * library.stir**2
    room = _SQUEEZE_FACTOR * wanted.vectors[part, :1] + _SQUEEZE_EXTRA
    cost += _SQUEEZED * np.maximum(0, library.looks - room) / 0.01
    closed = wanted.closure[part]
    cost[closed] += _OPEN_AT_CLOSURE * np.maximum(0, library.looks - _SHUT) / 0.01
    return np.asarray(cost + _inside_costs(wanted, part, library), np.float32)


def _inside_costs(wanted: Wanted, part: slice, library: Library) -> FloatArray:
    """What a mouth's inside, the sound it spoke and its sharpness cost, float32 [n, M]; 0 where nothing is known."""
    cost: NDArray[np.floating[Any]] = np.zeros((1, 1), np.float32)
    if wanted.sound is not None and wanted.gap is not None:
        toothy = np.nan_to_num(np.clip(library.rows / _TOOTHY, 0, 1))
        gap = np.nan_to_num(library.gap)
        asked, sound = wanted.gap[part][:, None], wanted.sound[part]
        shut = np.clip(1 - gap / np.maximum(asked, 1e-6), 0, 1) * toothy
        cost = cost + _CLENCHED * np.where(asked > 0, shut, 0)
        unseen = np.clip((wanted.vectors[part, :1] - _STRETCH * library.vectors[:, 0]) / 0.01, 0, None)
        cost = cost + _STRETCHED * unseen
        murky = np.nan_to_num(np.clip((0.5 - library.rows - library.dark) / 0.3, 0, 1))
        cost = cost + _MURKY * np.where(asked > 0, murky, 0)
        hiss = np.clip((gap - _HISSING) / 0.02, 0, 1) + 0.5 * (1 - toothy) * np.isfinite(library.rows)
        cost = cost + _GAPING * (sound == HISS)[:, None] * hiss
        cost = cost + _UNLIKE * unlikeness()[sound + 1][:, library.sound + 1]
    if wanted.crisp is not None:
        off = np.abs(np.log(np.maximum(library.crisp, 1e-3) / np.maximum(wanted.crisp[part], 1e-3)[:, None]))
        cost = cost + _CRISP * np.nan_to_num(np.maximum(0, off - _CRISP_SLACK)) ** 2
    return np.asarray(cost, np.float32)


def _along_runs(cost: FloatArray, library: Library) -> FloatArray:
    """Costs averaged with those of the true neighbours in time: what goes on well becomes a candidate."""
    follows = (np.diff(library.frame) == 1) & (np.diff(library.span) == 0)
    out = cost.copy()
    count = np.ones_like(cost)
    out[1:, 1:] += np.where(follows, cost[:-1, :-1], 0)
    count[1:, 1:] += follows
    out[:-1, :-1] += np.where(follows, cost[1:, 1:], 0)
    count[:-1, :-1] += follows
    return out / count


def _best_path(
    picks: NDArray[np.int32], costs: FloatArray, start: BoolArray, settled: BoolArray, library: Library
) -> NDArray[np.int64]:
    total, width = picks.shape
    back = np.zeros((total, width), np.uint8 if width < 256 else np.int32)
    best = costs[0].astype(np.float64)
    columns = np.arange(width)
    for first in range(1, total, _CHUNK):
        part = slice(first, min(first + _CHUNK, total))
        joins = _join_costs(picks[first - 1 : part.stop - 1], picks[part], library)
        joins[start[part]] = 0.0
        for t, join in zip(range(first, part.stop), joins, strict=True):
            through = join + best[:, None]
            chosen = through.argmin(axis=0)
            back[t] = chosen
            best = through[chosen, columns] + costs[t]
            if settled[t] or start[t]:  # what lies before it weighs on nothing after it
                best -= best.min()
    path = np.empty(total, np.int64)
    at = int(best.argmin())
    for t in range(total - 1, -1, -1):
        path[t] = picks[t, at]
        at = int(back[t, at])
    return path


def _join_costs(before: NDArray[np.int32], after: NDArray[np.int32], library: Library) -> NDArray[np.float64]:
    """Cost of going from each candidate to each of the next frame's, float64 [n, K, K]."""
    a, b = library.texture[before], library.texture[after]
    distance = (a**2).sum(2)[:, :, None] + (b**2).sum(2)[:, None] - 2 * a @ b.transpose(0, 2, 1)
    step = library.frame[after][:, None] - library.frame[before][:, :, None]
    near = (np.abs(step) <= 2) & (library.span[after][:, None] == library.span[before][:, :, None])
    teeth = np.abs(library.teeth[after][:, None] - library.teeth[before][:, :, None])
    jump = _JUMP + _JOIN * np.maximum(distance, 0) + _TEETH * teeth
    stepped = _PACE * np.abs(step - 1) + np.where(step == 0, _HOLD, 0) + np.where(step < 0, _BACK, 0)
    costs: NDArray[np.float64] = np.where(near, stepped, jump)
    return costs

"""Viterbi choice of the observation shown at each frame (after Cosatto and Graf; Liu and Ostermann)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.plan.library import Library
from lipsync_engine.records import BoolArray, FloatArray

#: Candidates kept for each frame; frames whose costs are held at a time, so that memory does not grow.
CANDIDATES, _CHUNK = 40, 256
_CHANNEL_WEIGHT = np.array([1.6, 1.0, 0.5, 0.8], np.float32)
_VELOCITY, _POSE, _LIGHT, _BLUR, _SCALE = 0.25, 2.0, 0.6, 0.6, 1.0
_JOIN, _JUMP, _HOLD, _TEETH = 0.7, 0.4, 0.08, 0.5
#: Cost for each hundredth of a face width by which an observation is open where lips must touch, from where a tracker
#: reads lips that touch.
_OPEN_AT_CLOSURE, _SHUT = 1.5, 0.005
#: Cost for each hundredth of a face width by which an opening must be squeezed beyond what does not show: a tongue or
#: teeth pressed into a slit are seen as a light line.
_SQUEEZED, _SQUEEZE_FACTOR, _SQUEEZE_EXTRA = 1.0, 1.35, 0.012
#: A mouth at rest is taken from rest: cost of an observation's own motion, and the planned motion that is rest no more.
_UNREST, _CALM = 4.0, 0.3
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
    """

    vectors: FloatArray
    pose: FloatArray
    scale: FloatArray
    light: FloatArray
    stir: FloatArray
    closure: BoolArray
    start: BoolArray


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
    return _best_path(picks, costs, wanted.start, library)


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
    cost += _SQUEEZED * np.maximum(0, library.vectors[:, 0] - room) / 0.01
    closed = wanted.closure[part]
    cost[closed] += _OPEN_AT_CLOSURE * np.maximum(0, library.vectors[:, 0] - _SHUT) / 0.01
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


def _best_path(picks: NDArray[np.int32], costs: FloatArray, start: BoolArray, library: Library) -> NDArray[np.int64]:
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
    costs: NDArray[np.float64] = np.where(near, _HOLD * np.abs(step - 1), jump)
    return costs

"""Viterbi choice of the observation shown at each frame (after Cosatto and Graf; Liu and Ostermann)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.library import Library
from lipsync_engine.records import BoolArray, FloatArray

#: Candidates kept for each frame.
CANDIDATES = 40
_CHANNEL_WEIGHT = np.array([1.6, 1.0, 0.5, 0.8], np.float32)
_VELOCITY, _POSE, _LIGHT, _BLUR, _SCALE = 0.25, 0.5, 0.3, 0.6, 1.0
_JOIN, _JUMP, _HOLD = 0.7, 0.4, 0.08
_CLOSED_BONUS = 1.5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the frames to be edited ask of an observation; all arrays have one row a frame.

    Attributes:
        vectors: float32 [T, 4], planned mouth.
        pose: float32 [T, 3], yaw, pitch, roll of the target head in degrees.
        scale: float32 [T], pixels for a face width.
        light: float32 [T, 3], cheek colour.
        closure: bool [T].
        start: bool [T], True where a run of consecutive frames begins (no join is judged across it).
    """

    vectors: FloatArray
    pose: FloatArray
    scale: FloatArray
    light: FloatArray
    closure: BoolArray
    start: BoolArray


def choose(wanted: Wanted, library: Library) -> NDArray[np.int64]:
    """The best path through the library: index of an observation for each frame, int64 [T]."""
    total = len(wanted.vectors)
    costs = np.empty((total, min(CANDIDATES, len(library.vectors)) + 0), np.float32)
    picks = np.empty(costs.shape, np.int64)
    velocity = np.gradient(wanted.vectors, axis=0) if total > 1 else np.zeros_like(wanted.vectors)
    for t in range(total):
        cost = _target_cost(wanted, velocity, t, library)
        nearest = np.argpartition(cost, picks.shape[1] - 1)[: picks.shape[1]]
        nearest = nearest[np.lexsort((nearest, cost[nearest]))]
        picks[t], costs[t] = nearest, cost[nearest]
    return _best_path(picks, costs, wanted.start, library)


def _target_cost(wanted: Wanted, velocity: FloatArray, t: int, library: Library) -> FloatArray:
    scale = library.spread
    off = (library.vectors - wanted.vectors[t]) / scale
    cost = (_CHANNEL_WEIGHT * off**2).sum(axis=1)
    cost += _VELOCITY * ((((library.velocity - velocity[t]) / scale) ** 2).sum(axis=1))
    turn = (library.pose - wanted.pose[t])[:, :2] / 15.0
    cost += _POSE * (turn**2).sum(axis=1)
    cost += _LIGHT * (((library.light - wanted.light[t]) / 25.0) ** 2).sum(axis=1)
    cost += _BLUR * library.blur
    cost += _SCALE * np.maximum(0, np.log(wanted.scale[t] / library.scale)) ** 2 * 10
    if wanted.closure[t]:
        cost += _CLOSED_BONUS * np.maximum(0, library.vectors[:, 0] - 0.02) / 0.01
    return np.asarray(cost, np.float32)


def _best_path(picks: NDArray[np.int64], costs: FloatArray, start: BoolArray, library: Library) -> NDArray[np.int64]:
    total, width = picks.shape
    back = np.zeros((total, width), np.int32)
    best = costs[0].astype(np.float64) if total else np.zeros(0)
    for t in range(1, total):
        join = np.zeros((width, width)) if start[t] else _join_cost(picks[t - 1], picks[t], library)
        through = best[:, None] + join
        back[t] = through.argmin(axis=0)
        best = through.min(axis=0) + costs[t]
    path = np.empty(total, np.int64)
    at = int(best.argmin()) if total else 0
    for t in range(total - 1, -1, -1):
        path[t] = picks[t, at]
        at = int(back[t, at])
    return path


def _join_cost(before: NDArray[np.int64], after: NDArray[np.int64], library: Library) -> NDArray[np.float64]:
    a, b = library.texture[before], library.texture[after]
    distance = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    step = library.frame[after][None] - library.frame[before][:, None]
    same = library.span[after][None] == library.span[before][:, None]
    near = same & (np.abs(step) <= 2)
    cost = np.where(near, _HOLD * np.abs(step - 1), _JUMP + _JOIN * distance)
    return np.asarray(cost, np.float64)

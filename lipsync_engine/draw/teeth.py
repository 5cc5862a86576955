"""Teeth keep their size: between the lips the upper ones stay with the head, the lower ones with the lower lip.

Where a mouth is opened further than it was seen, or less, only the dark between the teeth is stretched or left
out. Each column of the opening is mapped along its height.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from torch import Tensor

from lipsync_engine.faces.geometry import LOWER_INNER, NOSE_FOOT, UPPER_INNER, frame_of

Array = NDArray[np.float64]
#: Depths at which a column's light is read; share of the opening that only the upper teeth or their lip can be; columns
#: beside the corners, whose light tells nothing.
_DEPTHS, _NOT_BELOW, _CORNER = 16, 0.3, 2
#: Places between two columns whose light is read, too: what is stretched is dark in all of them, or a tooth is.
_BETWEEN = 4
#: Share of a column's range of light that is dark, and by which the top must be darker than the bottom to be taken.
_DIM, _TILT = 0.2, 0.1
#: Values at each vertex.
VALUES = 10
#: Columns of an opening.
COLUMNS = len(UPPER_INNER)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the map needs, as it goes over the triangles between the lips.

    Attributes:
        values: float64 [n, V, 10]: depth below the upper lip from 0 to 1; height of the column in the output and in the
            observation; how far the upper lip lies lower than in the observation; place (x, y) of the upper lip's edge
            in the observation, direction (x, y) of the column there, all in the observation's pixels; and where
            the dark between the teeth begins and ends there, from 0 to 1.
    """

    values: Array


def dark_between(luma: NDArray[np.generic], corner: tuple[int, int], face: NDArray[np.floating[Any]]) -> Array:
    """Where between the lips it is dark, since upper and lower teeth part there.

    Shares of the opening, float64 [2, 11]: begin and end, for each column from the left corner on.

    Args:
        luma: [h, w], of a part of the picture, uint8 or uint16.
        corner: its left and top.
        face: [478, 2 or more] pixels of the picture.
    """
    upper, lower = (_finer(face[list(ring), :2]) for ring in (UPPER_INNER, LOWER_INNER))
    depth = (np.arange(_DEPTHS) + 0.5)[:, None, None] / _DEPTHS
    place = (upper + depth * (lower - upper) - corner).astype(np.float32)
    samples: Any = luma
    light: NDArray[Any] = np.asarray(cv2.remap(samples, place[..., 0], place[..., 1], cv2.INTER_LINEAR), np.float32)
    light = cv2.dilate(cv2.blur(light, (1, 3)), np.ones((1, 2 * _BETWEEN + 1), np.uint8))
    light = light[:, ::_BETWEEN][:, _CORNER:-_CORNER]
    light = light - _TILT * np.ptp(light, axis=0) * depth[:, :, 0]
    first = round(_NOT_BELOW * _DEPTHS)
    darkest = first + light[first:].argmin(axis=0)
    bright = light > light.min(axis=0) + _DIM * np.ptp(light, axis=0)
    row = np.arange(_DEPTHS)[:, None]
    begin = np.where(bright & (row < darkest), row + 1, first).max(axis=0)
    end = np.where(bright & (row > darkest), row, _DEPTHS).min(axis=0)
    return np.stack([_across(np.minimum(begin, darkest)), _across(np.maximum(end, darkest + 1))]) / _DEPTHS


def _across(rows: NDArray[np.integer[Any]]) -> Array:
    return np.pad(median_filter(rows.astype(np.float64), 3, mode="nearest"), _CORNER, mode="edge")


def _finer(ring: NDArray[np.floating[Any]]) -> Array:
    at = np.arange((COLUMNS - 1) * _BETWEEN + 1) / _BETWEEN
    return np.stack([np.interp(at, np.arange(COLUMNS), ring[:, axis]) for axis in (0, 1)], axis=1)


def columns(moved: Array, still: Array, observed: Array, dark: Array) -> Columns:
    """Compare the openings of the faces that are drawn with those of the observations.

    Args:
        moved: float64 [n, V, 2] faces after the edit, pixels.
        still: float64 [n, V, 2] faces in the target frames, pixels.
        observed: float64 [n, V, 2] faces in the observations' frames, pixels.
        dark: float64 [n, 2, 11], where the observations' teeth part.
    """
    turn, head = _head(still, observed)
    upper, lower = list(UPPER_INNER), list(LOWER_INNER)
    edge, floor = observed[:, upper], observed[:, lower]
    there = np.einsum("nij,npj->npi", turn, moved[:, upper]) + head[:, None]
    below = np.einsum("nij,npj->npi", turn, moved[:, lower]) + head[:, None]
    across = edge[:, -1:] - edge[:, :1]
    across /= np.linalg.norm(across, axis=2, keepdims=True) + 1e-9
    down = np.stack([-across[..., 1], across[..., 0]], axis=2)
    height, seen = ((a * down).sum(axis=2) for a in (below - there, floor - edge))
    lowered = ((there - edge) * down).sum(axis=2)
    out = np.zeros((*moved.shape[:2], VALUES))
    for ring, depth in ((upper, 0.0), (lower, 1.0)):
        for at, value in enumerate((depth, height, seen, lowered)):
            out[:, ring, at] = value
        out[:, ring, 4:6] = edge
        out[:, ring, 6:8] = (floor - edge) / np.maximum(seen, 1e-3)[..., None]
        out[:, ring, 8], out[:, ring, 9] = dark[:, 0], dark[:, 1]
    return Columns(out)


def _head(still: Array, observed: Array) -> tuple[Array, Array]:
    """Flat similarity from the target frames to the observations' that lays head on head: [n, 2, 2] and [n, 2]."""
    to, seen = (frame_of(np.asarray(faces, np.float32))[:, :, :2] for faces in (still, observed))
    back = to.transpose(0, 2, 1) / ((to[:, :, :1] ** 2).sum(axis=1, keepdims=True) + 1e-12)
    turn = seen @ back
    foot, seen_foot = (faces[:, list(NOSE_FOOT)].mean(axis=1) for faces in (still, observed))
    return turn, seen_foot - np.einsum("nij,nj->ni", turn, foot)


def places(values: Tensor) -> Tensor:
    """Where in the observation the inside of a mouth is seen, [N, 2], for values [N, 10] of its cells."""
    depth, height, seen, lowered, x, y, along_x, along_y, dark, bright = values.unbind(1)
    seen = seen.clamp(min=0)
    at = depth * height
    upper = at + lowered
    lower = seen - (height - at)
    first, last = dark * seen, bright * seen
    # the dark between: from where the upper teeth end to where the lower ones begin
    begin, end = first - lowered, height - (seen - last)
    share = ((at - begin) / (end - begin).clamp(min=1e-3)).clamp(0, 1)
    middle = first + share * (last - first)
    seen_at = torch.where(upper <= first, upper, torch.where(lower >= last, lower, middle))
    seen_at = torch.minimum(seen_at.clamp(min=0), seen)
    return torch.stack([x + along_x * seen_at, y + along_y * seen_at], 1)

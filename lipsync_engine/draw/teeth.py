"""Teeth keep their size: between the lips the upper ones stay with the head, the lower ones with the lower lip.

Where a mouth is opened further than it was seen, or less, only the dark between the teeth is stretched or left
out. Each column of the opening is mapped along its height. Rows of teeth that were only seen together are parted: the
lower one is rigid with the jaw and goes down behind the lip, and what opens between them lies in shadow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter
from torch import Tensor

from lipsync_engine.faces.geometry import FACE_LEFT, FACE_RIGHT, LOWER_INNER, NOSE_FOOT, UPPER_INNER, frame_of

Array = NDArray[np.float64]
#: Depths at which a column's light is read; share of the opening that only the upper teeth or their lip can be; columns
#: beside the corners, whose light tells nothing.
_DEPTHS, _NOT_BELOW, _CORNER = 16, 0.3, 2
#: Places between two columns whose light is read, too: what is stretched is dark in all of them, or a tooth is.
_BETWEEN = 4
#: Share of a column's range of light that is dark, and by which the top must be darker than the bottom to be taken.
_DIM, _TILT = 0.2, 0.1
#: Columns over which the edges of the dark run smoothly, standard deviation.
_SMOOTH = 0.8
#: Share of light that a line between rows that meet lacks at least, or the lower row, to show their seam; and shares of
#: an opening at which that can lie.
_LINE, _DIMMER, _MEET = 0.25, 0.2, (0.3, 0.85)
#: Values at each vertex.
VALUES = 12
#: Face widths over which the shadow between parted rows begins and ends.
_EDGE = 0.012
#: Part of that edge by which the lower lip's own colour is taken from inside it, and how much of it shimmers through
#: the shadow before that lip.
_INTO_LIP, _TONGUE = 0.7, 0.4
#: Share of an opening that its upper row of teeth keeps, however far the rows part.
_UPPER_ROW = 0.35
#: Columns of an opening.
COLUMNS = len(UPPER_INNER)
#: How far the jaw parts the rows at each column: as much in the middle, nothing at the corners.
_ARCH = np.clip(1.15 * (1 - np.abs(np.linspace(-1, 1, COLUMNS)) ** 2.5), 0, 1)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the map needs, as it goes over the triangles between the lips.

    Attributes:
        values: float64 [n, V, 12]: depth below the upper lip from 0 to 1; height of the column in the output and in the
            observation; how far the upper lip lies lower than in the observation; place (x, y) of the upper lip's edge
            in the observation, direction (x, y) of the column there, all in the observation's pixels; and where
            the dark between the teeth begins and ends there, from 0 to 1; how much further the rows are parted, in the
            observation's pixels; and pixels of the observation for a face width.
    """

    values: Array


def dark_between(
    luma: NDArray[np.generic], corner: tuple[int, int], face: NDArray[np.floating[Any]], *, met: bool = False
) -> Array:
    """Where between the lips it is dark, since upper and lower teeth part there.

    Shares of the opening, float64 [2, 11]: begin and end, for each column from the left corner on.

    Args:
        luma: [h, w], of a part of the picture, uint8 or uint16.
        corner: its left and top.
        face: [478, 2 or more] pixels of the picture.
        met: the rows of teeth stand on each other: what is dark there is a seam at most.
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
    if met:
        return np.full((2, COLUMNS), _seam(light))
    bright = light > light.min(axis=0) + _DIM * np.ptp(light, axis=0)
    row = np.arange(_DEPTHS)[:, None]
    begin = np.where(bright & (row < darkest), row + 1, first).max(axis=0)
    end = np.where(bright & (row > darkest), row, _DEPTHS).min(axis=0)
    return np.stack([_across(np.minimum(begin, darkest)), _across(np.maximum(end, darkest + 1))]) / _DEPTHS


def _seam(light: NDArray[Any]) -> float:
    """Depth at which the upper row of teeth ends, share of the opening: 1 where it hides the lower one.

    It ends at a line darker than what lies on either side of it, or where something dimmer begins.

    Args:
        light: float32 [16, 7], of the columns from the upper lip down.
    """
    row = np.median(light, axis=1)
    low, high = (round(share * _DEPTHS) for share in _MEET)
    darkest = low + int(row[low:high].argmin())
    beside = min(float(row[:darkest].max()), float(row[darkest + 1 :].max()))
    if row[darkest] < (1 - _LINE) * beside:
        return (darkest + 0.5) / _DEPTHS
    above, below = (np.array([row[at + a : at + b].mean() for at in range(low, high)]) for a, b in ((-3, 0), (1, 4)))
    dims = int((above - below).argmax())
    return (low + dims + 0.5) / _DEPTHS if below[dims] < (1 - _DIMMER) * above[dims] else 1.0


def _across(rows: NDArray[np.integer[Any]]) -> Array:
    """Edges of the dark in every column, without steps: what lies beside them is drawn as if they were straight."""
    steady = median_filter(rows.astype(np.float64), 3, mode="nearest")
    return np.pad(gaussian_filter1d(steady, _SMOOTH, mode="nearest"), _CORNER, mode="edge")


def _finer(ring: NDArray[np.floating[Any]]) -> Array:
    at = np.arange((COLUMNS - 1) * _BETWEEN + 1) / _BETWEEN
    return np.stack([np.interp(at, np.arange(COLUMNS), ring[:, axis]) for axis in (0, 1)], axis=1)


def columns(moved: Array, still: Array, observed: Array, dark: Array, parted: Array) -> Columns:
    """Compare the openings of the faces that are drawn with those of the observations.

    Args:
        moved: float64 [n, V, 2] faces after the edit, pixels.
        still: float64 [n, V, 2] faces in the target frames, pixels.
        observed: float64 [n, V, 2] faces in the observations' frames, pixels.
        dark: float64 [n, 2, 11], where the observations' teeth part.
        parted: float64 [n], how much further they shall be parted, face widths.
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
    width = np.linalg.norm(observed[:, FACE_RIGHT] - observed[:, FACE_LEFT], axis=1)[:, None]
    arch = _ARCH * (parted[:, None] * width)
    out = np.zeros((*moved.shape[:2], VALUES))
    for ring, depth in ((upper, 0.0), (lower, 1.0)):
        for at, value in enumerate((depth, height, seen, lowered)):
            out[:, ring, at] = value
        out[:, ring, 4:6] = edge
        out[:, ring, 6:8] = (floor - edge) / np.maximum(seen, 1e-3)[..., None]
        out[:, ring, 8], out[:, ring, 9] = dark[:, 0], dark[:, 1]
        out[:, ring, 10], out[:, ring, 11] = arch, width
    return Columns(out)


def _head(still: Array, observed: Array) -> tuple[Array, Array]:
    """Flat similarity from the target frames to the observations' that lays head on head: [n, 2, 2] and [n, 2]."""
    to, seen = (frame_of(np.asarray(faces, np.float32))[:, :, :2] for faces in (still, observed))
    back = to.transpose(0, 2, 1) / ((to[:, :, :1] ** 2).sum(axis=1, keepdims=True) + 1e-12)
    turn = seen @ back
    foot, seen_foot = (faces[:, list(NOSE_FOOT)].mean(axis=1) for faces in (still, observed))
    return turn, seen_foot - np.einsum("nij,nj->ni", turn, foot)


def places(values: Tensor) -> tuple[Tensor, Tensor]:
    """What is seen in the cells of a mouth's inside, for their values [N, 12].

    Returns:
        Where it lies in the observation, [N, 2], and how much of it is the shadow between rows that were parted, [N],
        0 to 1.
    """
    depth, height, seen, lowered, x, y, along_x, along_y, dark, bright, parted, width = values.unbind(1)
    seen = seen.clamp(min=0)
    at = depth * height
    upper = at + lowered
    lower = seen - (height - at) - parted
    first, last = dark * seen, bright * seen
    # the dark between: from where the upper teeth end to where the lower ones begin
    begin, end = first - lowered, height - (seen - last) + parted
    # rows without a seam to be seen are parted where it can lie
    begin = torch.where(parted > 0, torch.minimum(begin, (height - parted).maximum(_UPPER_ROW * height)), begin)
    edge = (_EDGE * width).clamp(min=1.2)
    # rows that met have no dark between them: unless they are parted they fill the opening as they did
    whole = (1 - (last - first) / edge).clamp(0, 1) * (1 - parted / edge).clamp(0, 1)
    share = ((at - begin) / (torch.minimum(end, height.maximum(begin)) - begin).clamp(min=1e-3)).clamp(0, 1)
    # no lower row in sight: what shimmers through the shadow is a tongue as red as the lip, and no tooth
    bare = ((end - height) / edge).clamp(0, 1) * ((height - begin) / (4 * edge)).clamp(0, 1) * (parted > 0)
    last = last + bare * (seen + _INTO_LIP * edge - last)
    middle = first + share * (last - first)
    seen_at = torch.where(at <= begin, upper, torch.where(at >= end, lower, middle))
    seen_at = torch.minimum(seen_at.clamp(min=0), seen + bare * _INTO_LIP * edge)
    seen_at = torch.lerp(seen_at, depth * seen, whole)
    bottom = torch.minimum(end, height + edge)
    inside = ((at - begin) / edge + 0.5).clamp(0, 1) * ((bottom - at) / edge + 0.5).clamp(0, 1)
    shadow = inside * ((parted / edge - 0.5) / 1.5).clamp(0, 1) * (1 - _TONGUE * share)
    return torch.stack([x + along_x * seen_at, y + along_y * seen_at], 1), shadow

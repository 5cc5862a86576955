"""The inside of a mouth that the picture never shows open: a dark cavity with a hint of upper teeth.

Used on the portrait path only. Where the source shows teeth they stay in place behind the moving lips, so that
they neither stretch nor shrink; what opens beyond them is painted, and a narrow slit lies in shadow.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.geometry import LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER
from lipsync_engine.media.video import Planes
from lipsync_engine.media.window import Region

Array = NDArray[np.float64]
Image = NDArray[np.float32]
#: Luma of cavity and teeth relative to lips and lit skin; reach of the teeth below the closed mouth's line.
_DARK, _TEETH, _TEETH_DROP = 0.28, 0.92, 0.016
#: Opening (face widths) below which the inside lies in the lips' shadow; luma left in the narrowest slit.
_SHADOW, _SLIT = 0.04, 0.3


@dataclass(frozen=True, slots=True)
class Opening:
    """The lips' inner curves, local to the mouth: origin between the corners, x along them, unit face width.

    Attributes:
        origin: [2] pixels.
        axis: [2] unit vector from the left to the right corner.
        width_px: pixels for a face width.
        upper: [11, 2] local inner curve of the upper lip.
        lower: [11, 2] local inner curve of the lower lip.
    """

    origin: Array
    axis: Array
    width_px: float
    upper: Array
    lower: Array

    def local(self, points: Array) -> Array:
        """Pixels [..., 2] to local coordinates."""
        off = (points - self.origin) / self.width_px
        down = np.array([-self.axis[1], self.axis[0]])
        return np.stack([off @ self.axis, off @ down], axis=-1)

    def pixels(self, local: Array) -> Array:
        """Local coordinates to pixels."""
        down = np.array([-self.axis[1], self.axis[0]])
        turned = local[..., :1] * self.axis + local[..., 1:] * down
        return np.asarray(self.origin + self.width_px * turned)


def opening(face: Array, width_px: float) -> Opening:
    """Measure the opening of a face [>=478, 2] in pixels."""
    left, right = face[UPPER_INNER[0]], face[UPPER_INNER[-1]]
    axis = (right - left) / (np.linalg.norm(right - left) + 1e-9)
    frame = Opening((left + right) / 2, axis, width_px, np.zeros((11, 2)), np.zeros((11, 2)))
    upper, lower = frame.local(face[list(UPPER_INNER)]), frame.local(face[list(LOWER_INNER)])
    return Opening(frame.origin, axis, width_px, upper, lower)


def paint(target: Planes, source: Planes, moved: Array, still: Array, width_px: float, region: Region) -> None:
    """Fill the mouth's opening in place.

    Args:
        target: planes already warped: Y [H, W], U and V [H/2, W/2], uint8 or uint16.
        source: [h, w] and halves likewise: the region of the frame before the edit (copies).
        moved: [V, 2] face after the edit, pixels.
        still: [V, 2] face in the source, pixels.
        width_px: pixels for a face width.
        region: rectangle that ``source`` covers and that may be changed.
    """
    now, then = opening(moved, width_px), opening(still, width_px)
    if float((now.lower[5] - now.upper[5])[1]) < 0.002:
        return
    lip, skin = _colours(source, still, region)
    for index in range(3):
        step = 2 if index else 1
        rows = slice(region.top // step, (region.top + region.height) // step)
        columns = slice(region.left // step, (region.left + region.width) // step)
        view = target[index][rows, columns]
        grid = np.stack(np.meshgrid(np.arange(view.shape[1]), np.arange(view.shape[0])), axis=2)
        at = now.local(grid * float(step) + (step - 1) / 2 + np.array([region.left, region.top]))
        inside, inner = _fill(at, now, then, source[index], region, step, lip[index], skin[index], index)
        mixed = view + inside * (inner - view)
        view[...] = np.where(inside > 0.01, np.rint(mixed), view).astype(view.dtype)


def _fill(
    at: Array,
    now: Opening,
    then: Opening,
    source: NDArray[np.generic],
    region: Region,
    step: int,
    lip: float,
    skin: float,
    index: int,
) -> tuple[Image, Image]:
    """Soft mask of the opening and what is seen in it, for one plane."""
    soft = step / now.width_px
    x, y = at[..., 0], at[..., 1]
    top, bottom = _curve(now.upper, x), _curve(now.lower, x)
    inside = np.clip((y - top) / soft + 0.5, 0, 1) * np.clip((bottom - y) / soft + 0.5, 0, 1)
    half = max(float(np.abs(now.upper[[0, -1], 0]).max()), 1e-6)
    inside *= np.abs(x) < half
    depth = np.clip((y - top) / np.maximum(bottom - top, 1e-4), 0, 1)
    side = np.clip(1 - (x / half) ** 2, 0, 1)
    kept, room = _kept(at, now, then, source, region, step)
    if index == 0:
        dark = lip * _DARK * (0.75 + 0.9 * depth**2) * (0.6 + 0.4 * side)
        edge = float(then.lower[5, 1] + then.upper[5, 1]) / 2 + _TEETH_DROP
        teeth = np.clip((edge * (0.6 + 0.4 * side) - y) / 0.009 + 0.5, 0, 1) * np.clip(side * 1.6 - 0.25, 0, 1)
        teeth *= np.clip((y - top) / 0.01, 0.35, 1)
        painted = dark + teeth * (skin * _TEETH * (0.55 + 0.45 * side) - dark)
        light = _SLIT + (1 - _SLIT) * np.clip((bottom - top) / _SHADOW, 0, 1)
        painted, kept = painted * light, (kept * light).astype(np.float32)
    else:
        middle = 512.0 if source.dtype == np.uint16 else 128.0
        painted = middle + (lip - middle) * (0.55 + 0.35 * depth)
    return inside.astype(np.float32), (room * kept + (1 - room) * painted).astype(np.float32)


def _kept(
    at: Array, now: Opening, then: Opening, source: NDArray[np.generic], region: Region, step: int
) -> tuple[Image, Array]:
    """What the source shows behind the lips, where it was, and how much of it there is at each pixel."""
    seen = then.local(now.pixels(at))
    top, bottom = _curve(then.upper, seen[..., 0]), _curve(then.lower, seen[..., 0])
    room = np.clip((bottom - 0.003 - seen[..., 1]) / 0.008, 0, 1) * np.clip((bottom - top - 0.01) / 0.008, 0, 1)
    seen[..., 1] = np.maximum(seen[..., 1], top + 0.005)
    where = then.pixels(seen) - np.array([region.left, region.top])
    return sample(source, ((where - (step - 1) / 2) / step).astype(np.float32)), np.asarray(room, np.float64)


def _curve(points: Array, x: Array) -> Array:
    order = np.argsort(points[:, 0], kind="stable")
    return np.asarray(np.interp(x, points[order, 0], points[order, 1]))


def _colours(source: Planes, still: Array, region: Region) -> tuple[list[float], list[float]]:
    """Median lip colour and lit skin colour of each plane."""
    upper = (still[list(UPPER_OUTER[3:8])] + still[list(UPPER_INNER[3:8])]) / 2
    lower = (still[list(LOWER_OUTER[3:8])] + still[list(LOWER_INNER[3:8])]) / 2
    lips = np.concatenate([upper, lower])
    skin = still[[50, 280, 205, 425, 36, 266]]
    return _median(source, lips, region), _median(source, skin, region)


def _median(source: Planes, points: Array, region: Region) -> list[float]:
    out = []
    for index, plane in enumerate(source):
        step = 2 if index else 1
        at = np.round((points - np.array([region.left, region.top])) / step).astype(int)
        x = np.clip(at[:, 0], 0, plane.shape[1] - 1)
        y = np.clip(at[:, 1], 0, plane.shape[0] - 1)
        out.append(float(np.median(plane[y, x])))
    return out


def sample(plane: NDArray[np.generic], where: NDArray[np.float32]) -> Image:
    """Bicubic samples of a plane at float32 [H, W, 2] coordinates, as float32."""
    x, y = np.ascontiguousarray(where[..., 0]), np.ascontiguousarray(where[..., 1])
    source = np.asarray(plane, np.float32)
    return np.asarray(cv2.remap(source, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32)

"""The mouth's window of a frame: where it lies, its pixels, its mask and its lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.geometry import CHIN, JAW, LOWER_INNER, LOWER_OUTER, NOSE_BASE, UPPER_INNER, UPPER_OUTER
from lipsync_engine.media.video import Planes
from lipsync_engine.media.window import Region
from lipsync_engine.records import FloatArray

#: The window's side and the mask's feather in face widths.
_SIDE, _FEATHER = 0.9, 0.03
#: The jaw's points that lie beside and below the mouth.
_LOWER_JAW = JAW[4:-4]

Points = NDArray[np.floating[Any]]


def window_of(mesh: Points, width_px: float, size: tuple[int, int]) -> Region | None:
    """The window around a mouth; ``None`` where nothing of it is inside the picture.

    Args:
        mesh: float [478, 2 or more], pixels.
        width_px: pixels for a face width.
        size: width and height of the picture.
    """
    half = _SIDE * width_px / 2
    middle = (mesh[NOSE_BASE, :2] + mesh[CHIN, :2]) / 2
    low, high = middle - half, middle + half
    left, top = (max(0, int(v)) // 2 * 2 for v in low)
    right, bottom = (min(int(high[i]) + 2, size[i]) // 2 * 2 for i in (0, 1))
    return Region(left, top, right - left, bottom - top) if right - left >= 16 and bottom - top >= 16 else None


def read(planes: Planes, window: Region) -> FloatArray:
    """YUV of a window from 0 to 1 with chroma at full size, float32 [3, h, w]."""
    top = float(_top(planes))
    out = np.empty((3, window.height, window.width), np.float32)
    for index, plane in enumerate(planes):
        view = _view(plane, window, index)
        out[index] = cv2.resize(view.astype(np.float32), (window.width, window.height)) / top
    return out


def write(planes: Planes, window: Region, change: FloatArray) -> None:
    """Add a change to a window, in place; where it is 0 no sample is touched.

    Args:
        planes: Y [H, W], U and V [H/2, W/2], uint8 or uint16.
        window: the rectangle.
        change: float32 [3, h, w], YUV, of a range of 0 to 1.
    """
    top = _top(planes)
    for index, plane in enumerate(planes):
        view = _view(plane, window, index)
        part = change[index]
        if index:
            part = cv2.resize(part, view.shape[::-1], interpolation=cv2.INTER_AREA)
        view[:] = np.clip(np.rint(view + part * top), 0, top).astype(view.dtype)


def _top(planes: Planes) -> int:
    return 1023 if planes[0].dtype == np.uint16 else 255


def _view(plane: NDArray[np.generic], window: Region, index: int) -> NDArray[np.generic]:
    step = 2 if index else 1
    rows = slice(window.top // step, (window.top + window.height) // step)
    return plane[rows, window.left // step : (window.left + window.width) // step]


def mask_of(mesh: Points, width_px: float, window: Region) -> FloatArray:
    """1 over the whole jaw from the nose's foot down, feathered inwards, 0 beyond: float32 [h, w].

    Args:
        mesh: [478, 2 or more], pixels of the picture.
        width_px: pixels for a face width.
        window: the rectangle.
    """
    ring = [*_LOWER_JAW, 2, 98, 327, 61, 291]
    out = np.zeros((window.height, window.width), np.float32)
    hull = cv2.convexHull(_local(mesh, ring, window))
    cv2.fillConvexPoly(out, np.round(hull * 16).astype(np.int32), (1.0,), shift=4)
    feather = max(1.0, _FEATHER * width_px)
    padded = cv2.copyMakeBorder(out, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    inside = cv2.distanceTransform((padded > 0).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    x = np.clip(inside / (2 * feather), 0, 1)
    return np.asarray(x * x * (3 - 2 * x), np.float32)


def lines_of(mesh: Points, width_px: float, window: Region) -> FloatArray:
    """Drawn lips and jaw, float32 [h, w] from 0 to 1.

    Args:
        mesh: [478, 2 or more], pixels of the picture.
        width_px: pixels for a face width.
        window: the rectangle.
    """
    out = np.zeros((window.height, window.width), np.uint8)
    thick = max(1, round(0.012 * width_px))
    rings: Sequence[Sequence[int]] = (UPPER_OUTER, UPPER_INNER, LOWER_INNER, LOWER_OUTER, _LOWER_JAW)
    for ring in rings:
        line = np.round(_local(mesh, ring, window) * 16).astype(np.int32)
        cv2.polylines(out, [line], False, (255,), thick, cv2.LINE_AA, shift=4)
    return out.astype(np.float32) / np.float32(255)


def _local(mesh: Points, ring: Sequence[int], window: Region) -> FloatArray:
    return np.asarray(mesh[list(ring), :2] - (window.left, window.top), np.float32)

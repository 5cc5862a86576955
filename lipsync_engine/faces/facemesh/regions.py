"""Regions of interest: the turned square around one face that the mesh network looks at.

A set of regions is float64 [n, 4]: centre x, centre y, side (pixels) and angle (radians, clockwise on screen).
The rules are those of MediaPipe's face graphs (``face_landmark_landmarks_to_roi.pbtxt``, Apache-2.0).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Regions = NDArray[np.float64]  # [n, 4]: x and y of the middle, side (pixels), angle (radians)
#: Side of the region over the longer side of the face's box.
MARGIN = 1.5
#: Outer corners of the eyes: their line lies level in the region.
_EYES = (33, 263)


def around_landmarks(landmarks: NDArray[np.floating[Any]]) -> Regions:
    """Regions, float64 [n, 4], for meshes, float [n, 478, 3] in pixels."""
    flat = landmarks[:, :, :2].astype(np.float64)
    eyes = flat[:, _EYES[1]] - flat[:, _EYES[0]]
    return _square(flat.min(axis=1), flat.max(axis=1), eyes)


def around_boxes(boxes: NDArray[np.floating[Any]], eyes: NDArray[np.floating[Any]]) -> Regions:
    """Regions for detections: boxes, float [n, 4] (left, top, right, bottom), and eyes, float [n, 2, 2], pixels."""
    return _square(boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64), eyes[:, 1] - eyes[:, 0])


def _square(low: NDArray[np.float64], high: NDArray[np.float64], eyes: NDArray[np.floating[Any]]) -> Regions:
    side = (high - low).max(axis=1) * MARGIN
    angle = np.arctan2(eyes[:, 1], eyes[:, 0])
    return np.column_stack([(low + high) / 2, side, angle])


def matrix(region: Regions, side: int) -> NDArray[np.float64]:
    """From pixels of the crop (``side`` square) to pixels of the picture, float64 [2, 3]; ``region`` is one row."""
    x, y, size, angle = region
    scale = size / side
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    half = side / 2
    return np.array([[cos, -sin, x - half * (cos - sin)], [sin, cos, y - half * (sin + cos)]])


def to_picture(points: NDArray[np.floating[Any]], regions: Regions, side: int) -> NDArray[np.float32]:
    """Points [n, P, 3] of crops as pixels of the picture; depth scales with the region.

    Args:
        points: float [n, P, 3], pixels of the crops.
        regions: float64 [n, 4], one a crop.
        side: pixels of a crop's side.
    """
    out = np.empty(points.shape, np.float32)
    for row, (found, region) in enumerate(zip(points, regions, strict=True)):
        turn = matrix(region, side)
        out[row, :, :2] = found[:, :2] @ turn[:, :2].T + turn[:, 2]
        out[row, :, 2] = found[:, 2] * (region[2] / side)
    return out


def between(first: Regions, last: Regions, steps: int) -> Regions:
    """``steps`` regions (one row each) from just after ``first`` up to ``last``, which is included.

    Args:
        first: float64 [4], the region before.
        last: float64 [4], the last region.
        steps: number of regions.
    """
    share = (np.arange(1, steps + 1) / steps)[:, None]
    turn = (last[3] - first[3] + np.pi) % (2 * np.pi) - np.pi
    goal = np.array([last[0], last[1], np.log(last[2]), first[3] + turn])
    start = np.array([first[0], first[1], np.log(first[2]), first[3]])
    out = start + share * (goal - start)
    out[:, 2] = np.exp(out[:, 2])
    return np.asarray(out)

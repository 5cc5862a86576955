"""A frontal face whose every mesh cell lies the right way up, for tests of the mesh."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lipsync_engine.faces.geometry import ANCHOR_SHAPE, ANCHORS, CHIN, JAW, NOSE_FOOT, POINTS
from lipsync_engine.faces.mesh import LOWER_LIP, UPPER_LIP, neighbours

#: The face's outline above the ears, from one to the other.
_FOREHEAD = (454, 356, 389, 251, 284, 332, 297, 338, 10, 109, 67, 103, 54, 21, 162, 127, 234)

#: The skin's ring around the lips, column by column as theirs.
_ABOVE = (57, 186, 92, 165, 167, 164, 393, 391, 322, 410, 287)
_BELOW = (57, 43, 106, 182, 83, 18, 313, 406, 335, 273, 287)
#: Beside the corners.
_BESIDE = {212: (-0.26, 0.26), 432: (0.26, 0.26), 202: (-0.23, 0.31), 422: (0.23, 0.31)}


@lru_cache(maxsize=1)
def _spread() -> tuple[np.ndarray, np.ndarray]:
    """Points that are placed by hand, and the matrix that spreads all others evenly between them (Tutte 1963)."""
    rings = [point for ring in UPPER_LIP + LOWER_LIP for point in ring]
    placed = np.array(sorted({*JAW, *_FOREHEAD, *rings, *NOSE_FOOT, *_ABOVE, *_BELOW, *_BESIDE}))
    square = np.zeros((POINTS, POINTS))
    for point in range(POINTS):
        near = list(neighbours().get(point, ()))
        square[point, point] = 1.0
        if point not in placed and near:
            square[point, near] = -1.0 / len(near)
    return placed, np.linalg.inv(square)


def whole_face(aperture: float = 0.02, thickness: float = 0.04) -> np.ndarray:
    """Canonical landmarks float64 [478, 3] with parted lips."""
    out = np.zeros((POINTS, 3))
    out[ANCHORS, 2] = ANCHOR_SHAPE[:, 2]
    for points, side, start in ((JAW, 1, 0.02), (_FOREHEAD, -1, 0.02)):
        turn = np.linspace(np.pi, 0, len(points)) if side > 0 else np.linspace(0, np.pi, len(points))
        out[list(points), 0] = 0.5 * np.cos(turn)
        out[list(points), 1] = start + side * 0.5 * np.sin(turn)
    out[NOSE_FOOT, :2] = [(0, 0.1), (-0.03, 0.1), (0.03, 0.1), (-0.06, 0.09), (0.06, 0.09)]
    out[list(_BESIDE), :2] = list(_BESIDE.values())
    across = np.linspace(-1, 1, 11)
    for rings, side in (((_ABOVE, *UPPER_LIP), -1), ((_BELOW, *LOWER_LIP), 1)):
        for order, ring in enumerate(rings):
            outward = (4 - order) / 3
            out[list(ring), 0] = (0.17 + 0.03 * outward) * across
            out[list(ring), 1] = 0.27 + side * (aperture / 2 + thickness * outward) * (1 - across**2)
    placed, spread = _spread()
    fixed = np.zeros((POINTS, 2))
    fixed[placed] = out[placed, :2]
    out[:, :2] = spread @ fixed
    out[CHIN, 2] = 0.0
    return out

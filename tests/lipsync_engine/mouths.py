"""Painted mouths whose inside is known."""

from __future__ import annotations

import numpy as np

from lipsync_engine.faces.geometry import LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER
from tests.lipsync_engine.face import frontal_face

WIDTH, SIZE = 240.0, (288, 288)
SKIN, LIP, TOOTH, DARK, TONGUE = (190, 150, 135), (170, 80, 85), (205, 200, 190), (35, 25, 25), (150, 75, 80)


def mouth(opening: float, half: float = 0.17) -> np.ndarray:
    """A face whose lips stand so far apart in the middle, and whose mouth is twice ``half`` wide (face widths)."""
    points = frontal_face((144.0, 100.0), WIDTH)
    across = 1 - np.linspace(-1, 1, 11) ** 2
    for ring, side in ((UPPER_INNER, -0.5), (LOWER_INNER, 0.5), (UPPER_OUTER, -0.5), (LOWER_OUTER, 0.5)):
        thick = 0.05 * np.sign(side) if ring in (UPPER_OUTER, LOWER_OUTER) else 0.0
        wide = half + 0.03 * bool(thick)
        points[list(ring), 0] = 144.0 + WIDTH * wide * np.linspace(-1, 1, 11)
        points[list(ring), 1] = 160.0 + WIDTH * (side * opening + thick) * across
    return points


def painted(points: np.ndarray, inside: list[tuple[float, tuple[int, int, int]]]) -> np.ndarray:
    """RGB of a face whose opening holds stripes: the depth (0 to 1) at which each ends, and its colour."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(float)

    def edge(ring: tuple[int, ...]) -> np.ndarray:
        return np.interp(x, points[list(ring), 0], points[list(ring), 1])

    top, bottom = edge(UPPER_INNER), edge(LOWER_INNER)
    rgb = np.full((*y.shape, 3), SKIN, np.uint8)
    rgb[(y > edge(UPPER_OUTER)) & (y < edge(LOWER_OUTER))] = LIP
    depth = (y - top) / np.maximum(bottom - top, 1e-6)
    for end, colour in reversed(inside):
        rgb[(depth > 0) & (depth <= end) & (bottom > top + 1)] = colour
    return rgb

"""Triangles of the face mesh: lips, opening, lower face, and the neck that carries the warp out."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.geometry import JAW, LOWER_INNER, LOWER_OUTER, POINTS, UPPER_INNER, UPPER_OUTER

#: Rings of neck points outside the jaw contour, which carry the warp out to nothing.
RINGS = 2
#: How far each ring lies outside the contour, in face widths, and the share of the contour's motion it takes.
RING_REACH = (0.09, 0.2)
RING_SHARE = (0.55, 0.0)
VERTICES = POINTS + RINGS * len(JAW)


@lru_cache(maxsize=1)
def _edges() -> frozenset[tuple[int, int]]:
    """The edges of MediaPipe's tessellation (its ``face_mesh_connections.py``, Apache-2.0)."""
    listed = files("lipsync_engine.faces.facemesh").joinpath("edges.txt").read_text("ascii").split()
    return frozenset((int(a), int(b)) for a, _, b in (edge.partition("-") for edge in listed))


def _strip(upper: tuple[int, ...], lower: tuple[int, ...]) -> list[tuple[int, int, int]]:
    out = []
    for i in range(len(upper) - 1):
        out += [(upper[i], upper[i + 1], lower[i]), (upper[i + 1], lower[i + 1], lower[i])]
    return [triangle for triangle in out if len(set(triangle)) == 3]


@lru_cache(maxsize=1)
def neighbours() -> dict[int, set[int]]:
    """The points that each point of the mesh is joined to by an edge."""
    out: dict[int, set[int]] = {}
    for a, b in _edges():
        out.setdefault(a, set()).add(b)
        out.setdefault(b, set()).add(a)
    return out


@lru_cache(maxsize=1)
def mesh_triangles() -> tuple[tuple[int, int, int], ...]:
    """Every triangle of MediaPipe's tessellation (which lists edges only)."""
    near = neighbours()
    found = {(*sorted((a, b, c)),) for a, b in _edges() for c in near[a] & near[b]}
    return tuple(sorted((a, b, c) for a, b, c in found))


@lru_cache(maxsize=1)
def skin_triangles() -> NDArray[np.int32]:
    """The mesh's own triangles below the eyes, then the neck strips: int32 [M, 3], ``VERTICES`` points."""
    lower = set(lower_face())
    inner = set(UPPER_INNER + LOWER_INNER)
    faces = [t for t in mesh_triangles() if set(t) & lower and not set(t) <= inner]
    first = tuple(POINTS + i for i in range(len(JAW)))
    second = tuple(POINTS + len(JAW) + i for i in range(len(JAW)))
    return np.array(faces + _strip(JAW, first) + _strip(first, second), np.int32)


@lru_cache(maxsize=1)
def mouth_triangles() -> NDArray[np.int32]:
    """The opening between the lips: int32 [M, 3]."""
    return np.array(_strip(UPPER_INNER, LOWER_INNER), np.int32)


@lru_cache(maxsize=1)
def lower_face() -> tuple[int, ...]:
    """Landmarks within a few edges of the lips or on the jaw: the ones that speech may move."""
    ring = set(LIPS) | set(JAW[2:-2])
    near = neighbours()
    for _ in range(3):
        ring |= {n for v in ring for n in near[v]}
    return tuple(sorted(ring))


#: Upper and lower lip: the two outer rings and the mesh's rings between them, left corner to right corner.
UPPER_MIDDLE = (
    (76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306),
    (62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292),
)
LOWER_MIDDLE = (
    (76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306),
    (62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292),
)
UPPER_LIP = (UPPER_OUTER, *UPPER_MIDDLE, UPPER_INNER)
LOWER_LIP = (LOWER_OUTER, *LOWER_MIDDLE, LOWER_INNER)
LIPS = tuple(sorted({point for ring in UPPER_LIP + LOWER_LIP for point in ring}))

"""A mesh that lies flat around the mouth: no cell of it is turned over, whatever was planned or tracked.

A turned cell shows its texture mirrored and hides its neighbours. A tracker turns cells under a full lower lip, and a
form that is learnt from few mouths may give a lip less than no height where it is asked for what was never seen.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.geometry import CORNER_LEFT, CORNER_RIGHT, LOWER_INNER, POINTS, UPPER_INNER
from lipsync_engine.mesh import LIPS, mesh_triangles, neighbours

Array = NDArray[np.float64]
#: Share of its usual area that a cell keeps, and the least area in square face widths (a quarter of a pixel on a face
#: of 500).
_KEPT, _LEAST = 0.12, 1e-6
#: Most rounds; a round asks for a little more than it must reach, or the last bit would take for ever.
_ROUNDS, _BEYOND = 200, 1.2


@lru_cache(maxsize=1)
def mouth_cells() -> NDArray[np.int32]:
    """Cells within two edges of the lips, int32 [M, 3], corners in one sense of turning (clockwise on the picture)."""
    near = {n for point in LIPS for n in neighbours()[point]} | set(LIPS)
    inner = set(UPPER_INNER + LOWER_INNER)
    turned = _in_one_sense(mesh_triangles())
    return np.array([t for t in turned if set(t) & near and not set(t) <= inner], np.int32)


def _in_one_sense(triangles: tuple[tuple[int, int, int], ...]) -> list[tuple[int, int, int]]:
    """The cells with their corners in order: neighbours run along a common edge in opposite senses."""
    by_edge: dict[frozenset[int], list[int]] = {}
    for number, (a, b, c) in enumerate(triangles):
        for edge in ((a, b), (b, c), (c, a)):
            by_edge.setdefault(frozenset(edge), []).append(number)
    out = list(triangles)
    first = next(n for n, t in enumerate(triangles) if set(t) == {0, 11, 37})
    out[first] = (0, 11, 37)  # middle of the upper lip's edge, below it, and to its left
    done, waiting = {first}, [first]
    while waiting:
        a, b, c = out[waiting.pop()]
        for p, q in ((a, b), (b, c), (c, a)):
            for number in by_edge[frozenset((p, q))]:
                if number in done:
                    continue
                (third,) = set(out[number]) - {p, q}
                out[number] = (q, p, third)
                done.add(number)
                waiting.append(number)
    return out


@lru_cache(maxsize=1)
def _looseness() -> Array:
    """How readily each point gives way, float64 [478]: the inner lips and what lies further off stay where they are."""
    loose = np.zeros(POINTS)
    loose[[n for point in LIPS for n in neighbours()[point]]] = 1.0
    loose[list(LIPS)] = 0.3
    loose[[*UPPER_INNER, *LOWER_INNER, CORNER_LEFT, CORNER_RIGHT]] = 0.0
    return loose


def areas(points: Array) -> Array:
    """Areas of the mouth's cells, float64 [n, M], of points [n, 478, >=2]; negative where a cell is turned over."""
    a, b, c = (points[:, mouth_cells()[:, corner], :2] for corner in range(3))
    u, v = b - a, c - a
    return np.asarray((u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]) / 2)


def unfolded(points: Array, usual: Array) -> Array:
    """Faces whose cells around the mouth all lie the right way up.

    What is turned over or nearly flat is pushed open by its corners (a constraint on its area, projected as in
    position-based dynamics, Müller et al. 2007); the rest of the face and the inner lips stay as they are.

    Args:
        points: float64 [n, 478, 3], canonical.
        usual: float64 [478, 3], the person's mean face, whose cells say how large they are.

    Returns:
        ``points``, or a copy where something had to be moved.
    """
    cells, loose = mouth_cells(), _looseness()
    least = np.maximum(_KEPT * areas(usual[None])[0], _LEAST)
    folded = np.flatnonzero((areas(points) < least).any(axis=1))
    if not len(folded):
        return points
    out = points.copy()
    for _ in range(_ROUNDS):
        flat = out[folded, :, :2]
        short = least - areas(flat)
        row, cell = np.nonzero(short > 0)
        if not len(row):
            break
        corners = cells[cell]
        at = flat[row[:, None], corners]
        across = np.roll(at, -1, axis=1) - np.roll(at, 1, axis=1)
        slope = np.stack([across[..., 1], -across[..., 0]], axis=2) / 2
        give = loose[corners]
        stiff = (give * (slope**2).sum(axis=2)).sum(axis=1)
        push = _BEYOND * short[row, cell] / np.maximum(stiff, 1e-9)
        step = give[..., None] * slope * push[:, None, None]
        place = (row[:, None] * POINTS + corners).ravel()
        size = len(folded) * POINTS
        count = np.maximum(np.bincount(place, minlength=size), 1)
        moved = [np.bincount(place, step[..., axis].ravel(), size) / count for axis in (0, 1)]
        out[folded, :, :2] += np.stack(moved, axis=1).reshape(len(folded), POINTS, 2)
    return out

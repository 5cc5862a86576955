"""A mesh that lies flat around the mouth: no cell of it is turned over, whatever was planned or tracked.

A turned cell shows its texture mirrored and hides its neighbours. A tracker turns cells under a full lower lip, and a
form that is learnt from few mouths may give a lip less than no height where it is asked for what was never seen.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.geometry import CORNER_LEFT, CORNER_RIGHT, LOWER_INNER, LOWER_OUTER, POINTS, UPPER_INNER
from lipsync_engine.faces.mesh import LIPS, mesh_triangles, neighbours

Array = NDArray[np.float64]
#: Share of its usual area that a cell is given, and the least area in square face widths (half a pixel on a face of
#: 500); half of that will do.
_GIVEN, _LEAST = 0.12, 2e-6
#: How much more than it needs a cell is given, round by round, for neighbours take some of it away again: more and
#: more where that does not do, then little, to settle.
_BEYOND = np.concatenate([np.linspace(1.2, 4.0, 140), np.full(60, 1.2)])


@lru_cache(maxsize=1)
def mouth_cells() -> NDArray[np.int32]:
    """Cells about the lips and the skin next to them, int32 [M, 3], corners clockwise on the picture."""
    near = {point for ring in _rings() for point in ring}
    inner = set(UPPER_INNER + LOWER_INNER)
    turned = _in_one_sense(mesh_triangles())
    return np.array([t for t in turned if set(t) & near and not set(t) <= inner], np.int32)


@lru_cache(maxsize=1)
def _rings() -> tuple[set[int], set[int], set[int]]:
    """The lips' points, those next to them, and below the mouth those next to these: a lip may reach far down."""
    first = {n for point in LIPS for n in neighbours()[point]} - set(LIPS)
    below = {n for point in LOWER_OUTER[1:-1] for n in neighbours()[point]} - set(LIPS)
    second = {n for point in below for n in neighbours()[point]} - first - set(LIPS)
    return set(LIPS), first, second


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
                if number in done or len(by_edge[frozenset((p, q))]) > 2:  # no cell, but three edges of others
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
    for ring, share in zip(_rings(), (0.3, 1.0, 0.3), strict=True):
        loose[list(ring)] = share
    loose[[*UPPER_INNER[1:-1], *LOWER_INNER[1:-1], CORNER_LEFT, CORNER_RIGHT]] = 0.0  # both lips share their ends
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
    least = np.maximum(_GIVEN * areas(usual[None])[0], _LEAST)
    folded = np.flatnonzero((areas(points) < least / 2).any(axis=1))
    if not len(folded):
        return points
    out = points.copy()
    for beyond in _BEYOND:
        flat = out[folded, :, :2]
        short = least - areas(flat)
        if (short < least / 2).all():
            break
        row, cell = np.nonzero(short > 0)
        corners = cells[cell]
        at = flat[row[:, None], corners]
        across = np.roll(at, -1, axis=1) - np.roll(at, 1, axis=1)
        slope = np.stack([across[..., 1], -across[..., 0]], axis=2) / 2
        give = loose[corners]
        stiff = (give * (slope**2).sum(axis=2)).sum(axis=1)
        push = beyond * short[row, cell] / np.maximum(stiff, 1e-9)
        step = give[..., None] * slope * push[:, None, None]
        place = (row[:, None] * POINTS + corners).ravel()
        size = len(folded) * POINTS
        count = np.maximum(np.bincount(place, minlength=size), 1)
        moved = [np.bincount(place, step[..., axis].ravel(), size) / count for axis in (0, 1)]
        out[folded, :, :2] += np.stack(moved, axis=1).reshape(len(folded), POINTS, 2)
    return out

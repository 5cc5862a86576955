"""Which appearances are the same person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.geometry import ANCHORS, NOSE_FOOT
from lipsync_engine.media.filearray import FileArray
from lipsync_engine.records import FloatArray

#: Points that differ between people more than between expressions: anchors, brows, nose, face oval.
_STABLE = (*ANCHORS, *NOSE_FOOT, 70, 63, 105, 300, 293, 334, 48, 278, 234, 454, 93, 323, 132, 361)
#: What two appearances may differ by in all: root-mean-square distance of the median shapes (face widths) over the
#: first, plus what their most alike frontal pictures lack in correlation over the second, stays below 1. Of twelve
#: people in cuts of a second, in three sizes and four lights, each lay within .9 of another moment of the same person,
#: and those of two people no nearer than 1.1. Colour is not asked: it tells one light from another, too.
_SHAPE, _PICTURE = 0.0202, 0.304
#: A face that is lost is expected to move on as it did for this long.
_BRIDGE_S = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """Where an appearance lies: its first and last frame (inclusive) and its shot."""

    first: int
    last: int
    shot: int

    def meets(self, other: Place) -> bool:
        """Whether the two share a frame."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class Likeness:
    """What tells a person from another.

    Attributes:
        shape: median pose-normalised landmarks, float64 [478, 3].
        faces: frontal pictures, float32 [n, D] of length 1 each (``frontal.MeanFace.vectors``).
    """

    shape: NDArray[np.float64]
    faces: FloatArray


def unlikeness(a: Likeness, b: Likeness) -> float:
    """How little two appearances look like one person; below 1 they do."""
    return float(_distances([a.shape, b.shape], [a.faces, b.faces])[0, 1])


def _distances(shapes: Sequence[NDArray[np.float64]], faces: Sequence[FloatArray]) -> NDArray[np.float64]:
    """`unlikeness` of every pair, float64 [n, n]."""
    stable = np.stack([shape[list(_STABLE), :2].ravel() for shape in shapes])
    all_faces, first = np.concatenate(faces), np.cumsum([0, *map(len, faces)])[:-1]
    alike = np.stack([np.maximum.reduceat((own @ all_faces.T).max(axis=0), first) for own in faces])
    shape = _apart(stable) / np.sqrt(len(_STABLE))
    return np.asarray(shape / _SHAPE + (1 - alike.astype(np.float64)) / _PICTURE)


def _apart(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances of points [n, d] from each other, float64 [n, n]."""
    square = (points**2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(square[:, None] + square - 2 * points @ points.T, 0)))


def merge_people(
    places: list[Place],
    shapes: list[NDArray[np.float64]],
    faces: list[FloatArray],
    meshes: Sequence[FloatArray | FileArray],
    rate: float,
) -> list[int]:
    """Number the person of every appearance; in doubt two: a wrong mouth is worse than a small library.

    Args:
        places: where each appearance lies, ordered by first frame.
        shapes: median pose-normalised landmarks of each, float64 [478, 3].
        faces: frontal pictures of each, float32 [n, D] of length 1 (``frontal.MeanFace.vectors``).
        meshes: landmarks in pixels of each, float32 [n, 478, 3].
        rate: frames per second.
    """
    if not places:
        return []
    distance = _distances(shapes, faces)
    for i, j in zip(*np.nonzero(np.triu(distance < 2, 1)), strict=True):
        gap = places[j].first - places[i].last
        if places[i].shot == places[j].shot and gap > 0 and _same_place(meshes[i], meshes[j], gap, rate):
            distance[i, j] *= 0.5
    return _numbered(_grouped(distance, places))


def _grouped(distance: NDArray[np.float64], places: list[Place]) -> list[int]:
    """A group for every appearance: the most alike are joined first, across the whole title (single linkage).

    One person is never in a frame twice.
    """
    group = list(range(len(places)))
    members = {i: [i] for i in group}
    rows, columns = np.nonzero(np.triu(distance < 1, 1))
    for at in np.argsort(distance[rows, columns], kind="stable"):
        one, other = sorted((group[rows[at]], group[columns[at]]))
        if one == other or any(places[i].meets(places[j]) for i in members[one] for j in members[other]):
            continue
        for i in members[other]:
            group[i] = one
        members[one] += members.pop(other)
    return group


def _numbered(group: list[int]) -> list[int]:
    """Groups numbered in order of appearance."""
    numbers: dict[int, int] = {}
    return [numbers.setdefault(one, len(numbers)) for one in group]


def _same_place(before: FloatArray | FileArray, after: FloatArray | FileArray, gap: int, rate: float) -> bool:
    """Whether a face came back where it was lost, or where its motion had carried it within half a second."""
    recent = before[-max(2, round(0.2 * rate)) :, :, :2].mean(axis=1)
    size = float(np.ptp(after[0, :, 0]))
    speed = (recent[-1] - recent[0]) / max(len(recent) - 1, 1)
    expected = [recent[-1]] + ([recent[-1] + speed * gap] if gap <= _BRIDGE_S * rate else [])
    middle = after[0, :, :2].mean(axis=0)
    return min(float(np.linalg.norm(place - middle)) for place in expected) < 0.5 * size

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
#: first, plus what the mean pictures lack in correlation over the second, stays below 1. Thirds of twelve filmed clips
#: give .05 to 1.1 within a person (median .3; the most where the head had turned) and 1.05 and more between people.
_SHAPE, _PICTURE = 0.02, 0.5
#: Distance of the cheeks' colour directions (unit RGB) that one person under one light stays below.
_COLOUR = 0.06
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
        light: median cheek colour, float32 [3].
        face: mean picture, a float32 vector of length 1.
    """

    shape: NDArray[np.float64]
    light: FloatArray
    face: FloatArray


def unlikeness(a: Likeness, b: Likeness) -> float:
    """How little two appearances look like one person; below 1 they do."""
    return max(
        _shape_distance(a.shape, b.shape) / _SHAPE + (1 - float(a.face @ b.face)) / _PICTURE,
        _colour_distance(a.light, b.light) / _COLOUR,
    )


def merge_people(
    places: list[Place],
    shapes: list[NDArray[np.float64]],
    lights: list[FloatArray],
    faces: list[FloatArray],
    meshes: Sequence[FloatArray | FileArray],
    rate: float,
) -> list[int]:
    """Number the person of every appearance; in doubt two: a wrong mouth is worse than a small library.

    Args:
        places: where each appearance lies, ordered by first frame.
        shapes: median pose-normalised landmarks of each, float64 [478, 3].
        lights: median cheek colour of each, float32 [3].
        faces: mean picture of each, float32 [n] of length 1 (``MeanFace.vector``).
        meshes: landmarks in pixels of each, float32 [n, 478, 3].
        rate: frames per second.
    """
    people: list[int] = []
    for i, place in enumerate(places):
        best, cost = -1, 1.0
        for j in range(i):
            if place.meets(places[j]):
                continue
            distance = unlikeness(Likeness(shapes[i], lights[i], faces[i]), Likeness(shapes[j], lights[j], faces[j]))
            gap = place.first - places[j].last
            if place.shot == places[j].shot and _same_place(meshes[j], meshes[i], gap, rate):
                distance *= 0.5
            if distance < cost and not _clashes(people, places, people[j], place):
                best, cost = people[j], distance
        people.append(best if best >= 0 else max(people, default=-1) + 1)
    return people


def _clashes(people: list[int], places: list[Place], person: int, place: Place) -> bool:
    """One person cannot be in a frame twice."""
    return any(p == person and place.meets(places[k]) for k, p in enumerate(people))


def _shape_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    points = list(_STABLE)
    return float(np.sqrt(((a[points, :2] - b[points, :2]) ** 2).sum(axis=1).mean()))


def _colour_distance(a: FloatArray, b: FloatArray) -> float:
    return float(np.linalg.norm(_unit(a) - _unit(b)))


def _unit(light: FloatArray) -> FloatArray:
    return light / max(float(np.linalg.norm(light)), 1e-6)


def _same_place(before: FloatArray | FileArray, after: FloatArray | FileArray, gap: int, rate: float) -> bool:
    """Whether a face came back where it was lost, or where its motion had carried it within half a second."""
    recent = before[-max(2, round(0.2 * rate)) :, :, :2].mean(axis=1)
    size = float(np.ptp(after[0, :, 0]))
    speed = (recent[-1] - recent[0]) / max(len(recent) - 1, 1)
    expected = [recent[-1]] + ([recent[-1] + speed * gap] if gap <= _BRIDGE_S * rate else [])
    middle = after[0, :, :2].mean(axis=0)
    return min(float(np.linalg.norm(place - middle)) for place in expected) < 0.5 * size

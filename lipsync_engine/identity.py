"""Which appearances are the same person."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.geometry import ANCHORS, NOSE_FOOT
from lipsync_engine.records import FloatArray

#: Points that differ between people more than between expressions: anchors, brows, nose, face oval.
_STABLE = (*ANCHORS, *NOSE_FOOT, 70, 63, 105, 300, 293, 334, 48, 278, 234, 454, 93, 323, 132, 361)
#: Root-mean-square distance of two people's median shapes (face widths) below which they may be one person.
_SHAPE = 0.024
#: Distance of the cheeks' colour directions (unit RGB) that one person under one light stays below.
_COLOUR = 0.06


def merge_people(
    places: list[tuple[int, int, int]],
    shapes: list[NDArray[np.float64]],
    lights: list[FloatArray],
    meshes: list[FloatArray],
) -> list[int]:
    """Number the person of every appearance; in doubt two: a wrong mouth is worse than a small library.

    Args:
        places: (first frame, last frame, shot) of each appearance.
        shapes: median pose-normalised landmarks of each, float64 [478, 3].
        lights: median cheek colour of each, float32 [3].
        meshes: landmarks in pixels of each, float32 [n, 478, 3].
    """
    people: list[int] = []
    for i, place in enumerate(places):
        best, cost = -1, 1.0
        for j in range(i):
            if _together(place, places[j]):
                continue
            distance = _unlikeness(shapes[i], shapes[j], lights[i], lights[j])
            if place[2] == places[j][2] and _same_place(meshes[j][-1], meshes[i][0]):
                distance *= 0.5
            if distance < cost and not _clashes(people, places, people[j], place):
                best, cost = people[j], distance
        people.append(best if best >= 0 else max(people, default=-1) + 1)
    return people


def _together(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]


def _clashes(people: list[int], places: list[tuple[int, int, int]], person: int, place: tuple[int, int, int]) -> bool:
    """One person cannot be in a frame twice."""
    return any(p == person and _together(places[k], place) for k, p in enumerate(people))


def _unlikeness(a: NDArray[np.float64], b: NDArray[np.float64], light_a: FloatArray, light_b: FloatArray) -> float:
    points = list(_STABLE)
    shape = float(np.sqrt(((a[points, :2] - b[points, :2]) ** 2).sum(axis=1).mean())) / _SHAPE
    colour = float(np.linalg.norm(_unit(light_a) - _unit(light_b))) / _COLOUR
    return max(shape, colour)


def _unit(light: FloatArray) -> FloatArray:
    return light / max(float(np.linalg.norm(light)), 1e-6)


def _same_place(before: FloatArray, after: FloatArray) -> bool:
    gap = np.linalg.norm(before[:, :2].mean(axis=0) - after[:, :2].mean(axis=0))
    return bool(gap < 0.5 * np.ptp(after[:, 0]))

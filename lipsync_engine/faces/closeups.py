"""The kept pixels of one person's mouths, looked at once: what is between the lips, and how sharp the lips are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.appearance import mouth_view, view_places
from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER
from lipsync_engine.faces.interior import UNSEEN, Inside, gathered, look_inside, unknown
from lipsync_engine.faces.observations import Observations
from lipsync_engine.records import BoolArray, FloatArray

_RINGS = ((*UPPER_OUTER, *LOWER_OUTER[::-1]), (*UPPER_INNER, *LOWER_INNER[::-1]))
#: Pixels of a mouth view about the lips' outline that count, too.
_AROUND = np.ones((5, 5), np.uint8)
#: Studio range, BT.601: what is compared is compared within one title.
_COLOUR = (2, 2, 2, 1)


@dataclass(frozen=True, slots=True)
class Closeups:
    """What the pixels of N mouths tell; NaN where they were not kept.

    Attributes:
        inside: of the N mouths.
        crisp: float32 [N], fine detail of the lips, as `crispness` measures it.
    """

    inside: Inside
    crisp: FloatArray


def closeups(track: FaceTrack) -> Closeups:
    """Look at the kept mouths of one person.

    Args:
        track: rows of one person, N; what is stored with it is read.
    """
    count = len(track.frame)
    kept = Observations(track.file)
    crisp = np.full(count, np.nan, np.float32)
    if track.file is None:
        return unseen(count)
    inside = [UNSEEN] * count
    for row in range(count):
        found = kept.get(int(track.frame[row]), int(track.identity[row]))
        if found is None:
            continue
        planes, corner = found
        mesh = track.landmarks[row]
        inside[row] = look_inside(planes, corner, mesh, track.light[row])
        crisp[row] = crispness(Picture(planes, _COLOUR), mesh - np.array([*corner, 0], np.float32))
    return Closeups(gathered(inside), crisp)


def unseen(count: int) -> Closeups:
    """Mouths of which no pixels were looked at."""
    return Closeups(unknown(count), np.full(count, np.nan, np.float32))


def joined_closeups(parts: Sequence[Closeups]) -> Closeups:
    """The mouths of all parts, in order."""
    return Closeups(
        Inside(*(np.concatenate([getattr(p.inside, f.name) for p in parts]) for f in fields(Inside))),
        np.concatenate([p.crisp for p in parts]),
    )


def crispness(picture: Picture, mesh: FloatArray) -> float:
    """Fine detail of the lips and the skin beside them, without what is between them: levels of 255.

    Args:
        picture: the picture, or a part of it.
        mesh: float32 [478, 3], pixels of it.
    """
    view = mouth_view(picture, mesh)
    fine = cv2.Laplacian(view, cv2.CV_32F)[_lips(mesh, view.shape)]
    return float(np.sqrt((fine**2).mean())) if len(fine) else float("nan")


def _lips(mesh: FloatArray, shape: tuple[int, ...]) -> BoolArray:
    """Pixels of a mouth view on the lips or just beside them, and not between them."""
    images: list[NDArray[np.uint8]] = [np.zeros(shape, np.uint8) for _ in _RINGS]
    for ring, image in zip(_RINGS, images, strict=True):
        cv2.fillPoly(image, [np.round(view_places(mesh[None], ring)[0]).astype(np.int32)], (1,))
    lips, hole = (cv2.dilate(image, _AROUND) > 0 for image in images)
    return np.asarray(lips & ~hole)

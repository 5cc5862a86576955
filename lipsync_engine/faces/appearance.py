"""What the mouth library needs of each seen face besides its mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.frontal import frontal
from lipsync_engine.faces.geometry import frame_of
from lipsync_engine.media.filearray import FileArray
from lipsync_engine.records import FloatArray

#: Landmarks of the cheeks whose colour stands for the light on the face.
_CHEEKS = [50, 280, 205, 425, 36, 266]
_EYES, _MOUTH = (33, 263), [61, 291, 2, 152]
#: The face as it is compared: side in pixels over one face width, and place of its corner in face widths.
_SIDE, _CORNER = 64, (-0.5, -0.45)
_ROWS, _COLUMNS = np.mgrid[:_SIDE, :_SIDE]
_OVAL = ((_COLUMNS - 31.5) / 24) ** 2 + ((_ROWS - 29) / 26) ** 2 < 1


def face_view(picture: Picture, mesh: FloatArray) -> NDArray[np.uint8]:
    """The face upright and of one size: luma, uint8 [64, 64]."""
    place = frame_of(mesh[None])[0]
    corner = place[:, :2] @ np.array(_CORNER) + place[:, 2]
    return picture.luma(np.column_stack([place[:, :2] / _SIDE, corner]), (_SIDE, _SIDE))


def front_view(view: NDArray[np.uint8], mesh: FloatArray) -> FloatArray:
    """The same face as it is from the front, float32 [48, 48]."""
    return frontal(view, mesh, _CORNER)


def alike(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Correlation of two views, uint8 [64, 64], within the face's oval, -1 to 1."""
    return float(_flat(a) @ _flat(b))


def _flat(view: NDArray[Any]) -> FloatArray:
    inside = view[_OVAL].astype(np.float64)
    inside -= inside.mean()
    return np.asarray(inside / max(float(np.linalg.norm(inside)), 1e-6), np.float32)


@dataclass(frozen=True, slots=True)
class Look:
    """One face in one picture.

    Attributes:
        sharpness: variance of the Laplacian of the mouth region's luma at a fixed size.
        light: float32 [3], mean RGB of the cheeks.
        thumb: uint8 [16, 24], pose-normalised luma of the mouth.
    """

    sharpness: float
    light: FloatArray
    thumb: NDArray[np.uint8]


def thumb_places(meshes: FloatArray | FileArray, points: Sequence[int]) -> NDArray[np.float64]:
    """Where points of meshes [n, 478, 3] lie in their thumbnails: (column, row), float64 [n, P, 2]."""
    known = meshes[:, [*_EYES, *_MOUTH]][..., :2].astype(np.float64)
    axis = known[:, 1] - known[:, 0]
    unit = np.linalg.norm(axis, axis=1)[:, None] + 1e-6
    axis = axis / unit
    off = meshes[:, list(points)][..., :2] - known[:, 2:].mean(axis=1)[:, None]
    across = (off * axis[:, None]).sum(axis=2) / unit
    down = (axis[:, None, 0] * off[..., 1] - axis[:, None, 1] * off[..., 0]) / unit
    return np.stack([(60 * across + 48) / 4 - 0.5, (60 * down + 32) / 4 - 0.5], axis=2)


def view_places(meshes: FloatArray | FileArray, points: Sequence[int]) -> NDArray[np.float64]:
    """Where points of meshes [n, 478, 3] lie in their mouth views: (column, row), float64 [n, P, 2]."""
    return np.asarray(4 * (thumb_places(meshes, points) + 0.5))


def mouth_view(picture: Picture, mesh: FloatArray) -> NDArray[np.uint8]:
    """The mouth upright and of one size, 60 pixels for the distance of the eyes: luma, uint8 [64, 96]."""
    axis = mesh[_EYES[1], :2] - mesh[_EYES[0], :2]
    scale = (float(np.linalg.norm(axis)) + 1e-6) / 60.0
    along = axis / 60.0
    turn = np.array([[along[0], -along[1]], [along[1], along[0]]], np.float64)
    middle = mesh[_MOUTH, :2].mean(axis=0) - turn @ np.array([48.0, 32.0])
    if scale <= 1e-6:
        turn = np.eye(2)
    return picture.luma(np.column_stack([turn, middle]), (96, 64))


def look_of(picture: Picture, mesh: FloatArray) -> Look:
    """The look of a face whose mesh, float32 [478, 3], is known."""
    luma = mouth_view(picture, mesh)
    return Look(
        sharpness=float(cv2.Laplacian(luma[8:56, 12:84], cv2.CV_32F).var()),
        light=picture.colours(mesh[_CHEEKS, :2]).mean(axis=0).astype(np.float32),
        thumb=np.asarray(cv2.resize(luma, (24, 16), interpolation=cv2.INTER_AREA), np.uint8),
    )

"""What the mouth library needs of each seen face besides its mesh."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.facemesh.picture import Picture
from lipsync_engine.records import FloatArray

#: Landmarks of the cheeks whose colour stands for the light on the face.
_CHEEKS = [50, 280, 205, 425, 36, 266]
_EYES, _MOUTH = (33, 263), [61, 291, 2, 152]


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


def look_of(picture: Picture, mesh: FloatArray) -> Look:
    """The look of a face whose mesh, float32 [478, 3], is known."""
    axis = mesh[_EYES[1], :2] - mesh[_EYES[0], :2]
    scale = (float(np.linalg.norm(axis)) + 1e-6) / 60.0
    along = axis / 60.0
    turn = np.array([[along[0], -along[1]], [along[1], along[0]]], np.float64)
    middle = mesh[_MOUTH, :2].mean(axis=0) - turn @ np.array([48.0, 32.0])
    if scale <= 1e-6:
        turn = np.eye(2)
    luma = picture.luma(np.column_stack([turn, middle]), (96, 64))
    return Look(
        sharpness=float(cv2.Laplacian(luma[8:56, 12:84], cv2.CV_32F).var()),
        light=picture.colours(mesh[_CHEEKS, :2]).mean(axis=0).astype(np.float32),
        thumb=np.asarray(cv2.resize(luma, (24, 16), interpolation=cv2.INTER_AREA), np.uint8),
    )

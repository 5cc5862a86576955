"""What the inside of a mouth takes from the face around it: colours, light, and how soft the picture is.

Teeth are as light as the whites of the eyes say, which stand in the same light; where the picture shows this mouth's
teeth, as those are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.geometry import LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER
from lipsync_engine.media.video import Planes

Array = NDArray[np.float64]

#: Cheeks on the left and on the right.
_LEFT, _RIGHT = (50, 205, 36, 187), (280, 425, 266, 411)
#: Of each eye: corners, the iris's sides towards them, and the lids above and below.
_EYES = (((33, 471), (133, 469), (159, 145)), ((263, 474), (362, 476), (386, 374)))
#: Opening of the lids over the eye's width below which no white is found; light of teeth against the eyes' whites.
_BLINK, _AS_WHITE = 0.16, 0.88
#: Least and most light of teeth against the skin's, and how much more than dark skin they may have (8-bit levels).
_DULL, _BRIGHT, _OVER = 0.78, 1.08, 62.0
#: Blurs in pixels, and the ratio of the bands below 1 and from 1 to 2 pixels that random discs have behind them.
_BLURS = (0.0, 0.4, 0.6, 0.8, 1.0, 1.3, 1.7, 2.2, 3.0)
_RATIOS = (1.14, 1.05, 0.81, 0.69, 0.61, 0.53, 0.47, 0.43, 0.39)


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one face in one frame, in samples of Y, U, V; float64 [3] each.

    Attributes:
        lip: of the lips.
        skin: of the cheeks.
        teeth: of enamel in the face's own light.
        slope: share by which light grows from the left corner of the mouth to the right.
        soft: deviation of the picture's blur, pixels.
    """

    lip: Array
    skin: Array
    teeth: Array
    slope: float
    soft: float

    def near(self, before: Palette, share: float) -> Palette:
        """This palette, moved from one of the frames before by a share of the difference: it does not flicker."""
        parts = ((getattr(before, n), getattr(self, n)) for n in ("lip", "skin", "teeth", "slope", "soft"))
        lip, skin, teeth, slope, soft = (old + share * (new - old) for old, new in parts)
        return Palette(lip, skin, teeth, float(slope), float(soft))


def palette_of(planes: Planes, face: Array, before: Palette | None = None) -> Palette:
    """The palette of a face in an unchanged frame.

    Args:
        planes: the whole picture: Y [H, W], U and V [H/2, W/2], uint8 or uint16.
        face: float64 [478, 2 or more], pixels.
        before: of the frame before; what cannot be measured now (eyes shut) stays as it was.
    """
    level = 4.0 if planes[0].dtype == np.uint16 else 1.0
    upper = (face[list(UPPER_OUTER[3:8]), :2] + face[list(UPPER_INNER[3:8]), :2]) / 2
    lower = (face[list(LOWER_OUTER[3:8]), :2] + face[list(LOWER_INNER[3:8]), :2]) / 2
    lip = _median(planes, np.concatenate([upper, lower]))
    left, right = _median(planes, face[list(_LEFT), :2]), _median(planes, face[list(_RIGHT), :2])
    skin = (left + right) / 2
    white = _whites(planes, face)
    teeth = _enamel(white, skin, level) if white is not None or before is None else before.teeth
    slope = float(np.clip(np.log(max(right[0], 8 * level) / max(left[0], 8 * level)), -0.7, 0.7)) * 0.4
    return Palette(lip, skin, teeth, slope, softness(planes[0], face))


def _enamel(white: Array | None, skin: Array, level: float) -> Array:
    low, high = _DULL * skin[0], max(_BRIGHT * skin[0], skin[0] + _OVER * level)
    high = min(high, 1.12 * skin[0] + 22 * level)
    neutral = 128.0 * level
    if white is None:
        return np.array([np.clip(0.92 * skin[0] + 8 * level, low, high), *(neutral + 0.35 * (skin[1:] - neutral))])
    colour = neutral + 0.6 * (white[1:] - neutral) + 0.15 * (skin[1:] - neutral)
    return np.array([np.clip(_AS_WHITE * white[0], low, high), *colour])


def _whites(planes: Planes, face: Array) -> Array | None:
    """Upper quartile of the eyes' whites; ``None`` where the eyes are shut or turned away."""
    points = []
    for *sides, (lid, under) in _EYES:
        width = float(np.linalg.norm(face[sides[0][0], :2] - face[sides[1][0], :2]))
        if float(np.linalg.norm(face[lid, :2] - face[under, :2])) < _BLINK * width or width < 8:
            continue
        for corner, iris in sides:
            a, b = face[corner, :2], face[iris, :2]
            if float(np.linalg.norm(a - b)) > 0.12 * width:
                points += [a + share * (b - a) for share in (0.5, 0.62, 0.74)]
    if not points:
        return None
    samples = _samples(planes, np.array(points))
    order = np.argsort(samples[:, 0])[-max(2, len(samples) // 3) :]
    return np.asarray(np.median(samples[order], axis=0))


def softness(luma: NDArray[np.generic], face: Array) -> float:
    """Deviation of the blur that this face's picture has, pixels, by how its detail falls off about the eyes.

    Args:
        luma: uint8 or uint16 [H, W].
        face: float64 [478, 2 or more], pixels.
    """
    eyes = face[[33, 133, 362, 263, 159, 145, 386, 374, 70, 300], :2]
    low, high = np.floor(eyes.min(axis=0)).astype(int) - 4, np.ceil(eyes.max(axis=0)).astype(int) + 5
    left, top = np.maximum(low, 0)
    part = np.asarray(luma[top : max(high[1], top + 8), left : max(high[0], left + 8)], np.float32)
    if min(part.shape) < 8:
        return 1.0
    bands = [part, *(cv2.GaussianBlur(part, (0, 0), sigma) for sigma in (1.0, 2.0))]
    fine, coarse = (float((a - b).std()) for a, b in pairwise(bands))
    return float(np.interp(-fine / max(coarse, 1e-3), -np.array(_RATIOS), _BLURS))


def _samples(planes: Planes, points: Array) -> Array:
    """Y, U, V at pixels of the picture, float64 [n, 3]."""
    out = np.empty((len(points), 3))
    for index, plane in enumerate(planes):
        step = 2 if index else 1
        at = np.round((points - (step - 1) / 2) / step).astype(int)
        x, y = np.clip(at[:, 0], 0, plane.shape[1] - 1), np.clip(at[:, 1], 0, plane.shape[0] - 1)
        out[:, index] = plane[y, x]
    return out


def _median(planes: Planes, points: Array) -> Array:
    return np.asarray(np.median(_samples(planes, points), axis=0))

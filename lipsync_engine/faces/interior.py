"""What is seen between the lips: teeth, tongue and dark, and how far the rows of teeth stand apart.

Measured from pixels alone. The middle of the opening is read in columns from the upper lip's edge to the lower one's,
and each sample is compared with the light on the cheeks and the red of the speaker's own lips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.geometry import FACE_LEFT, FACE_RIGHT, LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER
from lipsync_engine.records import BoolArray, FloatArray

Array = NDArray[np.float64]
#: Share of teeth, share of dark, gap and luma of the darkest tenth, as in `Inside`.
Look = tuple[float, float, float, float]
UNSEEN: Look = (np.nan, np.nan, np.nan, np.nan)
#: Columns read about the middle one of the eleven points of a lip's edge, and depths of each.
_COLUMNS, _DEPTHS, _FROM, _TO = 9, 24, 3.4, 6.6
#: Luma over the cheeks' below which a sample is dark, and from which it can be a tooth.
_DARK, _BRIGHT = 0.42, 0.5
#: Redness over the cheeks', and over the lips', up to which it is a tooth.
_PALE_SKIN, _PALE_LIP = 0.85, 0.66
#: How much redder a sample as bright as the cheeks may be: teeth beside red lips take of their colour.
_BLED = 0.25
#: Redness of the cheeks in 8-bit levels below which the picture has no colour to tell by.
_GREY = 4.0
#: Share of dark, and number of mouths, from which they tell how dark a mouth is; and how dark it may be.
_SOME_DARK, _FEWEST, _SHADOW = 0.2, 5, (0.12, 0.28)
#: Share of teeth that an opening shows at least, and gap up to which its rows stand on each other, face widths.
_TOOTHY, _SEAM = 0.3, 0.016
#: Share of the depth at either end that may be the lip itself.
_LIP = 0.25
#: Opening (face widths, and pixels) from which anything can be measured.
_OPEN, _OPEN_PX = 0.018, 3.0


@dataclass(frozen=True, slots=True)
class Inside:
    """The inside of some mouths; NaN where the lips are shut or nothing was seen.

    Attributes:
        teeth: float32 [N], share of the opening's middle that shows teeth.
        dark: float32 [N], share that is dark.
        gap: float32 [N], how far the rows of teeth stand apart (or upper teeth and lower lip, where no lower row is
            seen), face widths.
        deepest: float32 [N], luma of the darkest tenth of the opening over that of the cheeks.
    """

    teeth: FloatArray
    dark: FloatArray
    gap: FloatArray
    deepest: FloatArray

    @property
    def seen(self) -> BoolArray:
        """Mouths whose inside could be measured, bool [N]."""
        return np.asarray(np.isfinite(self.teeth))

    @property
    def met(self) -> BoolArray:
        """Mouths whose rows of teeth are seen and stand on each other, bool [N]."""
        with np.errstate(invalid="ignore"):
            return np.asarray((self.teeth >= _TOOTHY) & (self.gap < _SEAM))

    @property
    def shadow(self) -> float:
        """Luma of this person's dark, deep in the mouth, over that of the cheeks."""
        with np.errstate(invalid="ignore"):
            open_ = self.deepest[self.dark >= _SOME_DARK]
        known = open_ if len(open_) >= _FEWEST else self.deepest[self.seen]
        return float(np.clip(np.percentile(known, 25), *_SHADOW)) if len(known) else _SHADOW[0]

    @property
    def tongue(self) -> FloatArray:
        """Share that is neither teeth nor dark: tongue, gums or lip."""
        return np.asarray(1 - self.teeth - self.dark, np.float32)


def unknown(count: int) -> Inside:
    """Mouths into which nobody looked."""
    return Inside(*(np.full(count, np.nan, np.float32) for _ in range(4)))


def gathered(rows: Sequence[Look]) -> Inside:
    """Mouths one by one, as `look_inside` gives them, in one record."""
    return Inside(*np.array(rows, np.float32).reshape(-1, 4).T)


def look_inside(
    planes: Sequence[NDArray[Any]],
    corner: tuple[int, int],
    mesh: NDArray[np.floating[Any]],
    light: NDArray[np.floating[Any]],
) -> Look:
    """Share of teeth, share of dark, gap and darkness of one mouth; NaN where its lips are (nearly) shut.

    Args:
        planes: Y [h, w], U and V [h/2, w/2] of a part of the picture, uint8 or uint16 (10 bits).
        corner: its left and top.
        mesh: [478, 2 or more] pixels of the picture.
        light: [3], colour of the cheeks, R, G and B of 255.
    """
    points = np.asarray(mesh[:, :2], np.float64)
    width = float(np.linalg.norm(points[FACE_RIGHT] - points[FACE_LEFT])) + 1e-6
    upper, lower = (_edge(points, ring) for ring in (UPPER_INNER, LOWER_INNER))
    height = np.linalg.norm(lower - upper, axis=1)
    opening = float(np.median(height))
    if opening < max(_OPEN * width, _OPEN_PX):
        return UNSEEN
    depth = (np.arange(_DEPTHS) + 0.5)[:, None, None] / _DEPTHS
    y, red = _samples(planes, upper + depth * (lower - upper) - np.array(corner))
    lips = np.concatenate([_edge(points, a) + _edge(points, b) for a, b in _LIPS]) / 2
    lit = y / max(_luma(light), 16.0)
    cheek = _redness(light)
    if cheek >= _GREY:
        lip = float(np.median(_samples(planes, lips[None] - np.array(corner))[1]))
        most = min(_PALE_SKIN * cheek, max(_PALE_LIP * lip, 0.5 * cheek))
        pale = red < most * (1 + _BLED * np.clip((lit - 0.6) / 0.3, 0, 1))
    else:
        pale = np.ones(y.shape, bool)
    dark, teeth = lit < _DARK, (lit >= _BRIGHT) & pale
    inner = _between_the_lips(teeth | dark)
    total = max(int(inner.sum()), 1)
    return (
        float((teeth & inner).sum() / total),
        float((dark & inner).sum() / total),
        _gap(teeth, inner, height) / width,
        float(np.percentile(lit[inner], 10)) if inner.any() else np.nan,
    )


_LIPS = ((UPPER_OUTER, UPPER_INNER), (LOWER_OUTER, LOWER_INNER))


def _edge(points: Array, ring: tuple[int, ...]) -> Array:
    at = np.linspace(_FROM, _TO, _COLUMNS)
    return np.stack([np.interp(at, np.arange(len(ring)), points[list(ring), axis]) for axis in (0, 1)], axis=1)


def _samples(planes: Sequence[NDArray[Any]], place: Array) -> tuple[Array, Array]:
    """Full-range luma and red-difference of places [n, m, 2], 8-bit levels."""
    shift = 0.25 if planes[0].dtype == np.uint16 else 1.0
    values = []
    for number in (0, 2):
        at = (place / 2 - (0.0, 0.25) if number else place).astype(np.float32)
        found = cv2.remap(planes[number], at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        values.append(np.asarray(found, np.float64) * shift)
    return (values[0] - 16) * 255 / 219, (values[1] - 128) * 255 / 224


def _luma(rgb: NDArray[np.floating[Any]]) -> float:
    return float(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2])


def _redness(rgb: NDArray[np.floating[Any]]) -> float:
    return 0.713 * (float(rgb[0]) - _luma(rgb))


def _between_the_lips(inside: BoolArray) -> BoolArray:
    """Samples that are not the lips' own edges: red ones at either end of a column count as lip, bool [D, C]."""
    most = round(_LIP * _DEPTHS)
    row = np.arange(_DEPTHS)[:, None]
    first = np.minimum(np.where(inside.any(axis=0), inside.argmax(axis=0), most), most)
    last = np.minimum(np.where(inside.any(axis=0), inside[::-1].argmax(axis=0), most), most)
    return np.asarray((row >= first) & (row < _DEPTHS - last))


def _gap(teeth: BoolArray, inner: BoolArray, height: Array) -> float:
    """The longest part of each column without teeth, median over the columns, pixels."""
    out = []
    for column in range(teeth.shape[1]):
        run = best = 0
        for tooth in teeth[inner[:, column], column]:
            run = 0 if tooth else run + 1
            best = max(best, run)
        out.append(best / _DEPTHS * height[column])
    return float(np.median(out))

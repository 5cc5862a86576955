"""Two rows of teeth of usual size on usual arches, as they are seen from a head's direction.

Sizes are anatomical means (Wheeler's Dental Anatomy; inter-canine width 34 mm, inter-molar width 55 mm), given in face
widths of 140 mm. x runs to the viewer's right, y down, z away from the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MM = 1 / 140.0
#: Widths of the teeth from the midline back; how far each edge lies above the incisors' (below, for the lower row).
_UPPER_WIDTHS = (8.5, 6.6, 7.6, 7.0, 6.8, 10.0, 9.5)
_UPPER_SHORT = (0.0, 0.7, 0.2, 1.0, 1.3, 1.6, 1.9)
_LOWER_WIDTHS = (5.4, 6.0, 6.9, 7.0, 7.2, 11.0, 10.5)
_LOWER_SHORT = (0.0, 0.1, -0.3, 0.5, 0.9, 1.2, 1.5)
#: Half width and depth of each arch; how far its front lies before the corners of the mouth.
_UPPER_ARCH, _LOWER_ARCH = (28.0, 46.0), (25.5, 43.0)
_BEFORE_CORNERS = 7.0
#: Rounding of the edges' corners, and the point of the canines.
_ROUND, _POINT = 1.1, 1.0
#: Columns at which a row is worked out.
_LINE = 600
#: Light that a tooth differs by from its neighbours, back from the midline.
_SHADES = (1.0, 0.965, 0.93, 0.97, 0.95, 0.94, 0.92)


@dataclass(frozen=True, slots=True)
class View:
    """How the head is turned: what one unit of each canonical axis is in the mouth's own frame (right, down).

    Attributes:
        across: of x, to the right.
        deep: of z, to the right.
        sinks: of z, down.
    """

    across: float = 1.0
    deep: float = 0.0
    sinks: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """What a row of teeth shows at some columns; arrays of one shape.

    Attributes:
        edge: how far the teeth's edge lies above (upper row) or below (lower row) that of the front ones, face widths.
        shade: 0 to 1, light of the enamel by its slope, its place and its neighbours' gaps.
        seen: 1 where there is a tooth, 0 beside the row.
    """

    edge: Array
    shade: Array
    seen: Array


def upper_row(x: Array, view: View) -> Row:
    """The upper teeth at columns of the mouth's frame: float64 [...], face widths from between its corners."""
    return _at(x, view, _arch(_UPPER_WIDTHS, _UPPER_SHORT, _UPPER_ARCH))


def lower_row(x: Array, view: View) -> Row:
    """The lower teeth at columns of the mouth's frame: float64 [...], face widths from between its corners."""
    return _at(x, view, _arch(_LOWER_WIDTHS, _LOWER_SHORT, _LOWER_ARCH))


def _at(x: Array, view: View, arch: Array) -> Row:
    """A row at columns of any shape, by way of a line of them."""
    line = np.linspace(float(x.min()), float(x.max()), _LINE)
    row = _row(line, view, arch)
    return Row(*(np.interp(x, line, values) for values in (row.edge, row.shade, row.seen)))


@lru_cache(maxsize=2)
def _arch(widths: tuple[float, ...], short: tuple[float, ...], size: tuple[float, float]) -> Array:
    """Samples along an arch from left to right: x, z, slope, place within the tooth (-1 to 1), edge, shade; [n, 6]."""
    turn = np.linspace(-1.45, 1.45, 1451)
    x, z = size[0] * np.sin(turn), size[1] * (1 - np.cos(turn))
    step = np.hypot(np.diff(x), np.diff(z))
    along = np.concatenate([[0.0], np.cumsum(step)])
    along -= along[len(along) // 2]
    ends = np.cumsum(widths)
    tooth = np.clip(np.searchsorted(ends, np.abs(along)), 0, len(widths) - 1)
    begin = ends[tooth] - np.array(widths)[tooth]
    place = 2 * (np.abs(along) - begin) / np.array(widths)[tooth] - 1
    pointed = np.where(tooth == 2, _POINT * np.abs(place), 0.0)
    edge = np.array(short)[tooth] + _ROUND * np.abs(place) ** 5 + pointed
    facing = np.gradient(x) / np.hypot(np.gradient(x), np.gradient(z))
    return np.stack([x * _MM, z * _MM, facing, place, edge * _MM, np.array(_SHADES)[tooth]], axis=1)


def _row(x: Array, view: View, arch: Array) -> Row:
    across, depth, facing, place, edge, shade = arch.T
    lies = view.across * across + view.deep * (depth - _BEFORE_CORNERS * _MM)
    front = len(lies) // 2
    first = front - int(np.argmax(np.diff(lies[front::-1]) >= 0)) if (np.diff(lies[front::-1]) >= 0).any() else 0
    after = np.diff(lies[front:]) <= 0
    last = front + int(np.argmax(after)) if after.any() else len(lies) - 1
    part = slice(first, last + 1)  # what the arch's own front does not hide
    lies = lies[part]

    def at(values: Array) -> Array:
        return np.interp(x, lies, values[part])

    gap = np.exp(-(((1 - np.abs(at(np.abs(place)))) / 0.11) ** 2))
    light = at(shade) * (0.62 + 0.38 * np.clip(at(facing), 0, 1)) * np.exp(-at(depth) / 0.20)
    sink = view.sinks * at(depth)
    inside = ((x >= lies[0]) & (x <= lies[-1])).astype(np.float64)
    return Row(at(edge) - sink, light * (1 - 0.18 * gap), inside)

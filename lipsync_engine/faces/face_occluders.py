"""What lies before a mouth (fingers, microphones), distinguished from how this mouth usually looks.

The small pictures of a mouth that the analysis keeps are explained by its shape, the head's turn and the light, by a
robust linear map learnt from the person's own views. Where several neighbouring cells of some views in a row are not as
the map says, something that does not belong to the face is before it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.appearance import thumb_places
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import (
    CORNER_LEFT,
    CORNER_RIGHT,
    JAW,
    LOWER_INNER,
    NOSE_FOOT,
    OUTER_BOTTOM,
    POINTS,
    UPPER_INNER,
)
from lipsync_engine.records import FloatArray

Array = NDArray[np.float64]
#: Views from which the map is learnt at most; views of one appearance that tell its usual look; fewest that do.
_LEARNT, _USUAL, _FEWEST = 2000, 400, 20
#: Views whose cells are held at a time.
_CHUNK = 1024
#: Rounds of the map, and of its robust fit within each.
_ROUNDS, _STEPS = 3, 5
#: Least deviation of a cell in 8-bit levels, and deviations beyond which more tells no more.
_NOISE, _MOST = 2.0, 8.0
#: Share of a cell by which an edge may lie elsewhere than the mesh says.
_SHIFT = 0.5
#: Views, rows and columns of the box whose mean counts: 0.15 face widths high, 0.08 wide.
_BOX = (3, 4, 2)
#: Rows and columns about an edge that count as beside it.
_BESIDE_EDGE = (5, 5)
#: Cells beside and below the lips that are looked at, as far as an observation is shown.
_BESIDE, _BELOW = 3.0, 4.0
#: Cells that lie so near the face's outline are left out.
_OUTLINE = 2
#: From where a view is not used, and from where a frame is not drawn into (with its neighbours that are suspect). On
#: twelve real clips with nothing before the mouth, 98.9 % of views stay below the one and all below 4.2.
SUSPECT, CERTAIN = 2.0, 4.5
#: Frames of the fade to a covered frame, frames next to it that are covered too, and gaps that are.
_FADE, _EDGE, _HOLD = 3, 1, 8
#: Frames that a cover lasts at least: each find spreads over its neighbours (`_BOX`), one frame looks like three.
_BRIEF = 4


def covering(track: FaceTrack, mouth: FloatArray, angles: FloatArray) -> FloatArray:
    """How much the mouth's surroundings differ from what is usual there, float32 [N], in deviations, up to 8.

    A face that is covered from its first view in a shot to its last is not distinguished from one that looks like that.

    Args:
        track: rows of one person.
        mouth: float32 [N, 4], mouth vectors.
        angles: float32 [N, 3], pose in degrees.
    """
    out = np.zeros(len(track.frame), np.float32)
    if len(out) < _FEWEST:
        return out
    terms = _terms(track, mouth, angles)
    weights, deviation = _fitted_without_outliers(track, terms)
    for span in np.unique(track.span):
        rows = np.flatnonzero(track.span == span)
        if len(rows) < _FEWEST:
            continue
        some = rows[np.linspace(0, len(rows) - 1, min(len(rows), _USUAL)).astype(int)]
        usual = _middle(_cells(track, some) - terms[some] @ weights)[0]
        for first in range(0, len(rows), _CHUNK):
            about = slice(max(0, first - 1), first + _CHUNK + 1)
            seen = _unlike(track, rows[about], terms[rows[about]] @ weights, usual, deviation)
            part = rows[first : first + _CHUNK]
            start = first - about.start
            out[part] = seen[start : start + len(part)]
    return out


def _terms(track: FaceTrack, mouth: FloatArray, angles: FloatArray) -> Array:
    """What a view is explained by, float64 [N, 10]."""
    light = track.light @ np.array([0.299, 0.587, 0.114], np.float32)
    values = np.concatenate([mouth, angles, light[:, None]], axis=1).astype(np.float64)
    values = np.clip((values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-6), -3, 3)
    return np.concatenate([np.ones((len(values), 1)), values, values[:, :1] ** 2], axis=1)


def _cells(track: FaceTrack, rows: NDArray[np.intp]) -> Array:
    return track.thumb[rows].reshape(len(rows), -1).astype(np.float64)


def _fitted_without_outliers(track: FaceTrack, terms: Array) -> tuple[Array, Array]:
    """The map, float64 [10, cells], and the deviation of each cell, from the views that it explains."""
    rows = np.linspace(0, len(terms) - 1, min(len(terms), _LEARNT)).astype(int)
    given, cells = terms[rows], _cells(track, rows)
    kept = np.ones(len(rows), bool)
    for _ in range(_ROUNDS):
        weights, deviation = _fitted(given, cells, kept)
        plain = given @ weights
        usual = _middle((cells - plain)[kept])[0]
        seen = _unlike(track, rows, plain, usual, deviation, lasting=False)
        kept = seen <= max(1.0, 1.2 * float(np.median(seen)))
    return weights, deviation


def _fitted(terms: Array, cells: Array, kept: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Ridge regression that gives up cells far from where half of them lie (up to half of the views are covered)."""
    squares = np.einsum("ni,nj->nij", terms, terms).reshape(len(terms), -1)
    prior = np.eye(terms.shape[1])
    prior[0, 0] = 1e-6
    off = cells - np.median(cells, axis=0)
    for _ in range(_STEPS):
        middle, deviation = _middle(off[kept])
        deviation = np.maximum(deviation, _NOISE)
        trust = kept[:, None] / (1 + ((off - middle) / (2 * deviation)) ** 2) ** 2
        left = (trust.T @ squares).reshape(-1, *prior.shape) + prior
        right = ((trust * cells).T @ terms)[..., None]
        weights = np.linalg.solve(left, right)[..., 0].T
        off = cells - terms @ weights
    return weights, deviation


def _middle(values: Array) -> tuple[Array, Array]:
    """Middle and deviation of each column by its shortest half (Rousseeuw 1984)."""
    half = len(values) // 2
    ordered = np.sort(values, axis=0)
    length = ordered[half:] - ordered[: len(values) - half]
    at = length.argmin(axis=0)
    column = np.arange(values.shape[1])
    return (ordered[at, column] + ordered[at + half, column]) / 2, length[at, column] / 1.35


def _unlike(
    track: FaceTrack, rows: NDArray[np.intp], plain: Array, usual: Array, deviation: Array, *, lasting: bool = True
) -> Array:
    """The largest mean of a box of cells beyond what they usually are, beside an edge as high, [n].

    A turned head is lit otherwise, but smoothly; a thing has an outline.
    """
    from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

    height, width = track.thumb.shape[1:]
    wanted = (plain + usual).reshape(-1, height, width)
    off = track.thumb[rows] - wanted
    above = _SHIFT * (maximum_filter(wanted, (1, 3, 3)) - wanted)
    below = _SHIFT * (wanted - minimum_filter(wanted, (1, 3, 3)))
    beyond = np.where(off > 0, np.maximum(off - above, 0), np.minimum(off + below, 0))
    shown = _looked_at(track, rows)
    beyond = np.clip(beyond / deviation.reshape(height, width), -_MOST, _MOST) * shown
    views, high, wide = _BOX if lasting else (0, *_BOX[1:])
    edge = np.zeros_like(beyond)
    for axis, along in ((2, (views, high, 0)), (1, (views, 0, high))):
        apart = np.roll(beyond, -2, axis) - beyond
        apart *= shown & np.roll(shown, -2, axis)
        edge = np.maximum(edge, np.abs(np.roll(uniform_filter(apart, along), 1, axis)))
    beside = maximum_filter(edge, (0, *_BESIDE_EDGE))
    return np.asarray(np.minimum(np.abs(uniform_filter(beyond, (views, high, wide))), beside).max(axis=(1, 2)))


def _looked_at(track: FaceTrack, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Cells on the lips and on the skin about them, but not between the lips: bool [n, 16, 24]."""
    places = thumb_places(track.landmarks[rows], range(POINTS))
    fixed = np.round(places * 16).astype(np.int32)
    shape = track.thumb.shape[1:]
    out = np.zeros((len(rows), *shape), np.uint8)
    edge = np.ones((3, 3), np.uint8)
    for mask, points, place in zip(out, fixed, places, strict=True):
        cv2.fillConvexPoly(mask, cv2.convexHull(points[[*JAW[2:-2], *NOSE_FOOT]]), (1,), shift=4)
        cv2.erode(mask, edge, dst=mask, iterations=_OUTLINE, borderType=cv2.BORDER_CONSTANT, borderValue=(1,))
        cv2.fillPoly(mask, [points[[*UPPER_INNER, *LOWER_INNER[::-1]]]], (0,), shift=4)
        left, right = place[[CORNER_LEFT, CORNER_RIGHT], 0]
        mask[:, : max(0, int(left - _BESIDE))] = 0
        mask[:, max(0, int(right + _BESIDE) + 1) :] = 0
        mask[max(0, int(place[OUTER_BOTTOM, 1] + _BELOW) + 1) :] = 0
    return out > 0


def bare(track: FaceTrack, covering: FloatArray) -> FloatArray:
    """How far the mouth may be drawn, float32 [N]: 0 where something is before it, 1 from four frames away on.

    Args:
        track: rows of one person.
        covering: float32 [N], as ``covering`` gives it.
    """
    from scipy.ndimage import binary_closing, distance_transform_cdt, label

    out = np.ones(len(track.frame), np.float32)
    for span in np.unique(track.span):
        rows = np.flatnonzero(track.span == span)
        runs, _ = label(covering[rows] > SUSPECT)
        sure = np.unique(runs[covering[rows] > CERTAIN])
        lasting = np.flatnonzero(np.bincount(runs) >= _BRIEF)
        hidden = np.isin(runs, np.intersect1d(sure[sure > 0], lasting))
        if hidden.any():
            hidden = binary_closing(np.pad(hidden, _HOLD), iterations=_HOLD // 2)[_HOLD:-_HOLD] | hidden
            out[rows] = np.clip((distance_transform_cdt(~hidden) - _EDGE) / (_FADE + 1), 0, 1)
    return out

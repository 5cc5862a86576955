"""A face seen from the front: its picture laid on a typical mesh, so that turned heads and other mouths compare.

The typical mesh, ``typical_face.txt``, is the mean of fourteen filmed people's median meshes: 468 points, right and
down, in face widths.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from lipsync_engine.faces.geometry import frame_of
from lipsync_engine.faces.mesh import mesh_triangles
from lipsync_engine.records import FloatArray

#: Side of the picture in pixels; blurs between which detail is measured, and over which its contrast is levelled.
_SIDE = 48
_FINE, _COARSE, _AROUND = 0.7, 4.0, 6.0
#: Pictures of an appearance's parts at first, and most parts.
_PART, _PARTS = 4, 8
#: Rows, as shares of the height, that speech moves.
_MOUTH = (0.62, 0.90)
#: Where light is counted from, 8-bit levels, and the least detail.
_DARK, _FLAT = 8.0, 0.01


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where each pixel of the frontal picture lies.

    Attributes:
        shares: float32 [48 * 48, 468], sparse: of the corners of its triangle, none outside the face.
        inside: bool [48, 48].
    """

    shares: csr_array
    inside: NDArray[np.bool_]


@lru_cache(maxsize=1)
def _grid() -> _Grid:
    text = files("lipsync_engine.faces").joinpath("typical_face.txt").read_text("ascii").split()
    face = np.array(text, np.float64).reshape(-1, 2)
    low, high = face.min(axis=0), face.max(axis=0)
    places = np.stack(np.meshgrid(*np.linspace(low, high, _SIDE).T), axis=-1).reshape(-1, 2)
    corners, shares = np.zeros((len(places), 3), np.int64), np.zeros((len(places), 3))
    inside = np.zeros(len(places), bool)
    for triangle in mesh_triangles():
        a, b, c = face[list(triangle)]
        edges = np.stack([b - a, c - a], axis=1)
        if abs(float(np.linalg.det(edges))) < 1e-9:
            continue
        two = (places - a) @ np.linalg.inv(edges).T
        within = (two >= -1e-6).all(axis=1) & (two.sum(axis=1) <= 1 + 1e-6)
        corners[within], inside[within] = triangle, True
        shares[within] = np.column_stack([1 - two[within].sum(axis=1), two[within]])
    rows = np.repeat(np.arange(len(places)), 3)
    weights = csr_array((shares.ravel().astype(np.float32), (rows, corners.ravel())), (len(places), len(face)))
    weights.eliminate_zeros()
    return _Grid(weights, inside.reshape(_SIDE, _SIDE))


@lru_cache(maxsize=1)
def _compared() -> NDArray[np.bool_]:
    """Pixels that tell people apart: on the face, off its rim and off the mouth."""
    face = cv2.erode(_grid().inside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    rows = np.linspace(0, 1, _SIDE)
    face[(rows > _MOUTH[0]) & (rows < _MOUTH[1])] = False
    return np.asarray(face)


def frontal(view: NDArray[np.uint8], mesh: FloatArray, corner: tuple[float, float]) -> FloatArray:
    """The face from the front, float32 [48, 48].

    Args:
        view: uint8 [n, n], the face upright, one face width across (``appearance.face_view``).
        mesh: float32 [478, 3], pixels of the picture.
        corner: where the view begins, in face widths.
    """
    place, grid = frame_of(mesh[None])[0], _grid()
    back = np.linalg.inv(place[:, :2]) * len(view)
    shift = back @ place[:, 2] + np.multiply(corner, len(view)) + 0.5
    pixels = mesh[: grid.shares.shape[1], :2] @ back.T.astype(np.float32) - shift.astype(np.float32)
    where = (grid.shares @ pixels).reshape(_SIDE, _SIDE, 2)
    across, down = where[..., 0], where[..., 1]
    return np.asarray(cv2.remap(view, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


@dataclass(slots=True)
class MeanFace:
    """The average of one appearance's frontal pictures, of all and of up to eight parts of it in turn.

    A head that turns, smiles or blinks looks more like itself in some of its parts than on average.
    """

    totals: list[NDArray[np.float64]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    length: int = _PART

    def see(self, face: FloatArray) -> None:
        """Take the next picture (``frontal``)."""
        if not self.counts or self.counts[-1] >= self.length:
            if len(self.counts) == _PARTS:
                self.totals = [a + b for a, b in zip(self.totals[::2], self.totals[1::2], strict=True)]
                self.counts = [a + b for a, b in zip(self.counts[::2], self.counts[1::2], strict=True)]
                self.length *= 2
            self.totals.append(np.zeros((_SIDE, _SIDE)))
            self.counts.append(0)
        self.totals[-1] += face
        self.counts[-1] += 1

    def vectors(self) -> FloatArray:
        """Detail of the face without light and contrast, float32 [n, D] of length 1: products are correlations."""
        whole = np.sum(self.totals, axis=0), sum(self.counts)
        return np.stack(
            [_detail(total / count) for total, count in (whole, *zip(self.totals, self.counts, strict=True))]
        )


def _detail(face: NDArray[np.float64]) -> FloatArray:
    light = np.log(face + _DARK)
    detail = cv2.GaussianBlur(light, (0, 0), _FINE) - cv2.GaussianBlur(light, (0, 0), _COARSE)
    level = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), _AROUND)) + _FLAT
    inside = (detail / level)[::2, ::2][_compared()[::2, ::2]]
    inside = inside - inside.mean()
    return np.asarray(inside / max(float(np.linalg.norm(inside)), 1e-6), np.float32)

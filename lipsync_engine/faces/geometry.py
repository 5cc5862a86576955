"""The face mesh as geometry: named landmarks, rigid head pose, pose-normalised ("canonical") coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.filearray import FileArray
from lipsync_engine.records import FloatArray

#: Landmarks of the MediaPipe face mesh with refined irises.
POINTS = 478
NOSE_BASE, CHIN = 2, 152
INNER_TOP, INNER_BOTTOM, OUTER_TOP, OUTER_BOTTOM = 13, 14, 0, 17
CORNER_LEFT, CORNER_RIGHT, FACE_LEFT, FACE_RIGHT = 61, 291, 234, 454

#: Lip rings from the left corner to the right; the four lists correspond column by column.
UPPER_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
UPPER_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
LOWER_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)

#: The jaw contour from ear to ear.
JAW = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454)

#: Points at the foot of the nose: they ride on the skull and sit beside the mouth.
NOSE_FOOT = (2, 97, 326, 98, 327)

#: Landmarks that speech hardly moves, with their place in MediaPipe's canonical face (centimetres, x right,
#: y up, z to the camera; figures from canonical_face_model.obj, Apache-2.0).
_ANCHORS: dict[int, tuple[float, float, float]] = {
    33: (-4.445859, 2.663991, 3.173422),
    263: (4.445859, 2.663991, 3.173422),
    133: (-1.856432, 2.585245, 3.757904),
    362: (1.856432, 2.585245, 3.757904),
    168: (0.0, 3.271027, 5.236015),
    6: (0.0, 2.473255, 5.788627),
    197: (0.0, 1.728369, 6.316750),
    195: (0.0, 1.059413, 6.774605),
    5: (0.0, 0.365669, 7.242870),
    4: (0.0, -0.463170, 7.586580),
    10: (0.0, 8.261778, 4.481535),
    109: (-1.891399, 8.236377, 4.274997),
    338: (1.891399, 8.236377, 4.274997),
    127: (-7.743095, 2.364999, -2.005167),
    356: (7.743095, 2.364999, -2.005167),
}
#: Distance between landmarks 234 and 454 in the canonical face, centimetres: our unit of length.
_CANONICAL_WIDTH = 15.32836
ANCHORS = tuple(_ANCHORS)
_ANCHOR_POINTS = np.array(ANCHORS)
#: Faces whose pose is fitted together, and most of them that tell a typical shape.
_TOGETHER, _TYPICAL = 1024, 2000
#: float64 [15, 3] in face widths, image handed: x right, y down, z away from the camera.
ANCHOR_SHAPE = np.array(list(_ANCHORS.values())) * (1.0, -1.0, -1.0) / _CANONICAL_WIDTH
_ANCHORS_CENTRED = ANCHOR_SHAPE - ANCHOR_SHAPE.mean(axis=0)


@dataclass(frozen=True, slots=True)
class Poses:
    """Rigid pose of N faces: ``image = scale * rotation @ canonical + offset``.

    Attributes:
        rotation: float64 [N, 3, 3].
        scale: float64 [N], pixels for one face width.
        offset: float64 [N, 3], pixels.
        residual: float64 [N], root-mean-square misfit of the anchors in face widths.
    """

    rotation: NDArray[np.float64]
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    residual: NDArray[np.float64]

    def angles(self) -> FloatArray:
        """Yaw, pitch and roll in degrees, float32 [N, 3]; 0 is a face looking straight at the camera."""
        r = self.rotation
        yaw = np.arctan2(r[:, 0, 2], r[:, 2, 2])
        pitch = np.arcsin(np.clip(-r[:, 1, 2], -1, 1))
        roll = np.arctan2(r[:, 1, 0], r[:, 1, 1])
        return np.asarray(np.degrees(np.stack([yaw, pitch, roll], axis=1)), np.float32)

    def rows(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Poses:
        """Only the poses ``index``: int [n], bool [N] or a slice."""
        return Poses(self.rotation[index], self.scale[index], self.offset[index], self.residual[index])


def fit_poses(landmarks: FloatArray | FileArray) -> Poses:
    """Least-squares similarity from the canonical anchors to each face (Umeyama 1991).

    Args:
        landmarks: float32 [N, 478, 3] in pixels, z in the same unit.
    """
    starts = range(0, max(len(landmarks), 1), _TOGETHER)
    return joined([_fitted(landmarks[first : first + _TOGETHER, ANCHORS]) for first in starts])


def extents(landmarks: FloatArray | FileArray) -> FloatArray:
    """Width and height of every face, pixels, float32 [N, 2]."""
    starts = range(0, max(len(landmarks), 1), _TOGETHER)
    return np.concatenate([np.ptp(landmarks[first : first + _TOGETHER, :, :2], axis=1) for first in starts])


def joined(parts: Sequence[Poses]) -> Poses:
    """The poses of all parts, in order."""
    return Poses(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Poses)))


def _fitted(anchors: FloatArray) -> Poses:
    seen = anchors.astype(np.float64)
    centre, shape = seen.mean(axis=1), ANCHOR_SHAPE - ANCHOR_SHAPE.mean(axis=0)
    seen = seen - centre[:, None]
    covariance = np.einsum("nai,aj->nij", seen, shape) / len(ANCHORS)
    u, d, vt = np.linalg.svd(covariance)
    sign = np.ones_like(d)
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    rotation = np.einsum("nij,nj,njk->nik", u, sign, vt)
    scale = (d * sign).sum(axis=1) / (shape**2).sum(axis=1).mean()
    offset = centre - scale[:, None] * np.einsum("nij,j->ni", rotation, ANCHOR_SHAPE.mean(axis=0))
    fitted = scale[:, None, None] * np.einsum("nij,aj->nai", rotation, shape)
    residual = np.sqrt(((seen - fitted) ** 2).sum(axis=2).mean(axis=1)) / np.maximum(scale, 1e-6)
    return Poses(rotation, scale, offset, residual)


def to_canonical(landmarks: NDArray[np.floating[Any]], poses: Poses) -> NDArray[np.float64]:
    """Pose-normalised landmarks, float64 [N, P, 3] in canonical face widths."""
    turned = np.einsum("nji,npj->npi", poses.rotation, landmarks - poses.offset[:, None])
    turned /= poses.scale[:, None, None]
    return np.asarray(turned)


def typical_shape(
    landmarks: FloatArray | FileArray, poses: Poses, rows: NDArray[np.intp] | None = None
) -> NDArray[np.float64]:
    """Median of the pose-normalised landmarks of N faces (or ``rows`` of them), float64 [478, 3], canonical.

    Of more than 2000 faces as many stand for all, evenly spread.

    Args:
        landmarks: float32 [N, 478, 3], pixels.
        poses: of the N faces.
        rows: int [n], the faces that count; ``None`` for all.
    """
    chosen = np.arange(len(landmarks)) if rows is None else rows
    if len(chosen) > _TYPICAL:
        chosen = chosen[np.linspace(0, len(chosen) - 1, _TYPICAL).astype(int)]
    some = poses.rows(chosen)
    meshes = landmarks[chosen]
    groups = np.array_split(np.arange(POINTS), 16)  # a part of the mesh at a time: all of it takes some 100 MB
    return np.concatenate([np.median(to_canonical(meshes[:, group], some), axis=0) for group in groups])


def to_image(canonical: NDArray[np.floating[Any]], poses: Poses) -> NDArray[np.float64]:
    """Pixels of canonical points under each pose, float64 [N, P, 3]; the inverse of ``to_canonical``."""
    turned = np.einsum("nij,npj->npi", poses.rotation, canonical)
    return np.asarray(turned * poses.scale[:, None, None] + poses.offset[:, None])


def misfit(mesh: FloatArray) -> float:
    """``Poses.residual`` of one mesh, float32 [478, 3], without its pose: many times quicker."""
    seen = mesh[_ANCHOR_POINTS].astype(np.float64)
    seen -= seen.mean(axis=0)
    covariance = seen.T @ _ANCHORS_CENTRED / len(seen)
    d = cv2.SVDecomp(covariance, flags=cv2.SVD_NO_UV)[0].ravel()
    spread = float((_ANCHORS_CENTRED**2).sum()) / len(seen)
    scale = float(d[0] + d[1] + np.copysign(d[2], cv2.determinant(covariance))) / spread
    left = float((seen**2).sum()) / len(seen) - scale**2 * spread
    return float(np.sqrt(max(left, 0.0))) / max(scale, 1e-6)


def frame_of(meshes: FloatArray) -> NDArray[np.float64]:
    """Flat similarity from canonical face widths (x, y) to pixels, float64 [n, 2, 3], of meshes [n, 478, 3]."""
    seen = meshes[:, _ANCHOR_POINTS, :2].astype(np.float64)
    return np.asarray(np.einsum("nac,acij->nij", seen, _FRAME))


def _frame() -> NDArray[np.float64]:
    """What each anchor's x and y add to the entries of its frame, float64 [15, 2, 2, 3]: the fit is linear."""
    middle = ANCHOR_SHAPE[:, :2].mean(axis=0)
    around = ANCHOR_SHAPE[:, :2] - middle
    cos = around / (around**2).sum()
    sin = np.stack([-cos[:, 1], cos[:, 0]], axis=1)
    linear = np.stack([np.stack([cos, -sin], axis=2), np.stack([sin, cos], axis=2)], axis=2)
    offset = np.eye(2) / len(around) - linear @ middle
    return np.concatenate([linear, offset[..., None]], axis=3)


_FRAME = _frame()

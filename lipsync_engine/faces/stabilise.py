"""Takes the mesh network's jitter out of a track by the skin's own texture, and smooths what is left.

The network places each picture's mesh by itself, a pixel to and fro on a large face. Nose and upper cheeks ride on the
skull, so their texture, sampled in the mesh's own frame, should stand still: how far it moves against its running
mean is the network's error, found to a fraction of a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d

from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.geometry import Poses, fit_poses, frame_of, joined, to_canonical, to_image
from lipsync_engine.faces.mesh import LIPS
from lipsync_engine.media.filearray import FileArray
from lipsync_engine.records import FloatArray

#: The patch in face widths around the canonical origin: below the eyes, above the nostrils, from cheek to cheek.
_LEFT, _TOP, _RIGHT, _BOTTOM = -0.34, -0.13, 0.34, 0.02
_PER_WIDTH = 224
_SIZE = (round((_RIGHT - _LEFT) * _PER_WIDTH), round((_BOTTOM - _TOP) * _PER_WIDTH))
#: Border of the patch that is only read when it is shifted.
_MARGIN = 6
_ROUNDS = 4
#: Smaller steps (face widths) end the search: 0.02 pixels of a 400-pixel face.
_ENOUGH = 5e-5
#: How fast the running mean follows (light and turns of the head change the texture).
_FOLLOW = 0.3
#: Correlation with the mean below which the patch is covered or turned away and says nothing.
_LEAST = 0.6
#: Larger corrections (face widths) are no jitter.
_LARGEST = 0.03
#: Errors slower than this are the texture's own drift (turning, light) and are left alone.
_DRIFT_S = 0.5
#: Fewest pictures whose texture must tell, for it to be believed.
_FEWEST = 5
#: Seconds over which the head's turns, the skin and its place, and the lips are fitted.
_HEAD_S, _SKIN_S, _LIPS_S = 0.3, 0.23, 0.1
#: Meshes that are settled at a time, at least; far more than a filter reaches.
_PART = 256


@dataclass(slots=True)
class Steadier:
    """Measures one appearance, picture by picture.

    Attributes:
        errors: float [4] for each picture: how far the texture lies from where the mesh puts it: (scale - 1), turn
            (radians), right and down (face widths); NaN where it cannot be measured.
        likeness: correlation of the patch with its running mean for each picture, 0 to 1.
    """

    errors: list[NDArray[np.float64]] = field(default_factory=list)
    likeness: list[float] = field(default_factory=list)
    _mean: NDArray[np.float32] | None = None

    def see(self, picture: Picture, mesh: FloatArray) -> None:
        """Take the next picture with its mesh, float32 [478, 3]."""
        patch = _blurred(picture.luma(_patch_place(mesh), _SIZE))
        if self._mean is None:
            self._mean = patch
            self.errors.append(np.zeros(4))
            self.likeness.append(1.0)
            return
        error, moved = _register(self._mean, patch)
        like = _correlation(self._mean, moved)
        sure = like > _LEAST and float(np.abs(error[2:]).max()) < _LARGEST
        self.errors.append(error if sure else np.full(4, np.nan))
        self.likeness.append(max(0.0, like))
        if sure:
            self._mean = (1 - _FOLLOW) * self._mean + _FOLLOW * moved
        else:
            self._mean = (1 - _FOLLOW) * self._mean + _FOLLOW * patch


class Smoothing:
    """Zero-phase Savitzky-Golay smoothing of one uninterrupted span, pose and face shape apart, a part after the other.

    The head turns slowly against the jitter of a mesh: the pose is fitted over 0.3 s and the skin over 0.23 s. The
    lips move as fast as the jitter (a closure lasts two frames of 25 a second), so they are fitted over 0.1 s, which
    leaves them as seen up to 30 frames a second.

    Args:
        poses: of all meshes of the span, in order.
        rate: frames per second.
    """

    def __init__(self, poses: Poses, rate: float) -> None:
        from scipy.spatial.transform import Rotation

        turns = Rotation.from_matrix(poses.rotation)
        middle = turns[len(turns) // 2]
        vectors = (middle.inv() * turns).as_rotvec()
        self._poses, self._rate = poses, rate
        self._steady = Poses(
            rotation=(middle * Rotation.from_rotvec(_fit(vectors, _HEAD_S, rate))).as_matrix(),
            scale=np.exp(_fit(np.log(poses.scale)[:, None], _HEAD_S, rate))[:, 0],
            offset=_fit(poses.offset, _SKIN_S, rate),
            residual=poses.residual,
        )

    def around(self, part: slice) -> slice:
        """The meshes that must be known to smooth those of ``part``."""
        margin = _window(_SKIN_S, self._rate) // 2
        return slice(max(0, part.start - margin), min(part.stop + margin, len(self._poses.scale)))

    def smooth(self, meshes: FloatArray, part: slice) -> FloatArray:
        """The smoothed meshes of ``part``, float32 [n, 478, 3], from the meshes ``around(part)``."""
        known = self.around(part)
        canonical = to_canonical(meshes, self._poses.rows(known))
        fitted = _fit(canonical, _SKIN_S, self._rate)
        lips = list(LIPS)
        fitted[:, lips] = _fit(canonical[:, lips], _LIPS_S, self._rate)
        inner = slice(part.start - known.start, part.stop - known.start)
        return to_image(fitted[inner], self._steady.rows(part)).astype(np.float32)


def settled(meshes: FloatArray | FileArray, errors: NDArray[np.float64], rate: float) -> Iterator[FloatArray]:
    """The final track of one appearance: jitter out, skin and lips smoothed, the head's own motion kept.

    Smoothing over a third of a second takes the noise out of the face's shape and turn, and with it half of a nod.
    Where the texture shows where the face lies, the smoothed mesh is therefore laid back exactly there.

    Args:
        meshes: float32 [n, 478, 3] of consecutive frames.
        errors: float64 [n, 4] as ``Steadier`` measured them.
        rate: frames per second.

    Yields:
        float32 [m, 478, 3], all meshes in order, some at a time.
    """
    known = np.asarray(np.isfinite(errors).all(axis=1))
    sure = known.sum() >= _FEWEST
    jitter = _jitter(errors, known, rate) if sure else np.zeros_like(errors)
    count = max(1, len(meshes) // _PART)
    bounds = [len(meshes) * i // count for i in range(count + 1)]
    parts = [slice(a, b) for a, b in pairwise(bounds)]
    smoothing = Smoothing(joined([fit_poses(steadied(meshes[part], jitter[part])) for part in parts]), rate)
    weight = known.astype(np.float64)
    weight = np.minimum(weight, uniform_filter1d(weight, 5, mode="nearest"))
    for part in parts:
        wide = smoothing.around(part)
        still = steadied(meshes[wide], jitter[wide])
        smoothed = smoothing.smooth(still, part)
        still = still[part.start - wide.start :][: len(smoothed)]
        yield _laid_back(smoothed, still, weight[part]) if sure else smoothed


def _laid_back(smoothed: FloatArray, still: FloatArray, weight: NDArray[np.float64]) -> FloatArray:
    """Smoothed meshes moved to where the steady ones lie, as far as ``weight`` [n] says."""
    wanted, given = frame_of(still), frame_of(smoothed)
    turn = wanted[:, :, :2] @ np.linalg.inv(given[:, :, :2])
    shift = wanted[:, :, 2] - np.einsum("nij,nj->ni", turn, given[:, :, 2])
    change = np.eye(2) + weight[:, None, None] * (turn - np.eye(2))
    out = smoothed.copy()
    out[:, :, :2] = np.einsum("nij,npj->npi", change, smoothed[:, :, :2]) + (weight[:, None] * shift)[:, None]
    return out


def _jitter(errors: NDArray[np.float64], known: NDArray[np.bool_], rate: float) -> NDArray[np.float64]:
    """The quick part of the errors, float64 [n, 4]; 0 where it is not known."""
    index = np.arange(len(errors))
    filled = np.stack([np.interp(index, index[known], errors[known, c]) for c in range(4)], axis=1)
    jitter = filled - _slow(filled, rate)
    jitter[~known] = 0
    return jitter


def steadied(meshes: FloatArray, jitter: NDArray[np.float64]) -> FloatArray:
    """Meshes, float32 [n, 478, 3], with the jitter, float64 [n, 4] like ``Steadier.errors``, taken out."""
    frames = frame_of(meshes)
    out = meshes.copy()
    for row, (size, turn, right, down) in enumerate(jitter):
        linear, offset = frames[row, :, :2], frames[row, :, 2]
        cos, sin = (1 + size) * np.cos(turn), (1 + size) * np.sin(turn)
        change = np.array([[cos, -sin], [sin, cos]])
        moved = (meshes[row, :, :2] - offset) @ change.T + offset + linear @ np.array([right, down])
        out[row, :, :2] = moved
        out[row, :, 2] = meshes[row, :, 2] * (1 + size)
    return out


def _slow(values: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    return np.asarray(gaussian_filter1d(values, _DRIFT_S * rate / 2, axis=0, mode="nearest"))


def _patch_place(mesh: FloatArray) -> NDArray[np.float64]:
    """From pixels of the patch to pixels of the picture, [2, 3]."""
    place = frame_of(mesh[None])[0]
    scale = 1 / _PER_WIDTH
    start = place[:, :2] @ np.array([_LEFT + scale / 2, _TOP + scale / 2]) + place[:, 2]
    return np.column_stack([place[:, :2] * scale, start])


def _blurred(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(luma.astype(np.float32), (5, 5), 1.0))


def _basis() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Places of the patch's inner pixels in face widths."""
    x = _LEFT + (np.arange(_SIZE[0]) + 0.5) / _PER_WIDTH
    y = _TOP + (np.arange(_SIZE[1]) + 0.5) / _PER_WIDTH
    across, down = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return across, down


_X, _Y = _basis()
_INNER = (slice(_MARGIN, -_MARGIN), slice(_MARGIN, -_MARGIN))


def _register(mean: NDArray[np.float32], patch: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Similarity that brings the mean onto the patch (Lucas-Kanade, gain and offset free); and the patch moved back."""
    gx = cv2.Sobel(mean, cv2.CV_32F, 1, 0, ksize=3)[_INNER] * (_PER_WIDTH / 8)
    gy = cv2.Sobel(mean, cv2.CV_32F, 0, 1, ksize=3)[_INNER] * (_PER_WIDTH / 8)
    x, y, still = _X[_INNER], _Y[_INNER], mean[_INNER]
    columns = [gx * x + gy * y, gy * x - gx * y, gx, gy, still - still.mean(), np.ones_like(still)]
    design = np.stack([c.ravel() for c in columns])
    # sums without BLAS: for so little work its threads cost more than they give
    square = np.einsum("in,jn->ij", design, design).astype(np.float64)
    inverse = np.linalg.inv(square + np.diag(1e-6 * np.diag(square) + 1e-6))
    error, moved = np.zeros(4), patch
    for _ in range(_ROUNDS):
        step = inverse @ np.einsum("in,n->i", design, (still - moved[_INNER]).ravel())
        error = error + step[:4]
        moved = _moved(patch, error)
        if np.abs(step[:4]).max() < _ENOUGH:
            break
    return error, moved


def _moved(patch: NDArray[np.float32], error: NDArray[np.float64]) -> NDArray[np.float32]:
    """The patch as it would be sampled by a mesh without this error."""
    size, turn, right, down = error.tolist()
    left, top = _LEFT + 0.5 / _PER_WIDTH, _TOP + 0.5 / _PER_WIDTH
    across = (size * left - turn * top + right) * _PER_WIDTH
    along = (turn * left + size * top + down) * _PER_WIDTH
    place = np.array([[1 + size, -turn, across], [turn, 1 + size, along]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(patch, place, _SIZE, flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    one, two = (part - cv2.mean(part)[0] for part in (a[_INNER], b[_INNER]))
    return float((one * two).sum() / (cv2.norm(one) * cv2.norm(two) + 1e-6))


def _window(seconds: float, rate: float) -> int:
    return max(3, round(seconds * rate)) // 2 * 2 + 1


def _fit(values: NDArray[np.float64], seconds: float, rate: float) -> NDArray[np.float64]:
    from scipy.signal import savgol_filter

    window = _window(seconds, rate)
    if window > len(values):
        window = (len(values) - 1) // 2 * 2 + 1
    if window < 5:
        return values.copy()
    return np.asarray(savgol_filter(values, window, 2, axis=0, mode="interp"))

"""Smooths one appearance's meshes in time, a part of it after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.geometry import Poses, to_canonical, to_image
from lipsync_engine.faces.mesh import LIPS
from lipsync_engine.records import FloatArray

#: Seconds over which the head's turns, the skin and its place, and the lips are fitted.
_HEAD_S, _SKIN_S, _LIPS_S = 0.3, 0.23, 0.1


class Smoothing:
    """Zero-phase Savitzky-Golay smoothing of one uninterrupted span, pose and face shape apart.

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

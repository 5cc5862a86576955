"""``FaceTrack``: every seen face of a title, smoothed, with its pose; made once, used by every language."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.geometry import POINTS, Poses, fit_poses, point_groups, to_canonical, to_image
from lipsync_engine.records import FloatArray

#: Raised whenever the meaning of a stored track changes.
FORMAT = 1


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """One row per seen face and frame, ordered by (identity, frame).

    Attributes:
        times_s: float64 [T], presentation time of every frame of the title.
        shots: int32 [T], number of the shot that each frame belongs to.
        size: int32 [2], width and height of the picture.
        speech: int64 [S, 3], source speech: start ms, end ms, number of the speaker; empty where unknown.
        frame: int32 [N], the frame of each row.
        identity: int32 [N], the person; stable across the shots where that can be told.
        span: int32 [N], one uninterrupted appearance in one shot.
        landmarks: float32 [N, 478, 3], smoothed, pixels.
        confidence: float32 [N], 0 to 1: how well the rigid anchors fit a face.
        sharpness: float32 [N], variance of the Laplacian of the mouth region's luma at a fixed size.
        light: float32 [N, 3], mean RGB of the cheeks.
        thumb: uint8 [N, 16, 24], pose-normalised luma of the mouth.
        file: where the track is stored, together with what else the analysis kept; ``None`` in memory only.
    """

    times_s: NDArray[np.float64]
    shots: NDArray[np.int32]
    size: NDArray[np.int32]
    speech: NDArray[np.int64]
    frame: NDArray[np.int32]
    identity: NDArray[np.int32]
    span: NDArray[np.int32]
    landmarks: FloatArray
    confidence: FloatArray
    sharpness: FloatArray
    light: FloatArray
    thumb: NDArray[np.uint8]
    file: Path | None = None

    @property
    def identities(self) -> list[int]:
        """Every person, the most seen first."""
        values, counts = np.unique(self.identity, return_counts=True)
        return [int(values[i]) for i in np.argsort(-counts, kind="stable")]

    def of(self, identity: int) -> FaceTrack:
        """Only the rows of one person: views of these, since a person's rows lie together."""
        first, last = np.searchsorted(self.identity, [identity, identity + 1])
        return self.rows(slice(first, last))

    def rows(self, index: NDArray[np.intp] | slice) -> FaceTrack:
        """Only the rows ``index``."""
        return replace(self, **{name: getattr(self, name)[index] for name in _ROW_FIELDS})

    def save(self, path: Path, more: Mapping[str, NDArray[np.generic]] | None = None) -> FaceTrack:
        """Write as ``.npz`` (same track, same bytes) under a temporary name, then rename.

        Args:
            path: the file.
            more: other arrays to store beside the track.

        Returns:
            The track, which knows its file.
        """
        temporary = path.with_name(f".{path.name}.{os.getpid()}.part.npz")
        arrays = {name: getattr(self, name) for name in _stored_fields()}
        np.savez(temporary, format=np.int32(FORMAT), **arrays, **(more or {}))
        os.replace(temporary, path)
        return replace(self, file=path)

    @classmethod
    def load(cls, path: Path) -> FaceTrack:
        """Read what ``save`` wrote.

        Raises:
            ValueError: the file was written by another format.
        """
        with np.load(path) as stored:
            if int(stored.get("format", -1)) != FORMAT or not set(_stored_fields()) <= set(stored):
                raise ValueError(f"{path.name} is no face track of format {FORMAT}: analyse the title again")
            return cls(**{name: stored[name] for name in _stored_fields()}, file=path)


def _stored_fields() -> list[str]:
    return [field.name for field in fields(FaceTrack) if field.name != "file"]


_ROW_FIELDS = ("frame", "identity", "span", "landmarks", "confidence", "sharpness", "light", "thumb")


def smooth(landmarks: FloatArray, rate: float) -> FloatArray:
    """Zero-phase Savitzky-Golay smoothing of one uninterrupted span, pose and face shape apart.

    The head turns slowly against the jitter of a mesh: the pose is fitted over 0.3 s and the skin over 0.23 s. The
    lips move as fast as the jitter (a closure lasts two frames of 25 a second), so they are fitted over 0.1 s, which
    leaves them as seen up to 30 frames a second.

    Args:
        landmarks: float32 [n, 478, 3] of consecutive frames.
        rate: frames per second.
    """
    from scipy.spatial.transform import Rotation

    poses = fit_poses(landmarks)
    turns = Rotation.from_matrix(poses.rotation)
    middle = turns[len(turns) // 2]
    vectors = (middle.inv() * turns).as_rotvec()
    steady = Poses(
        rotation=(middle * Rotation.from_rotvec(_fit(vectors, 0.3, rate))).as_matrix(),
        scale=np.exp(_fit(np.log(poses.scale)[:, None], 0.3, rate))[:, 0],
        offset=_fit(poses.offset, 0.23, rate),
        residual=poses.residual,
    )
    out = np.empty_like(landmarks, np.float32)
    lips = np.zeros(POINTS, bool)
    lips[_lip_points()] = True
    for group in point_groups():  # a part of the mesh at a time: a span may be a whole title
        canonical = to_canonical(landmarks[:, group], poses)
        fitted = _fit(canonical, 0.23, rate)
        fitted[:, lips[group]] = _fit(canonical[:, lips[group]], 0.1, rate)
        out[:, group] = to_image(fitted, steady)
    return out


def _lip_points() -> list[int]:
    from lipsync_engine.mesh import LIPS

    return list(LIPS)


def _fit(values: NDArray[np.float64], seconds: float, rate: float) -> NDArray[np.float64]:
    from scipy.signal import savgol_filter

    window = max(3, round(seconds * rate)) // 2 * 2 + 1
    if window > len(values):
        window = (len(values) - 1) // 2 * 2 + 1
    if window < 5:
        return values.copy()
    return np.asarray(savgol_filter(values, window, 2, axis=0, mode="interp"))

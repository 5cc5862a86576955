"""``FaceTrack``: every seen face of a title, smoothed, with its pose; made once, used by every language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.filearray import FileArray, save_arrays, stored_array
from lipsync_engine.records import FloatArray

#: Raised whenever the meaning of a stored track changes.
FORMAT = 2


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """One row per seen face and frame, ordered by (identity, frame).

    Attributes:
        times_s: float64 [T], presentation time of every frame of the title.
        shots: int32 [T], number of the shot that each frame belongs to.
        size: int32 [2], width and height of the picture.
        speech: int64 [S, 3], source speech: start ms, end ms, number of the speaker; empty where unknown.
        frame: int32 [N], the frame of each row.
        identity: int32 [N], the person; stable across the shots where that can be decided.
        span: int32 [N], one uninterrupted appearance in one shot.
        landmarks: float32 [N, 478, 3], smoothed, pixels; in a file, since those of a long title would fill the memory.
        confidence: float32 [N], 0 to 1: the network's probability of a face, how well the rigid anchors fit one, and
            how much nose and cheeks look as they did before (less where something covers them).
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
    landmarks: FloatArray | FileArray
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
        """Only the rows ``index``, int [n] or a slice."""
        rows: dict[str, Any] = {name: _rows(getattr(self, name), index) for name in _ROW_FIELDS}
        return replace(self, **rows)

    def save(self, path: Path, more: Mapping[str, NDArray[Any] | FileArray] | None = None) -> FaceTrack:
        """Write as ``.npz`` (same track, same bytes) under a temporary name, then rename.

        Args:
            path: the file.
            more: other arrays, of any dtype and shape, to store beside the track.

        Returns:
            The track as it lies in the file.
        """
        arrays = {name: getattr(self, name) for name in _stored_fields()}
        save_arrays(path, {"format": np.array(FORMAT, np.int32), **arrays, **(more or {})})
        return replace(self, landmarks=stored_array(path, "landmarks"), file=path)

    @classmethod
    def load(cls, path: Path) -> FaceTrack:
        """Read what ``save`` wrote.

        Raises:
            ValueError: the file was written by another format.
        """
        with np.load(path) as stored:
            if int(stored.get("format", -1)) != FORMAT or not set(_stored_fields()) <= set(stored):
                raise ValueError(f"{path.name} is not a face track of format {FORMAT}: analyse the title again")
            arrays = {name: stored[name] for name in _stored_fields() if name != "landmarks"}
        return cls(**arrays, landmarks=stored_array(path, "landmarks"), file=path)


def _stored_fields() -> list[str]:
    return [field.name for field in fields(FaceTrack) if field.name != "file"]


def _rows(values: NDArray[Any] | FileArray, index: NDArray[np.intp] | slice) -> NDArray[Any] | FileArray:
    return values.rows(index) if isinstance(values, FileArray) else values[index]


_ROW_FIELDS = ("frame", "identity", "span", "landmarks", "confidence", "sharpness", "light", "thumb")

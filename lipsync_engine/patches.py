"""The chosen observations' pixels, kept on disk so that memory does not grow with the title."""

from __future__ import annotations

import mmap
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from lipsync_engine import video
from lipsync_engine.video import Planes, VideoFacts
from lipsync_engine.window import Region, crop

#: (number of the person, row of that person's track)
Key = tuple[int, int]


class PatchStore:
    """Planes of the lower face of chosen frames, in an unnamed temporary file read through a memory map."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        self._places: dict[Key, tuple[int, Region, np.dtype[np.generic]]] = {}
        self._map: mmap.mmap | None = None

    def gather(self, path: Path, facts: VideoFacts, wanted: dict[int, list[tuple[Key, Region]]]) -> None:
        """Decode once and keep the wanted regions.

        Args:
            path: the picture.
            facts: its facts.
            wanted: frame number to (key, region) of every patch taken from it.
        """
        last = max(wanted, default=-1)
        for frame in video.read(path, facts) if wanted else ():
            for key, region in wanted.get(frame.index, ()):
                self._places[key] = (self._file.tell(), region, frame.planes[0].dtype)
                for plane in crop(frame.planes, region):
                    self._file.write(plane.tobytes())
            if frame.index >= last:
                break
        self._file.flush()
        if self._file.tell():
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def get(self, key: Key) -> tuple[Planes, tuple[int, int]]:
        """Planes of a patch and the (left, top) of its region."""
        if self._map is None:
            raise KeyError(key)
        at, region, kind = self._places[key]
        planes: list[Any] = []
        for index in range(3):
            step = 2 if index else 1
            shape = (region.height // step, region.width // step)
            planes.append(np.frombuffer(self._map, kind, shape[0] * shape[1], at).reshape(shape))
            at += shape[0] * shape[1] * kind.itemsize
        return (planes[0], planes[1], planes[2]), (region.left, region.top)

    def __enter__(self) -> PatchStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

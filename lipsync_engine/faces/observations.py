"""The pixels of a title's mouths, kept while it is analysed, so that no edit needs a second look at the picture.

A title is cut into runs of about a second for each face. Within a budget of bytes the sharper and more various runs
stay. They lie in a temporary file while the title streams by, then inside the stored analysis (a zip whose members are
not compressed), from where they are read when they are shown.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import FACE_LEFT, FACE_RIGHT, INNER_BOTTOM, INNER_TOP, NOSE_BASE
from lipsync_engine.faces.mesh import LIPS
from lipsync_engine.media.filearray import FileArray, stored_array
from lipsync_engine.media.video import Frame, Planes, VideoFacts
from lipsync_engine.media.window import Region, crop, region_of
from lipsync_engine.records import FloatArray

#: Bytes of pixels kept for one title.
BUDGET = 384 * 2**20
#: Length of a run in seconds; reach of a patch around the lips in face widths.
_RUN_S, _REACH = 1.0, 0.16
#: How much a range of opening of one face width weighs against the logarithm of sharpness.
_VARIETY = 8.0
_TABLE, _PIXELS = "observation_table", "observation_pixels"
#: Columns of the table: frame, identity, left, top, width, height, first byte, bytes a sample.
_COLUMNS = 8


@dataclass(slots=True)
class _Run:
    """Consecutive patches of one face."""

    frames: list[int] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    centres: list[FloatArray] = field(default_factory=list)
    pixels: list[bytes] = field(default_factory=list)
    sharpness: list[float] = field(default_factory=list)
    opening: list[float] = field(default_factory=list)
    width: float = 1.0
    place: int = 0
    size: int = 0

    @property
    def value(self) -> float:
        """Worth of keeping: sharp, and rich in different mouths."""
        sharp = float(np.log(max(float(np.median(self.sharpness)), 1e-3)))
        return sharp + _VARIETY * float(np.ptp(self.opening))


class Collector:
    """Watches a title stream by and keeps the mouths worth keeping; a context manager, since it holds a file."""

    def __init__(self, facts: VideoFacts, budget: int = BUDGET) -> None:
        self._size = (facts.width, facts.height)
        self._length = max(2, round(_RUN_S * float(facts.rate)))
        self._budget = budget
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        self._sorted = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        self._open: list[_Run] = []
        self._kept: list[_Run] = []
        self._holes: list[tuple[int, int]] = []
        self._bytes = 1

    def see(self, frame: Frame, meshes: list[FloatArray]) -> None:
        """Take the mouths of one frame; frames come in order.

        Args:
            frame: the decoded frame.
            meshes: every face in it, float32 [478, 3] in pixels.
        """
        for run in [r for r in self._open if r.frames[-1] < frame.index - 1 or len(r.frames) >= self._length]:
            self._close(run)
        for mesh in meshes:
            region = region_of(_corners(mesh), self._size)
            if region is None:
                continue
            planes = crop(frame.planes, region)
            centre, width = mesh[:, :2].mean(axis=0), float(np.linalg.norm(mesh[FACE_RIGHT] - mesh[FACE_LEFT])) + 1e-6
            run = self._run_of(frame.index, centre, width)
            run.frames.append(frame.index)
            run.regions.append(region)
            run.centres.append(centre)
            run.pixels.append(b"".join(plane.tobytes() for plane in planes))
            run.sharpness.append(_sharpness(planes[0]))
            run.opening.append(float(np.linalg.norm(mesh[INNER_BOTTOM] - mesh[INNER_TOP])) / width)

    def _run_of(self, index: int, centre: FloatArray, width: float) -> _Run:
        near = [r for r in self._open if r.frames[-1] == index - 1]
        gaps = [float(np.linalg.norm(r.centres[-1] - centre)) / width for r in near]
        if gaps and min(gaps) < 0.5:
            return near[int(np.argmin(gaps))]
        run = _Run(width=width)
        self._open.append(run)
        return run

    def _close(self, run: _Run) -> None:
        self._open.remove(run)
        run.size = sum(map(len, run.pixels))
        self._kept.append(run)
        self._bytes += run.size
        while self._bytes > self._budget:
            worst = min(self._kept, key=lambda r: r.value)
            self._kept.remove(worst)
            self._bytes -= worst.size
            if worst is run:
                return
            self._holes.append((worst.place, worst.size))
        run.place = self._room(run.size)
        self._file.seek(run.place)
        self._file.writelines(run.pixels)
        run.pixels = []

    def _room(self, size: int) -> int:
        for number, (place, length) in enumerate(self._holes):
            if length >= size:
                self._holes[number] = (place + size, length - size)
                return place
        return self._file.seek(0, 2)

    def members(self, track: FaceTrack) -> dict[str, NDArray[np.generic] | FileArray]:
        """What goes into the stored analysis: a table and the pixels, ordered by frame.

        Args:
            track: the finished track, which says who is who; patches of faces that it left out are dropped.
        """
        for run in list(self._open):
            self._close(run)
        rows = Rows(track)
        table: list[tuple[int, ...]] = []
        at = 0
        for run in sorted(self._kept, key=lambda r: (r.frames[0], r.place)):
            place = run.place
            for frame, region, centre in zip(run.frames, run.regions, run.centres, strict=True):
                samples = region.width * region.height * 3 // 2
                each = run.size // sum(r.width * r.height * 3 // 2 for r in run.regions)
                who = rows.who(frame, centre, run.width)
                if who is not None:
                    self._file.seek(place)
                    self._sorted.write(self._file.read(samples * each))
                    box = (region.left, region.top, region.width, region.height)
                    table.append((frame, who, *box, at, each))
                    at += samples * each
                place += samples * each
        self._sorted.flush()
        pixels = FileArray(self._sorted, 0, (at,), np.uint8)
        return {_TABLE: np.array(table, np.int64).reshape(-1, _COLUMNS), _PIXELS: pixels}

    def __enter__(self) -> Collector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._sorted.close()


class Rows:
    """Finds the person of a track that stands at a place."""

    def __init__(self, track: FaceTrack) -> None:
        self._order = np.argsort(track.frame, kind="stable")
        self._frame = track.frame[self._order]
        self._track = track

    def who(self, frame: int, centre: FloatArray, width: float) -> int | None:
        """The person whose face has this middle and width; ``None`` for nobody.

        Args:
            frame: number of the frame.
            centre: float [2], the middle of its landmarks, pixels.
            width: width of the face, pixels.
        """
        rows = self._order[slice(*np.searchsorted(self._frame, [frame, frame + 1]))]
        if not len(rows):
            return None
        gaps = np.linalg.norm(self._track.landmarks[rows, :, :2].mean(axis=1) - centre, axis=1)
        best = int(gaps.argmin())
        return int(self._track.identity[rows[best]]) if gaps[best] < 0.3 * width else None


def _corners(mesh: FloatArray) -> NDArray[np.float64]:
    """The box that a patch covers: the lips and the skin around them that is shown with them, float64 [2, 2]."""
    points = mesh[[*LIPS, NOSE_BASE], :2].astype(np.float64)
    reach = _REACH * float(np.linalg.norm(mesh[FACE_RIGHT, :2] - mesh[FACE_LEFT, :2]))
    return np.stack([points.min(axis=0) - reach, points.max(axis=0) + reach])


def _sharpness(luma: NDArray[np.generic]) -> float:
    """Variance of the Laplacian relative to that of the patch, so that neither light nor size decides."""
    samples: Any = luma
    small = np.asarray(cv2.resize(samples, (64, 48), interpolation=cv2.INTER_AREA), np.float32)
    return float(cv2.Laplacian(small, cv2.CV_32F).var() / (small.var() + 1.0))


class Observations:
    """Patches stored in an analysis, read when they are asked for."""

    def __init__(self, path: Path | None) -> None:
        self._table = np.zeros((0, _COLUMNS), np.int64)
        self._pixels: FileArray | None = None
        found = _read(path) if path is not None else None
        if found is not None:
            self._table, self._pixels = found
        self._place: Mapping[tuple[int, int], int] = {
            (int(row[0]), int(row[1])): number for number, row in enumerate(self._table)
        }

    def frames(self, identity: int) -> NDArray[np.int64]:
        """Frames in which a person's mouth is kept, increasing."""
        return np.asarray(np.unique(self._table[self._table[:, 1] == identity, 0]))

    def holds(self, frame: int, identity: int) -> bool:
        """Whether a mouth was kept; reads nothing."""
        return self._pixels is not None and (frame, identity) in self._place

    def get(self, frame: int, identity: int) -> tuple[Planes, tuple[int, int]] | None:
        """Planes of a mouth and the (left, top) of its region; ``None`` where it was not kept."""
        number = self._place.get((frame, identity))
        if number is None or self._pixels is None:
            return None
        _, _, left, top, width, height, at, each = (int(v) for v in self._table[number])
        kind = np.uint16 if each == 2 else np.uint8
        samples = self._pixels[at : at + width * height * 3 // 2 * each].view(kind)
        half = (height // 2, width // 2)
        luma, quarter = width * height, half[0] * half[1]
        u, v = samples[luma : luma + quarter], samples[luma + quarter :]
        return (samples[:luma].reshape(height, width), u.reshape(half), v.reshape(half)), (left, top)  # type: ignore[return-value]


def stored_mouths(path: Path) -> dict[str, NDArray[np.generic] | FileArray]:
    """What `Collector.members` put into a stored analysis; the pixels stay in it.

    Raises:
        KeyError: it has none.
    """
    return {_TABLE: stored_array(path, _TABLE)[:], _PIXELS: stored_array(path, _PIXELS)}


def _read(path: Path) -> tuple[NDArray[np.int64], FileArray] | None:
    """The table and the pixels (in the file) of an analysis; ``None`` where the file has none."""
    try:
        table = stored_array(path, _TABLE)[:]
        return (table, stored_array(path, _PIXELS)) if len(table) else None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None

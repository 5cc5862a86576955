"""Apply the speakers' networks to frames that the engine has painted."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lipsync_engine.draw.refine import windows
from lipsync_engine.draw.refine.learn import Learned
from lipsync_engine.draw.refine.net import GRID, inputs
from lipsync_engine.draw.refine.samples import confidence_at, mouths_at
from lipsync_engine.media import video
from lipsync_engine.media.window import Region
from lipsync_engine.plan.edit import Score, faces
from lipsync_engine.plan.person import Person
from lipsync_engine.records import FloatArray

#: Entries whose faces are computed together, and neighbours on each side that steady the shape.
_CHUNK, _MARGIN = 200, 5


class Corrections:
    """Corrects painted frames in place; people without a network that won are left as painted.

    Args:
        scores: each person and the edit of that person, as given to the painter.
        learned: for each of them the network, or ``None``.
        size: width and height of the picture.
        device: ``"cpu"`` or ``"cuda"``.
    """

    def __init__(
        self,
        scores: Sequence[tuple[Person, Score]],
        learned: Sequence[Learned | None],
        size: tuple[int, int],
        device: str = "cpu",
    ) -> None:
        self._parts = [
            _Part(who, score, one, size, device)
            for (who, score), one in zip(scores, learned, strict=True)
            if one is not None and one.outcome.kept
        ]

    def apply(self, frames: Sequence[video.Frame]) -> None:
        """Correct consecutive painted frames."""
        for part in self._parts:
            part.apply(frames)


class _Part:
    def __init__(self, who: Person, score: Score, learned: Learned, size: tuple[int, int], device: str) -> None:
        self._who, self._score, self._size = who, score, size
        self._device = torch.device(device)
        self._net = learned.net.to(self._device).eval()
        self._entry = {int(f): i for i, f in enumerate(score.frame)}
        self._mouths = mouths_at(score, learned.scale)
        self._confidence = confidence_at(who, score, learned.scale) * score.strength
        self._chunk = slice(0, 0)
        self._faces: NDArray[np.float64] = np.zeros((0, 478, 2))

    def apply(self, frames: Sequence[video.Frame]) -> None:
        jobs = []
        for frame in frames:
            at = self._entry.get(frame.index)
            if at is None:
                continue
            mesh = self._face(at)
            width = float(self._who.poses.scale[self._score.row[at]] * self._who.shape.width)
            window = windows.window_of(mesh, width, self._size)
            if window is not None:
                mask = windows.mask_of(mesh, width, window) * self._score.strength[at]
                jobs.append((frame, at, window, mask, windows.lines_of(mesh, width, window)))
        if not jobs:
            return
        change = self._changes(jobs)
        for (frame, _, window, mask, _), one in zip(jobs, change, strict=True):
            whole = np.stack([cv2.resize(c, (window.width, window.height)) for c in one])
            windows.write(frame.planes, window, whole * mask)

    def _changes(self, jobs: list[tuple[video.Frame, int, Region, FloatArray, FloatArray]]) -> FloatArray:
        entries = [at for _, at, *_ in jobs]
        drawn = np.stack([[_small(c) for c in windows.read(f.planes, w)] for f, _, w, _, _ in jobs])
        mask = np.stack([_small(m)[None] for *_, m, _ in jobs])
        lines = np.stack([_small(line)[None] for *_, line in jobs])
        with torch.inference_mode():
            confidence, mouths = self._confidence[entries], self._mouths[entries]
            seen, hidden, drawn_lines, sure, path = (
                torch.from_numpy(x).to(self._device) for x in (drawn, mask, lines, confidence, mouths)
            )
            out = self._net(inputs(seen, seen, hidden, drawn_lines, sure), path)
        return np.asarray(out.cpu().numpy(), np.float32)

    def _face(self, at: int) -> NDArray[np.float64]:
        if not self._chunk.start <= at < self._chunk.stop:
            last = min(at + _CHUNK, len(self._score.row))
            padded = slice(max(0, at - _MARGIN), min(len(self._score.row), last + _MARGIN))
            self._faces = faces(self._who, self._score, padded)[at - padded.start :]
            self._chunk = slice(at, last)
        return np.asarray(self._faces[at - self._chunk.start])


def _small(image: FloatArray) -> FloatArray:
    way = cv2.INTER_AREA if image.shape[0] > GRID else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (GRID, GRID), interpolation=way), np.float32)

"""Whole pictures that another system made, in place of the title's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.exchange.clips import scaled
from lipsync_engine.exchange.judge import Seen
from lipsync_engine.media import video


class Replaced:
    """Whole pictures of takes in place of the title's.

    Args:
        whole: the takes.
        times_s: float64 [T], presentation times of the title's frames.
        facts: of the title's picture.
    """

    def __init__(self, whole: Sequence[Seen], times_s: NDArray[np.float64], facts: video.VideoFacts) -> None:
        self._facts = facts
        self.frames = np.zeros(len(times_s), bool)
        self._place: dict[int, tuple[int, int]] = {}
        self._readers = []
        for number, one in enumerate(whole):
            clip = video.probe(one.take.clip)
            own = replace(clip, pixel_format=facts.pixel_format)
            self._readers.append(_Reader(one.take.clip, own))
            piece = one.take.piece
            self.frames[piece.first : piece.stop] = True
            late_s = one.offset_frames * float(np.median(np.diff(times_s)))
            for frame in range(piece.first, piece.stop):
                at = (float(times_s[frame]) - piece.start_s + late_s) * float(clip.rate)
                self._place[frame] = number, max(0, round(at))

    def apply(self, frames: Sequence[video.Frame]) -> None:
        """Replace consecutive frames, in place; frames come in order of time."""
        size = (self._facts.width // 2 * 2, self._facts.height // 2 * 2)
        for frame in frames:
            if frame.index in self._place:
                number, at = self._place[frame.index]
                for target, plane in zip(frame.planes, scaled(self._readers[number].at(at), size), strict=True):
                    target[: plane.shape[0], : plane.shape[1]] = plane


class _Reader:
    """Frames of a clip by rising numbers; beyond its end the last one."""

    def __init__(self, path: Path, facts: video.VideoFacts) -> None:
        self._frames = video.read(path, facts)
        self._last = next(self._frames)

    def at(self, index: int) -> video.Planes:
        while self._last.index < index and (after := next(self._frames, None)) is not None:
            self._last = after
        return self._last.planes

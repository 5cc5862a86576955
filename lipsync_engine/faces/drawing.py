"""Whether a face is drawn: flat areas between steep lines, which filmed skin does not have.

A picture of the whole face is compared with itself: how steep its steepest edges are against its usual slopes. By the
median of their frames fourteen filmed people gave 26 to 88 (single frames up to 136), three photographs 20 to 24; the
people as two cartoon filters draw them 111 to 1824 but for two of twenty-eight, a rendered and an inked cartoon 140 and
169. Paintings, soft drawings and pictures of few tones look like photographs to it.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import frame_of
from lipsync_engine.faces.observations import Rows
from lipsync_engine.media.video import Frame, VideoFacts
from lipsync_engine.records import FloatArray

#: Side of the picture that is looked at, for one face width; where it begins; frames from one look to the next.
_SIDE, _CORNER, _EVERY = 128, (-0.5, -0.45), 5
_ROWS, _COLUMNS = np.mgrid[:_SIDE, :_SIDE]
_OVAL = ((_COLUMNS - 63.5) / 46) ** 2 + ((_ROWS - 60) / 52) ** 2 < 1
_DRAWN = 108.0
_MEMBER = "lines_of_faces"


def lines(picture: Picture, mesh: FloatArray) -> float:
    """How steep the steepest edges of a face, mesh float32 [478, 3], are against its usual slopes."""
    place = frame_of(mesh[None])[0]
    corner = place[:, :2] @ np.array(_CORNER) + place[:, 2]
    luma = picture.luma(np.column_stack([place[:, :2] / _SIDE, corner]), (_SIDE, _SIDE)).astype(np.float32)
    across, down = (cv2.Sobel(luma, cv2.CV_32F, x, 1 - x, scale=0.125) for x in (1, 0))
    steep: NDArray[np.float32] = np.hypot(across, down)[_OVAL] / max(float(luma[_OVAL].std()), 1.0)
    usual, most = np.percentile(steep, (50, 95))
    return float(most / max(float(usual), 1e-3) ** 2)


class Sketches:
    """Watches a title stream by and looks at every fifth frame's faces."""

    def __init__(self, facts: VideoFacts) -> None:
        self._colour = facts.colour
        self._seen: list[tuple[int, FloatArray, float, float]] = []

    def see(self, frame: Frame, meshes: list[FloatArray]) -> None:
        """Take the faces of a frame, float32 [478, 3] in pixels each."""
        if frame.index % _EVERY == 0:
            picture = Picture(frame.planes, self._colour)
            for mesh in meshes:
                middle, width = mesh[:, :2].mean(axis=0), float(np.ptp(mesh[:, 0]))
                self._seen.append((frame.index, middle, width, lines(picture, mesh)))

    def member(self, track: FaceTrack) -> dict[str, NDArray[np.generic]]:
        """What a stored analysis keeps: person and median, float64 [people, 2]."""
        rows, found = Rows(track), dict[int, list[float]]()
        for index, middle, width, value in self._seen:
            who = rows.who(index, middle, width)
            if who is not None:
                found.setdefault(who, []).append(value)
        return {_MEMBER: np.array([(w, np.median(v)) for w, v in sorted(found.items())], np.float64).reshape(-1, 2)}


def stored_sketches(analysis: Path) -> dict[str, NDArray[np.generic]]:
    """What `Sketches.member` put into a stored analysis.

    Raises:
        KeyError: it has nothing of it.
    """
    with np.load(analysis) as stored:
        return {_MEMBER: stored[_MEMBER]}


def is_drawn(analysis: Path | None, identity: int) -> bool:
    """Whether a person of a stored analysis is a drawing; no where that was not looked at."""
    if analysis is None:
        return False
    try:
        with np.load(analysis) as stored:
            table = stored[_MEMBER]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return False
    return bool((table[table[:, 0] == identity, 1] > _DRAWN).any())

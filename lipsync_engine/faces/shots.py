"""Finds hard cuts while the picture streams past."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.media.video import Plane
from lipsync_engine.records import FloatArray

#: Histogram distance (Bhattacharyya) above which two pictures cannot be of one shot, and below which they must be.
_APART, _ALIKE = 0.42, 0.06
#: Correlation of two pictures at their best shift below which a smaller distance is a cut: (least distance, most
#: correlation). A pan keeps its content, only elsewhere: at an eighth of the width each picture, distances up to .12
#: and correlations from .71 were measured; cuts between eleven clips had distances from .14 and correlations to .61.
_SHIFTED = ((0.12, 0.65), (_ALIKE, 0.33))
#: A flash is over after this many seconds, and the shot goes on.
_FLASH_S = 0.13
_WIDTH, _HEIGHT = 64, 36


@dataclass(frozen=True, slots=True)
class Glance:
    """What of a picture is compared: shares of luma and chroma values, and a small luma."""

    histogram: FloatArray
    luma: FloatArray


def glance(picture: Picture) -> Glance:
    """The comparable extract of a picture of any size and depth."""
    top = 1024 if picture.planes[0].dtype == np.uint16 else 256
    small = [_small(plane) for plane in picture.planes]
    counts = [cv2.calcHist([p], [0], None, [32], [0, top]).ravel() for p in small]
    smooth = np.concatenate([np.convolve(c, (0.25, 0.5, 0.25), mode="same") for c in counts]).astype(np.float32)
    return Glance(smooth / max(float(smooth.sum()), 1.0), small[0].astype(np.float32))


def _likeness(a: Glance, b: Glance) -> float:
    """Correlation of two small pictures at their best shift, -1 to 1."""
    window = np.outer(np.hanning(_HEIGHT + 2)[1:-1], np.hanning(_WIDTH + 2)[1:-1]) ** 0.5
    spectra = []
    for luma in (a.luma, b.luma):
        flat = (luma - luma.mean()) * window
        flat -= flat.mean()
        padded = np.zeros((2 * _HEIGHT, 2 * _WIDTH))
        padded[:_HEIGHT, :_WIDTH] = flat / max(float(np.linalg.norm(flat)), 1e-6)
        spectra.append(np.fft.rfft2(padded))
    return float(np.fft.irfft2(spectra[0] * np.conj(spectra[1])).max())


def _small(plane: Plane) -> Plane:
    rows, columns = plane.shape
    step = max(1, min(rows // _HEIGHT, columns // _WIDTH) // 3)
    small = cv2.resize(plane[::step, ::step], (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    return cast(Plane, small)


def apart(a: Glance, b: Glance) -> bool:
    """Whether two neighbouring pictures belong to different shots."""
    distance = cv2.compareHist(a.histogram, b.histogram, cv2.HISTCMP_BHATTACHARYYA)
    if distance > _APART:
        return True
    limits = [most for least, most in _SHIFTED if distance >= least]
    return bool(limits) and _likeness(a, b) < limits[0]


class CutFinder:
    """Decides for each picture whether a new shot begins with it; waits a few pictures to tell flashes apart."""

    def __init__(self, rate: float) -> None:
        self._wait = max(1, round(_FLASH_S * rate))
        self._queue: deque[Glance] = deque()
        self._before: Glance | None = None

    def see(self, picture: Picture) -> list[bool]:
        """Take the next picture; returns the decisions that are final now, oldest first."""
        self._queue.append(glance(picture))
        return [self._decide()] if len(self._queue) > self._wait else []

    def end(self) -> list[bool]:
        """The decisions still owed after the last picture."""
        return [self._decide() for _ in range(len(self._queue))]

    def _decide(self) -> bool:
        now = self._queue.popleft()
        before, self._before = self._before, now
        if before is None or not apart(before, now):
            return False
        if any(not apart(before, later) for later in list(self._queue)[: self._wait]):
            self._before = before  # a flash: what follows is compared with the picture before it
            return False
        return True

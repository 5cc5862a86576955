"""How a mouth moves from frame to frame, beside the speaker's own: speed, jerks, openings of a single frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.records import BoolArray, MouthSeries

#: Opening in face widths (a face is about 14 cm wide) that is seen: 3 mm.
_SEEN = 3.0 / 140.0
#: The quickest frames, which a viewer notices.
_QUICKEST = 95
_FEWEST = 20


def one_frame_openings(mouth: MouthSeries, shown: BoolArray) -> int:
    """Frames whose lips stand 3 mm further apart than in the frames before and after.

    Args:
        mouth: as seen in the picture.
        shown: bool [T], frames that count.
    """
    aperture = mouth.values[:, 0].astype(np.float64)
    known = shown & mouth.valid
    inner = known[:-2] & known[1:-1] & known[2:]
    beside = np.maximum(aperture[:-2], aperture[2:])
    with np.errstate(invalid="ignore"):
        jumps = aperture[1:-1] - beside >= _SEEN
    return int((inner & jumps).sum())


def speed(mouth: MouthSeries, shown: BoolArray) -> float | None:
    """Speed of the lips' opening that one frame in twenty exceeds, face widths a second; ``None`` for few frames."""
    steps, pairs = np.diff(mouth.times_s), shown[1:] & shown[:-1] & mouth.valid[1:] & mouth.valid[:-1]
    return _quickest(np.diff(mouth.values[:, 0].astype(np.float64)) / steps, pairs)


def acceleration(mouth: MouthSeries, shown: BoolArray) -> float | None:
    """The same of the change of that speed, face widths a second squared."""
    known = shown & mouth.valid
    step = np.diff(mouth.times_s)
    velocity = np.diff(mouth.values[:, 0].astype(np.float64)) / step
    change = np.diff(velocity) / ((step[1:] + step[:-1]) / 2)
    return _quickest(change, known[:-2] & known[1:-1] & known[2:])


def _quickest(values: NDArray[np.float64], known: BoolArray) -> float | None:
    return float(np.percentile(np.abs(values[known]), _QUICKEST)) if known.sum() >= _FEWEST else None

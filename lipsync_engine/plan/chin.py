"""How far this speaker's chin drops with the opening of the lips: as far in the dub as in the title.

The tracker reads only a part of how far a chin moves under lips that do not: chins drawn .03 face widths lower and
higher on four filmed speakers were read at .40 to .86 of that, three of them at .66 and more; the skin over the chin of
three speakers moved 1.2 to 1.4 times as far as the tracker's chin did, in the title and in the dub alike. So a chin
that is moved as far as it reads keeps a part of the title's own motion, and lacks a part of the planned one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.mouth import chin_slope
from lipsync_engine.plan.path import APERTURE, JAW
from lipsync_engine.records import BoolArray, FloatArray, SpeakerStats

#: Slopes of chin on lips that faces have: a fitted one beyond is the tracker's.
_SLOPES = (0.05, 0.8)
#: Share of a chin's motion that the tracker reads.
_READ = 0.75


def own_chin(values: NDArray[np.float64], speech: BoolArray, stats: SpeakerStats) -> float | None:
    """What the planned chin lacks to follow the lips as the speaker's own does; ``None`` where that is not known.

    Args:
        values: float64 [T, 4], planned mouth vectors.
        speech: bool [T], frames in which something is said.
        stats: the speaker.
    """
    planned = chin_slope(values[speech])
    if stats.chin_slope is None or planned is None:
        return None
    return float(np.clip(stats.chin_slope, *_SLOPES)) - planned


def with_chin(values: NDArray[np.float64], lacks: float | None, stats: SpeakerStats) -> NDArray[np.float64]:
    """Planned mouths whose chin follows the lips by so much more; the rest pose stays as it is.

    Args:
        values: float64 [T, 4], planned mouth vectors.
        lacks: as `own_chin`, face widths for each that the lips part.
        stats: the speaker.
    """
    if lacks is None:
        return values
    out = values.copy()
    out[:, JAW] += lacks * (values[:, APERTURE] - float(stats.rest[APERTURE]))
    return out


def moved_whole(target: FloatArray, seen: FloatArray) -> FloatArray:
    """Mouths to draw so that their chins are read where they are planned; where nothing moves nothing changes.

    Args:
        target: float32 [n, 4], planned mouth vectors.
        seen: float32 [n, 4], mouth vectors of the frames that they are drawn into.
    """
    out = target.copy()
    out[:, JAW] = seen[:, JAW] + (target[:, JAW] - seen[:, JAW]) / _READ
    return out

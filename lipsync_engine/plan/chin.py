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
#: Standard deviations of this speaker's chin about where the lips alone would put it, by which a planned one may lie
#: apart from there, and the least of one, face widths. Rounds in which the slope is found under that bound.
_APART, _LEAST_APART, _ROUNDS = 1.2, 0.004, 12
#: Share of a chin's motion that the tracker reads.
_READ = 0.75


def own_chin(values: NDArray[np.float64], speech: BoolArray, stats: SpeakerStats) -> float | None:
    """What the planned chin lacks to follow the lips as the speaker's own does; ``None`` where that is not known.

    Args:
        values: float64 [T, 4], planned mouth vectors.
        speech: bool [T], frames in which something is said.
        stats: the speaker.
    """
    if stats.chin_slope is None or chin_slope(values[speech]) is None:
        return None
    lacks = 0.0
    for _ in range(_ROUNDS):  # what is held near the lips follows them more already
        lacks += _own_slope(stats.chin_slope) - (chin_slope(with_chin(values[speech], lacks, stats)) or 0.0)
    return lacks


def with_chin(values: NDArray[np.float64], lacks: float | None, stats: SpeakerStats) -> NDArray[np.float64]:
    """Planned mouths whose chin follows the lips by so much more; the rest pose stays as it is.

    Jaws run on where lips close between open vowels, but no further from where the lips would put them than this
    speaker's.

    Args:
        values: float64 [T, 4], planned mouth vectors.
        lacks: as `own_chin`, face widths for each that the lips part.
        stats: the speaker.
    """
    if lacks is None or stats.chin_slope is None:
        return values
    slope = _own_slope(stats.chin_slope)
    opened = values[:, APERTURE] - float(stats.rest[APERTURE])
    along = float(stats.rest[JAW]) + slope * opened
    spread = np.sqrt(max(0.0, float(stats.std[JAW]) ** 2 - (slope * float(stats.std[APERTURE])) ** 2))
    bound = _APART * max(float(spread), _LEAST_APART)
    out = values.copy()
    out[:, JAW] = along + bound * np.tanh((values[:, JAW] + lacks * opened - along) / bound)
    return out


def _own_slope(seen: float) -> float:
    return float(np.clip(seen, *_SLOPES))


def moved_whole(target: FloatArray, seen: FloatArray) -> FloatArray:
    """Mouths to draw so that their chins are read where they are planned; where nothing moves nothing changes.

    Args:
        target: float32 [n, 4], planned mouth vectors.
        seen: float32 [n, 4], mouth vectors of the frames that they are drawn into.
    """
    out = target.copy()
    out[:, JAW] = seen[:, JAW] + (target[:, JAW] - seen[:, JAW]) / _READ
    return out

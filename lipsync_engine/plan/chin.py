"""How far this speaker's chin drops with the opening of the lips: as far in the dub as in the title."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.mouth import chin_slope
from lipsync_engine.plan.path import APERTURE, JAW
from lipsync_engine.records import BoolArray, SpeakerStats

#: Slopes of chin on lips that faces have: a fitted one beyond is the tracker's.
_SLOPES = (0.05, 0.8)


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

"""A speaker whose range is known, for tests of the mouth's path."""

from __future__ import annotations

import numpy as np

from lipsync_engine.records import SpeakerStats


def _pose(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


#: Channels: aperture, width, jaw, lip height; in face widths, as measured on frontal speakers.
STATS = SpeakerStats(
    rest=_pose(0.012, 0.36, 0.480, 0.130),
    closed=_pose(0.003, 0.37, 0.475, 0.115),
    open=_pose(0.115, 0.36, 0.585, 0.235),
    low=_pose(0.003, 0.30, 0.460, 0.110),
    high=_pose(0.115, 0.42, 0.585, 0.235),
    std=_pose(0.030, 0.022, 0.030, 0.032),
    frames=500,
)

"""Teeth that part with the jaw, where the title shows none that are parted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter1d

from lipsync_engine.records import BoolArray, FloatArray

#: Face widths by which rows of teeth are parted at most; less than the second shows nothing.
_MOST, _LEAST = 0.06, 0.004
#: Gap between rows (face widths) from which it is what an opening widens.
_SEAM = 0.012
#: Gap between rows from which a viewer sees them apart, and from which it is plain (face widths).
_PLAIN = (0.021, 0.035)
#: Share of teeth from which an opening shows them, and from which it shows them fully.
_SOME, _FULL = 0.25, 0.5
#: Frames over which rows part and close, standard deviation.
_EASE = 0.7


def rows_parted(
    asked: FloatArray, gap: FloatArray, teeth: FloatArray, opened: FloatArray, start: BoolArray
) -> FloatArray:
    """How much further than in the observations the rows of teeth stand apart, face widths, float32 [E].

    Args:
        asked: float32 [E], how far apart they shall stand at least; 0 where no sound asks.
        gap: float32 [E], how far they stand apart in the observation shown; NaN where that is not known.
        teeth: float32 [E], share of its opening that shows teeth; NaN likewise.
        opened: float32 [E], how much further the lips are opened than in it.
        start: bool [E], a run of consecutive frames begins.
    """
    shown = np.clip((np.nan_to_num(teeth) - _SOME) / (_FULL - _SOME), 0, 1)
    apart = np.nan_to_num(gap)
    widens = np.where(opened > 0, np.clip(apart / _SEAM, 0, 1), 1)  # without a seam what is opened stretches teeth
    missing = np.clip(asked - np.maximum(apart + widens * opened, 0), 0, _MOST)
    shown *= np.clip((_PLAIN[1] - apart) / (_PLAIN[1] - _PLAIN[0]), 0, 1)  # rows that stand apart plainly may stay
    wanted = np.where(missing > _LEAST, missing, 0) * shown
    out = np.zeros(len(wanted), np.float32)
    bounds = np.unique([0, *np.flatnonzero(start), len(wanted)])
    for first, stop in pairwise(bounds.tolist()):
        out[first:stop] = gaussian_filter1d(wanted[first:stop], _EASE, mode="nearest")
    return out

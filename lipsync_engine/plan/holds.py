"""A mouth that is shown lives: no frame of the title stands still for long while something is said."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.records import BoolArray

#: Frames in a row that may show one frame of the title.
_MOST = 3
#: Where the neighbours of a held frame are shown instead, frame by frame.
_WALK = (0, 1, 1, 0, -1, -1)


def kept_moving(
    pick: NDArray[np.int64], usable: NDArray[np.int64], span: NDArray[np.int32], fresh: BoolArray
) -> NDArray[np.int64]:
    """Rows shown at each frame, int64 [E], those that are held walking among their neighbours in the title.

    Args:
        pick: int64 [E], rows chosen.
        usable: int64 [M], rows that may be shown, in order.
        span: int32 [N], the appearance of every row.
        fresh: bool [E], frames at which no hold goes on: a run begins there, or nothing is said.
    """
    out = pick.copy()
    cuts = np.flatnonzero(fresh[1:] | (np.diff(pick) != 0)) + 1
    known = set(usable.tolist())
    for first, stop in pairwise([0, *cuts.tolist(), len(pick)]):
        if stop - first <= _MOST:
            continue
        row = int(pick[first])
        for at in range(first, stop):
            step = _WALK[(at - first) % len(_WALK)]
            for side in (step, -step):
                if row + side in known and span[row + side] == span[row]:
                    out[at] = row + side
                    break
    return out

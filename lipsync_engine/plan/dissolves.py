"""Where one observation of the mouth follows another: which cuts are seen, and the short dissolves over those."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.plan.agreement import CLOSED
from lipsync_engine.plan.library import Library
from lipsync_engine.plan.person import Person
from lipsync_engine.records import BoolArray, FloatArray

#: Speed of the lips, face widths a second, that hides a cut from one observation to another.
_MOVES = 0.1
#: Percentile of the steps from frame to frame in the title that a cut may have without being seen.
_OFTEN = 80
#: Length of the dissolve where one observation follows another: two frames at 25 a second.
_DISSOLVE_S = 0.075


def dissolved(
    who: Person,
    pick: NDArray[np.int64],
    start: BoolArray,
    times_s: NDArray[np.float64],
    closure: BoolArray,
    aperture: FloatArray,
) -> tuple[NDArray[np.int64], FloatArray]:
    """Rows shown at each entry, int64 [E, 2], and their weights: a short dissolve where two runs join on a calm mouth.

    Each run goes on (with its true continuation, where there is one) for half of the dissolve beyond the join. Lips
    that must touch do not dissolve into parted ones: a quarter of those is seen as a slit. Lips that move hide a cut,
    and two pairs of them over each other are seen; mouths that look alike need none.

    Args:
        who: whose mouth it is.
        pick: int64 [E], row whose texture is shown at each entry; -1 for none.
        start: bool [E], a run of consecutive frames begins here.
        times_s: float64 [E], when each is shown.
        closure: bool [E], lips that must touch.
        aperture: float32 [E], the opening that is drawn, face widths.
    """
    shown = np.stack([pick, np.full_like(pick, -1)], axis=1)
    share = np.zeros((len(pick), 2), np.float32)
    share[:, 0] = pick >= 0
    if not len(pick) or (pick < 0).any():
        return shown, share
    calm = np.abs(np.diff(aperture)) <= _MOVES * np.diff(times_s)
    seen = calm & ~_alike(who.library, pick)
    joins = np.flatnonzero(jumps(who, pick[:-1], pick[1:]) & ~start[1:] & seen) + 1
    bounds = np.append(np.flatnonzero(start), len(pick))
    for join in joins.tolist():
        middle = (times_s[join - 1] + times_s[join]) / 2
        run = int(np.searchsorted(bounds, join, side="right"))
        for at in _near(times_s, middle, join, int(bounds[run - 1]), int(bounds[run])):
            anchor = join - 1 if at >= join else join
            weight = 0.5 - abs(times_s[at] - middle) / _DISSOLVE_S
            other = _goes_on(who, int(pick[anchor]), at - anchor)
            if weight > share[at, 1] and not (closure[at] and who.mouth[other, 0] > CLOSED):
                shown[at, 1] = other
                share[at] = (1 - weight, weight)
    return shown, share


def _alike(library: Library, pick: NDArray[np.int64]) -> BoolArray:
    """Whether each pick and the next differ no more than the title's own neighbours often do, bool [E - 1]."""
    place = np.searchsorted(library.row, pick)
    follows = (np.diff(library.frame) == 1) & (np.diff(library.span) == 0)
    if not follows.any():
        return np.zeros(len(pick) - 1, np.bool_)
    own = np.linalg.norm(np.diff(library.texture, axis=0)[follows], axis=1)
    apart = np.linalg.norm(np.diff(library.texture[place], axis=0), axis=1)
    return np.asarray(apart <= np.percentile(own, _OFTEN))


def _near(times_s: NDArray[np.float64], middle: float, join: int, first: int, last: int) -> range:
    """Entries within half a dissolve of a join, inside their run of frames."""
    low = int(np.searchsorted(times_s, middle - _DISSOLVE_S / 2, side="right"))
    high = int(np.searchsorted(times_s, middle + _DISSOLVE_S / 2, side="left"))
    return range(max(low, first), min(max(high, join), last))


def _goes_on(who: Person, row: int, steps: int) -> int:
    """The row so many frames away in the same appearance, or the nearest one to it."""
    step = 1 if steps > 0 else -1
    for _ in range(abs(steps)):
        after = row + step
        if not 0 <= after < len(who.track.frame) or jumps(who, np.array([row]), np.array([after]))[0]:
            break
        if after not in who.usable:
            break
        row = after
    return row


def jumps(who: Person, a: NDArray[np.int64], b: NDArray[np.int64]) -> BoolArray:
    """Whether rows do not go on where others were, bool [n].

    Args:
        who: the person.
        a: int64 [n], rows before.
        b: int64 [n], rows after.
    """
    near = np.abs(who.track.frame[a].astype(np.int64) - who.track.frame[b]) <= 2
    return np.asarray(~(near & (who.track.span[a] == who.track.span[b])))

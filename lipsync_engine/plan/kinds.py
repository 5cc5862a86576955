"""What kind of sound a frame speaks, and what that sound asks of the teeth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.records import FloatArray
from lipsync_engine.speech.articulation import Target
from lipsync_engine.speech.gestures import Gesture

Kinds = NDArray[np.int8]
#: Kinds of sounds as they look; a frame without a sound, or whose sound is not known, is ``NONE``.
NONE, CLOSED, TEETH, HISS, ROUND, OPEN, SPREAD, MID, TONGUE = range(-1, 8)
#: How far the rows of teeth part on a sound, as a share of the lips' opening; a hiss holds them together.
_PARTED = {OPEN: 0.55, ROUND: 0.65, MID: 0.4, SPREAD: 0.15, TONGUE: 0.2}
#: Sounds whose teeth a viewer must see apart, how far (face widths), and the most of an opening that this may be.
_APART, _SEEN, _MOST = (OPEN, ROUND), 0.021, 0.75
#: Aperture (0 to 1) up to which a spread vowel is an /i/ and not an /e/ without stress.
_SPREAD_UP_TO = 0.285
#: How unlike two kinds of sounds look, 0 to 1, where it is not the usual difference.
_USUAL = 0.6
_UNLIKE = {(OPEN, MID): 0.3, (MID, SPREAD): 0.3, (HISS, SPREAD): 0.4, (HISS, OPEN): 1.0, (HISS, ROUND): 1.0}
_UNLIKE |= {(ROUND, SPREAD): 1.0, (CLOSED, OPEN): 1.0}


def kind_of(goal: Target) -> int:
    """The kind of a sound with this target."""
    if goal.contact:
        return CLOSED if goal.contact == "closure" else TEETH
    if goal.jaw_weight >= 0.85:
        return HISS
    if goal.rounding >= 0.5:
        return ROUND
    if goal.lip_weight <= 0.15:
        return TONGUE
    if goal.aperture >= 0.5:
        return OPEN
    return SPREAD if goal.width >= 0.3 and goal.aperture < _SPREAD_UP_TO else MID


def kinds_at(gestures: Sequence[Gesture], times_s: NDArray[np.float64]) -> Kinds:
    """The kind of sound at each moment, int8 [T].

    Args:
        gestures: what the mouth does, in time order.
        times_s: float64 [T], on the clock of the gestures.
    """
    kinds = np.full(len(times_s), NONE, np.int8)
    for gesture in gestures:
        kinds[slice(*np.searchsorted(times_s, [gesture.start_s, gesture.end_s]))] = kind_of(gesture.goal)
    return kinds


def gap_asked(kinds: Kinds, aperture: FloatArray) -> FloatArray:
    """How far the rows of teeth shall at least stand apart, face widths, float32 [T]; 0 where no sound asks.

    Args:
        kinds: int8 [T].
        aperture: float32 [T], the planned opening of the lips, face widths.
    """
    share = np.zeros(len(kinds), np.float32)
    for kind, part in _PARTED.items():
        share[kinds == kind] = part
    least = np.where(np.isin(kinds, _APART), np.minimum(_SEEN, _MOST * aperture), 0)
    return np.asarray(np.maximum(share * aperture, least), np.float32)


def unlikeness() -> FloatArray:
    """How unlike two kinds look, float32 [9, 9]; rows and columns by kind + 1, 0 where either is not known."""
    size = TONGUE + 2
    table = np.full((size, size), _USUAL, np.float32)
    for (a, b), cost in _UNLIKE.items():
        table[a + 1, b + 1] = table[b + 1, a + 1] = cost
    table[[TONGUE + 1]] = 0.2
    table[:, TONGUE + 1] = 0.2
    np.fill_diagonal(table, 0.0)
    table[0] = 0.0
    table[:, 0] = 0.0
    return table

"""Where stops close in a sound: near the place that was found for them, where its level falls most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.audio import band_level_db
from lipsync_engine.records import FloatArray, Phone

VOICELESS, VOICED = frozenset("ptkcqʈ"), frozenset("bdɡgɟɢɖɓɗɠ")

_HOP_MS = 5
_BEFORE_MS, _AFTER_MS = 30, 40  # looked at around the place
_APART_MS = 15  # kept of a sound on either side
_SIDE_HOPS = 4  # whose mean level is compared on either side
_LEAST_FALL_DB = 6.0
_FAR_DB = 0.3  # a millisecond away from the place must be won by so much
#: A voiced stop may hum below this while the mouth is closed.
_HUM_HZ, _HIGHEST_HZ = 600.0, 5000.0
_LOWEST_HZ, _FULL_HZ = 80.0, 7000.0


def closing(phones: Sequence[Phone], samples: FloatArray, sample_rate_hz: int) -> tuple[Phone, ...]:
    """The phones, each stop after another sound from where the level falls most; those in between meet there.

    Args:
        phones: in order, without gaps.
        samples: float32 [N] mono.
        sample_rate_hz: samples a second, 14 kHz or more.
    """
    levels = stop_levels(samples, sample_rate_hz)
    placed = list(phones)
    for index in range(1, len(placed)):
        before, stop = placed[index - 1 : index + 1]
        if not before.ipa or before.ipa[0] in VOICELESS | VOICED or stop.ipa[:1] not in levels:
            continue
        first = max(stop.start_ms - _BEFORE_MS, before.start_ms + _APART_MS)
        last = min(stop.start_ms + _AFTER_MS, stop.end_ms - _APART_MS)
        start = fall(levels[stop.ipa[:1]], first, last, stop.start_ms)
        placed[index - 1 : index + 1] = replace(before, end_ms=start), replace(stop, start_ms=start)
    return tuple(placed)


def stop_levels(samples: FloatArray, sample_rate_hz: int) -> dict[str, NDArray[np.float64]]:
    """The level in which each stop is seen to close, by its first symbol; see `fall`."""
    bands = (VOICELESS, _LOWEST_HZ, _FULL_HZ), (VOICED, _HUM_HZ, _HIGHEST_HZ)
    levels = [(kind, band_level_db(samples, sample_rate_hz, low, high, _HOP_MS / 1000)) for kind, low, high in bands]
    return {sign: level for kind, level in levels for sign in kind}


def fall(level_db: NDArray[np.float64], first_ms: int, last_ms: int, near_ms: int) -> int:
    """Milliseconds of the steepest fall between two times, rather near a third; where there is none, that one.

    Args:
        level_db: float64 [N], one level each 5 ms.
        first_ms: earliest time.
        last_ms: latest time.
        near_ms: the time that is preferred.
    """
    hops = np.arange(-(-first_ms // _HOP_MS), last_ms // _HOP_MS + 1)
    hops = hops[(hops >= _SIDE_HOPS) & (hops <= len(level_db) - _SIDE_HOPS)]
    if not len(hops):
        return near_ms
    sums = np.concatenate([[0.0], np.cumsum(level_db)])
    loud, quiet = sums[hops] - sums[hops - _SIDE_HOPS], sums[hops + _SIDE_HOPS] - sums[hops]
    falls = (loud - quiet) / _SIDE_HOPS
    best = int(np.argmax(falls - _FAR_DB * np.abs(hops * _HOP_MS - near_ms)))
    return int(hops[best]) * _HOP_MS if falls[best] >= _LEAST_FALL_DB else near_ms

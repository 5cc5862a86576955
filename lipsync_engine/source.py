"""The title's own speech: when its sound speaks and pauses and, where its script is known, what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from lipsync_engine.articulation import segments
from lipsync_engine.audio import AudioError, load_mono, loudness_db, runs, silent_hops
from lipsync_engine.emphasis import level_of, vowel_spread_db
from lipsync_engine.gestures import EASE_S, SILENCE_S, gestures_of, rests_of
from lipsync_engine.records import BoolArray, FloatArray, Phone

RATE_HZ = 16000
_HOP_S = 0.01


@dataclass(frozen=True, slots=True)
class OwnSpeech:
    """What is heard of the title itself.

    Attributes:
        samples: float32 [N], mono at 16 kHz.
        phones: what is said, on the title's clock; ``None`` where the script is not known.
    """

    samples: FloatArray
    phones: tuple[Phone, ...] | None = None

    def speaking(self, times_s: NDArray[np.float64]) -> BoolArray:
        """Moments at which something is said, bool [T]: by the phones, else by the loudness."""
        if self.phones is not None:
            spoken = [(p.start_ms / 1000, p.end_ms / 1000) for p in self.phones if segments(p.ipa)]
            return within(times_s, spoken)
        quiet = self._quiet()
        if not len(quiet) or quiet.all():
            return np.zeros(len(times_s), np.bool_)
        at = np.clip((times_s / _HOP_S).astype(np.intp), 0, len(quiet) - 1)
        return np.asarray(~quiet[at] & (times_s < len(quiet) * _HOP_S))

    def resting(self, times_s: NDArray[np.float64]) -> BoolArray:
        """Moments inside silences of 200 ms or more, 120 ms off their spoken edges, bool [T]."""
        if self.phones is not None:
            return within(times_s, rests_of(self.phones, float(times_s[-1]) if len(times_s) else 0.0))
        quiet = self._quiet()
        for start, end in runs(quiet):
            quiet[start:end] = (end - start) * _HOP_S >= SILENCE_S
        still = binary_erosion(quiet, iterations=round(EASE_S / _HOP_S), border_value=1)
        at = np.clip((times_s / _HOP_S).astype(np.intp), 0, max(len(still) - 1, 0))
        return np.asarray(still[at]) if len(still) else np.ones(len(times_s), np.bool_)

    def vowel_spread_db(self) -> float | None:
        """Standard deviation of the loudness of the title's vowels, dB; ``None`` without a script or a sound."""
        if self.phones is None or not len(self.samples):
            return None
        return vowel_spread_db(gestures_of(self.phones), level_of(self.samples, RATE_HZ))

    def _quiet(self) -> BoolArray:
        return silent_hops(loudness_db(self.samples, RATE_HZ, _HOP_S), _HOP_S)


def own_speech(picture: Path, phones: tuple[Phone, ...] | None = None) -> OwnSpeech | None:
    """The speech of a title; ``None`` where it has no sound that can be decoded and no known script."""
    try:
        return OwnSpeech(load_mono(picture, RATE_HZ), phones)
    except AudioError:
        return OwnSpeech(np.zeros(0, np.float32), phones) if phones is not None else None


def within(times_s: NDArray[np.float64], spans: Sequence[tuple[float, float]]) -> BoolArray:
    """Moments that lie in any of the spans (seconds, end exclusive), bool [T]."""
    flags = np.zeros(len(times_s), np.bool_)
    for start, end in spans:
        flags |= (times_s >= start) & (times_s < end)
    return flags

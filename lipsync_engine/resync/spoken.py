"""What the report says of the dub's speech: where the mouth rests for want of trust, and what outlasts the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.audio import Samples, loudness_db, silent_hops
from lipsync_engine.report import EngineReport
from lipsync_engine.speech.title_speech import RATE_HZ
from lipsync_engine.speech.trust import Stretch, share_borne_out

_HOP_S = 0.01
#: Sound beyond the picture's end from which it is noted, seconds.
_BEYOND_S = 0.2


def tell_of_speech(
    report: EngineReport, stretches: Sequence[Stretch], sound: Samples, times_s: NDArray[np.float64], *, trusted: bool
) -> None:
    """Fill in the confidence of every stretch of the dub, and note what is not spoken by the mouth.

    Args:
        report: to be filled.
        stretches: of the dub, as `weighed`.
        sound: the dub, float32 [N] mono at 16 kHz.
        times_s: float64 [T], the picture's frames.
        trusted: whether the phones are used all the same.
    """
    report.lines = [
        {"start_ms": one.start_ms, "end_ms": one.end_ms, "confidence": one.confidence, "rested": one.why}
        for one in stretches
    ]
    report.phone_confidence = share_borne_out(stretches)
    if report.phone_confidence is None:
        report.missing["phone_confidence"] = "nothing is said"
    for why in dict.fromkeys(one.why for one in stretches if one.why):
        places = ", ".join(f"{a / 1000:.1f}-{b / 1000:.1f} s" for a, b in _joined(stretches, why))
        then = "it is spoken all the same" if trusted else "the mouth rests"
        report.notes.append(f"{why} at {places}: {then}")
    beyond_s = _sounding_after(sound, times_s)
    if beyond_s >= _BEYOND_S:
        report.notes.append(f"the sound goes on for {beyond_s:.1f} s after the picture's end: no mouth speaks it")


def _joined(stretches: Sequence[Stretch], why: str) -> list[tuple[int, int]]:
    """Start and end of the runs of stretches that rest for one reason, milliseconds."""
    runs: list[tuple[int, int]] = []
    last: Stretch | None = None
    for one in stretches:
        if one.why == why:
            goes_on = last is not None and last.why == why
            runs[len(runs) - 1 if goes_on else len(runs) :] = [(runs[-1][0] if goes_on else one.start_ms, one.end_ms)]
        last = one
    return runs


def _sounding_after(sound: Samples, times_s: NDArray[np.float64]) -> float:
    """How long after the picture's last frame something is heard, seconds."""
    if not len(times_s):
        return 0.0
    step = float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0
    end = round((float(times_s[-1]) + step) / _HOP_S)
    heard = np.flatnonzero(~silent_hops(loudness_db(sound, RATE_HZ, _HOP_S), _HOP_S))
    return max(0.0, (int(heard[-1]) + 1 - end) * _HOP_S) if len(heard) else 0.0

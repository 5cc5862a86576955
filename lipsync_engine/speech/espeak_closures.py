"""Where eSpeak NG's stops begin: it tells them by their burst, and puts the closure before it into the sound before.

The mouth is closed in that silence, so it belongs to the stop; after a pause nobody can hear when it closed. In some
voices the closure is not silent (breath, hum): there the stop begins where the level falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from lipsync_engine.records import FloatArray, Phone
from lipsync_engine.speech.stops import VOICED, VOICELESS, fall, stop_levels

_FRAME_MS = 5
_QUIET = 10**-2.0  # of the loudest frame's amplitude (-40 dB)
_KEPT = 0.4  # of the sound before, at least
_SHUT_MS, _LONGEST_MS = 20, 80  # shorter silence is part of a closure that is not silent; how long that lasts at most


def closed(phones: Sequence[Phone], samples: FloatArray, sample_rate_hz: int) -> tuple[Phone, ...]:
    """The phones, each stop with the closure before its burst.

    Args:
        phones: in order, without gaps.
        samples: float32 [N] mono, what they are spoken in.
        sample_rate_hz: samples a second.
    """
    if not phones:
        return ()
    frame = sample_rate_hz * _FRAME_MS // 1000
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % frame))
    loudest = float(np.sqrt(np.square(padded.reshape(-1, frame)).mean(axis=1).max(initial=0.0)))
    levels = stop_levels(samples, sample_rate_hz)
    starts = [phones[0].start_ms]
    for before, phone in pairwise(phones):
        start = phone.start_ms
        if phone.ipa[:1] in VOICELESS | VOICED and before.ipa:
            room = round((start - before.start_ms) * (1 - _KEPT))
            silent = _silent_ms(samples, start, sample_rate_hz, _QUIET * loudest)
            if silent >= _SHUT_MS:
                start -= min(silent, room)
            else:
                start = fall(levels[phone.ipa[0]], start - min(room, _LONGEST_MS), start, start)
        starts.append(start)
    ends = [*starts[1:], phones[-1].end_ms]
    return tuple(replace(phone, start_ms=a, end_ms=b) for phone, a, b in zip(phones, starts, ends, strict=True))


def _silent_ms(samples: FloatArray, before_ms: int, sample_rate_hz: int, quiet: float) -> int:
    """How long it was silent up to a time; the last frame may hold the burst already."""
    frame, at = sample_rate_hz * _FRAME_MS // 1000, before_ms * sample_rate_hz // 1000
    count = 0
    while (count + 1) * frame <= at:
        part = samples[at - (count + 1) * frame : at - count * frame].astype(np.float64)
        if np.sqrt(np.square(part).mean()) > quiet and count:
            break
        count += 1
    return count * _FRAME_MS if count > 1 else 0

"""How high the tongue's front stands in a mouth, as far as it is seen between the teeth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.records import FloatArray, Phone
from lipsync_engine.speech.articulation import Features, segments

#: Height by place, from the floor of the mouth (0) to the back of the upper teeth (1).
_PLACES = {
    "dental": 0.95, "alveolar": 1.0, "sibilant": 0.6, "postalveolar": 0.55, "rhotic": 0.55, "palatal": 0.6,
    "back": 0.15,
}  # fmt: skip
#: Where the tongue lies in silence and on sounds of the lips alone.
_IDLE = 0.25
#: Deviation of the smoothing, seconds: a tongue's tip is quicker than a jaw.
_SMOOTH_S, _STEP_S = 0.025, 0.01


def tongue_height(phones: Sequence[Phone], times_s: NDArray[np.float64], lead_s: float = 0.0) -> FloatArray:
    """Height of the tongue's front at each frame, 0 on the floor of the mouth to 1 behind the upper teeth, float32 [T].

    Args:
        phones: what is said.
        times_s: float64 [T], seconds.
        lead_s: how far the mouth runs ahead.
    """
    from scipy.ndimage import gaussian_filter1d

    if not len(times_s):
        return np.zeros(0, np.float32)
    clock = np.arange(float(times_s[0]) - 0.2, float(times_s[-1]) + 0.2, _STEP_S)
    height = np.full(len(clock), _IDLE)
    for phone in phones:
        sounds = segments(phone.ipa)
        edges = np.linspace(phone.start_ms, phone.end_ms, len(sounds) + 1) / 1000 - lead_s
        for sound, start, end in zip(sounds, edges, edges[1:], strict=False):
            first, last = np.searchsorted(clock, (start, end))
            height[first:last] = _height(sound)
    smooth = gaussian_filter1d(height, _SMOOTH_S / _STEP_S, mode="nearest")
    return np.asarray(np.interp(times_s, clock, smooth), np.float32)


def _height(sound: Features) -> float:
    if sound.place == "vowel":
        return 0.15 + 0.45 * sound.front * (1 - sound.height)
    return _PLACES.get(sound.place, _IDLE)

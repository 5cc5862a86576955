"""A faint tone, for tests of what surrounds the watermark: it survives an encode, and hides from nobody."""

from __future__ import annotations

import numpy as np

from tasks.records import registry
from tasks.watermark import FRAMES_PER_S, Evidence, Samples

_TONE_HZ, _BESIDE_HZ, _BELOW_DB = 5150.0, 400.0, -20.0


class FakeWatermarker:
    """Marks with a tone 20 dB below the speech."""

    class Options(registry.Options):
        """None."""

    facts = registry.BackendFacts(name="fake", code_licence="Apache-2.0")

    def __init__(self, options: Options) -> None:
        """Has no options."""

    def fingerprint(self) -> str:
        """Its version."""
        return "fake-watermark:1"

    def missing(self) -> list[str]:
        """Nothing."""
        return []

    def mark(self, samples: Samples, rate_hz: int) -> Samples:
        """Add the tone."""
        level = float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0
        tone = np.sin(2 * np.pi * _TONE_HZ * np.arange(len(samples)) / rate_hz)
        marked: Samples = (samples + np.sqrt(2) * level * 10 ** (_BELOW_DB / 20) * tone).astype(np.float32)
        return marked

    def evidence(self, samples: Samples, rate_hz: int) -> Evidence:
        """How far the tone stands out from what is beside it."""
        hop = rate_hz // FRAMES_PER_S
        frames = samples[: len(samples) // hop * hop].reshape(-1, hop).astype(np.float64)
        time_s = np.arange(hop) / rate_hz
        bands = [
            np.abs(frames @ np.exp(-2j * np.pi * (_TONE_HZ + by) * time_s)) for by in (0.0, -_BESIDE_HZ, _BESIDE_HZ)
        ]
        loud = np.sqrt(np.mean(frames**2, axis=1)) > 1e-4
        above = bands[0] > 2 * np.maximum(bands[1], bands[2])
        return Evidence((above & loud).astype(np.float32), loud.astype(np.float32))

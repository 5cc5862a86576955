"""No watermark."""

from __future__ import annotations

import numpy as np

from tasks.records import registry
from tasks.watermark import FRAMES_PER_S, Evidence, Samples


class NoWatermarker:
    """Marks nothing, and finds nothing."""

    class Options(registry.Options):
        """None."""

    facts = registry.BackendFacts(name="none", code_licence="Apache-2.0")

    def __init__(self, options: Options) -> None:
        """Has no options."""

    def fingerprint(self) -> str:
        """Always the same."""
        return "none"

    def missing(self) -> list[str]:
        """Nothing."""
        return []

    def mark(self, samples: Samples, rate_hz: int) -> Samples:
        """The samples as they are."""
        return samples

    def evidence(self, samples: Samples, rate_hz: int) -> Evidence:
        """None."""
        nothing = np.zeros(len(samples) * FRAMES_PER_S // rate_hz, np.float32)
        return Evidence(nothing, nothing)

"""A watermark in synthetic speech: what is spoken by a voice of a machine can be recognised by the sound alone.

Each synthetic line is marked before it is fitted and mixed; recordings of people never are. It is looked for in what
is delivered (`tasks.watermark.detection`). To add a backend: write ``tasks/watermark/NAME.py``, add its line to
`BACKENDS`, and run ``pytest tests/contracts/test_watermarker.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from configs.profile import ChainedSettings
from tasks.records import registry
from tasks.records.standin import Chosen, first_able

VERSION = 1

BACKENDS = {
    "none": "tasks.watermark.none:NoWatermarker",
    "perth": "tasks.watermark.perth:PerthWatermarker",
    "fake": "tasks.watermark.fake:FakeWatermarker",
}
NONE = "none"
#: Of which evidence is given, a second.
FRAMES_PER_S = 100
#: A mean over seconds of speech from which on a mark is found; measured (`benchmarks.watermark`).
FOUND = 0.6

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Evidence:
    """How marked sound is, in frames of 10 ms; both float32 [frames].

    Attributes:
        scores: about 0 without a mark, about 1 with it; single frames are noisy, means of a few seconds are not.
        weights: how much each frame counts, 0 (nothing sounds) to 1.
    """

    scores: Samples
    weights: Samples


class Watermarker(Protocol):
    """Marks speech, and finds its mark."""

    @property
    def facts(self) -> registry.BackendFacts:
        """What the backend declares about itself."""

    def fingerprint(self) -> str:
        """Name, version, model and options; loads nothing."""

    def missing(self) -> list[str]:
        """What is not installed, and how to install it."""

    def mark(self, samples: Samples, rate_hz: int) -> Samples:
        """The same speech with the mark; the same input gives the same samples.

        Args:
            samples: float32 [N], mono, full scale 1; as quiet or loud as it is.
            rate_hz: of the samples.

        Returns:
            float32 [N] at the same rate.
        """

    def evidence(self, samples: Samples, rate_hz: int) -> Evidence:
        """How marked the sound is, frame by frame; arguments as of `mark`.

        Args:
            samples: float32 [N], mono.
            rate_hz: of the samples.
        """


def watermarker(name: str, options: dict[str, Any]) -> Watermarker:
    """The backend of that name; `BadInputError` for an unknown name or option."""
    backend: Watermarker = registry.create("watermark", name, BACKENDS, options)
    return backend


def marking(settings: ChainedSettings) -> Chosen[Watermarker]:
    """The first of a profile's backends that is installed; ``none`` marks nothing."""
    return first_able(settings, watermarker, None, "mark")

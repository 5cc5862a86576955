"""Resemble AI's Perth, implicit: a mark in what 0 to 2 kHz hold, below what the ear notices. It carries no message.

Weights (MIT) come from the wheel of `resemble-perth`, read as data; nothing of the package is imported.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from configs.models import models
from tasks.machine.resident import Resident, loaded_once
from tasks.machine.weights import advice, here, located
from tasks.records import registry
from tasks.records.errors import MissingBackendError
from tasks.watermark import Evidence, Samples

_MODEL, _FILE = "perth-implicit", "perth_net_250000.pth.tar"
#: The level at which the network was found to mark and hear best; sound is brought there and its mark back again.
_LEVEL = 0.08
#: What a marked frame says to the network's own measure.
_SURE = 6.0


class PerthWatermarker:
    """Marks with the package's own network."""

    class Options(registry.Options):
        """Strength and device.

        Attributes:
            strength: of the mark, as a factor of the network's own, which follows the level of the speech.
            device: ``auto`` uses a GPU if there is one.
        """

        strength: float = Field(1.0, ge=0.25, le=2.0)
        device: Literal["auto", "cpu", "cuda"] = "cpu"

    def __init__(self, options: Options) -> None:
        self._options = options
        self.facts = registry.BackendFacts(
            name="perth",
            code_licence="MIT",
            weights_licence="MIT",
            device="cpu" if options.device == "cpu" else "any",
            packages=("torch", "soxr"),
        )

    def fingerprint(self) -> str:
        """The digest of the weights, the strength, and the versions of what runs them."""
        versions = "+".join(map(registry.package_version, self.facts.packages))
        return f"perth:1:{versions}:{models()[_MODEL].files[_FILE].sha256[:16]}:{self._options.strength:g}"

    def missing(self) -> list[str]:
        """The weights."""
        absent = [] if here(_MODEL) else [f"The model {_MODEL} is not installed. {advice(_MODEL)}"]
        return absent + [
            f"The package {name} is not installed: run `make setup`."
            for name in self.facts.packages
            if registry.package_version(name) == "absent"
        ]

    def mark(self, samples: Samples, rate_hz: int) -> Samples:
        """Add the network's mark; what lies above 2 kHz stays as it is."""
        import soxr
        import torch

        from tasks.watermark.perth_net import RATE_HZ

        gain = _gain(samples)
        if not gain:
            return samples
        speech = soxr.resample(samples, rate_hz, RATE_HZ, quality="VHQ") * gain
        with self._resident().at_work() as net:
            placed = torch.from_numpy(_padded(speech)).to(net.window.device)
            added = net.added(placed, self._options.strength).cpu().numpy()[: len(speech)] / gain
        back = soxr.resample(added, RATE_HZ, rate_hz, quality="VHQ")[: len(samples)]
        return samples + np.pad(back, (0, len(samples) - len(back))).astype(np.float32)

    def evidence(self, samples: Samples, rate_hz: int) -> Evidence:
        """What the network hears, at the tempo at which it listens best."""
        import soxr
        import torch

        from tasks.watermark.perth_net import RATE_HZ

        gain = _gain(samples) or 1.0
        sound = soxr.resample(samples, rate_hz, RATE_HZ, quality="HQ") * gain
        with self._resident().at_work() as net:
            marks, weights = net.heard(torch.from_numpy(_padded(sound)).to(net.window.device))
        return Evidence(np.clip(marks.cpu().numpy() / _SURE, -1.0, 1.0), weights.cpu().numpy())

    def _resident(self) -> Resident:
        return loaded_once(("perth",), lambda: Resident(_loaded(), self._options.device))


def _loaded() -> Any:
    from tasks.watermark.perth_net import load

    if (folder := located(_MODEL)) is None:
        raise MissingBackendError(f"The model {_MODEL} is not installed.", advice(_MODEL))
    return load(folder / _FILE)


def _gain(samples: Samples) -> float:
    """What brings sound to the level that the network knows, by its louder parts; 0 for silence."""
    frame = max(1, len(samples) // 50)
    power = np.sort(np.mean(samples[: len(samples) // frame * frame].reshape(-1, frame) ** 2, axis=1))
    level = float(np.sqrt(np.mean(power[len(power) // 2 :]))) if len(power) else 0.0
    return _LEVEL / level if level > 1e-6 else 0.0


def _padded(sound: Samples) -> Samples:
    """At least as long as one window of the network."""
    return np.ascontiguousarray(np.pad(sound, (0, max(0, 2048 - len(sound)))), np.float32)

"""Loudness presets: the delivery targets of masters."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict


class DialogueGate(BaseModel):
    """Dialogue-gated loudness instead of programme loudness.

    Attributes:
        least_share: minimum share of speech in the title for the dialogue's level to be meaningful, 0 to 1.
        fallback_lufs: programme loudness for titles with less speech.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    least_share: float
    fallback_lufs: float


class LoudnessPreset(BaseModel):
    """A delivery target, measured after the encode.

    Attributes:
        integrated_lufs: loudness by ITU-R BS.1770: of the programme, gated; with ``dialogue`` of speech only.
        tolerance_lu: accepted deviation.
        true_peak_dbtp: maximum true peak.
        bed: whether the bed is left alone or ducked under speech.
        dialogue: dialogue-gated loudness; None for programme loudness.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    integrated_lufs: float
    tolerance_lu: float
    true_peak_dbtp: float
    bed: Literal["untouched", "ducked"]
    dialogue: DialogueGate | None = None


@cache
def loudness_presets() -> dict[str, LoudnessPreset]:
    """All presets by name."""
    table = yaml.load(files("configs").joinpath("loudness.yaml").read_text(), yaml.CSafeLoader)
    return {name: LoudnessPreset(name=name, **values) for name, values in table.items()}

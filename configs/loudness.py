"""Loudness presets: what a master is delivered at."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict


class DialogueGate(BaseModel):
    """A level of the dialogue rather than of the programme.

    Attributes:
        least_share: of the title's time that speech has to take, for the dialogue's level to be meaningful.
        fallback_lufs: level of the programme where it takes less.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    least_share: float
    fallback_lufs: float


class LoudnessPreset(BaseModel):
    """A delivery target, measured after the encode.

    Attributes:
        integrated_lufs: loudness, ITU-R BS.1770: of the programme, gated; with ``dialogue`` of the time with speech.
        tolerance_lu: accepted deviation.
        true_peak_dbtp: never above.
        bed: whether the background is left alone or lowered under speech.
        dialogue: the level is the dialogue's; None: the programme's.
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
    """Every preset by name."""
    table = yaml.safe_load(files("configs").joinpath("loudness.yaml").read_text())
    return {name: LoudnessPreset(name=name, **values) for name, values in table.items()}

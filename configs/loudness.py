"""Loudness presets: what a master is delivered at."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict


class LoudnessPreset(BaseModel):
    """A delivery target, measured after the encode.

    Attributes:
        integrated_lufs: programme loudness, ITU-R BS.1770.
        tolerance_lu: accepted deviation.
        true_peak_dbtp: never above.
        bed: whether the background is left alone or lowered under speech.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    integrated_lufs: float
    tolerance_lu: float
    true_peak_dbtp: float
    bed: Literal["untouched", "ducked"]


@cache
def loudness_presets() -> dict[str, LoudnessPreset]:
    """Every preset by name."""
    table = yaml.safe_load(files("configs").joinpath("loudness.yaml").read_text())
    return {name: LoudnessPreset(name=name, **values) for name, values in table.items()}

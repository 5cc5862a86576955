"""Pitch and voiceprint of each of Kokoro's voices."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field


class KokoroVoice(BaseModel):
    """One voice.

    Attributes:
        pitch_hz: median pitch of its speech.
        voiceprint: its Resemblyzer embedding, 256 float16 numbers, base64.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pitch_hz: float = Field(ge=0)
    voiceprint: str

    def direction(self) -> NDArray[np.float64]:
        """The embedding as a unit vector, float64 [256]."""
        vector = np.frombuffer(base64.b64decode(self.voiceprint), "<f2").astype(np.float64)
        unit: NDArray[np.float64] = vector / np.linalg.norm(vector)
        return unit


@dataclass(frozen=True)
class Sound:
    """The sound of a voice: its embedding as a unit vector, float64 [256], and its pitch in Hz."""

    direction: NDArray[np.float64]
    pitch_hz: float


@cache
def kokoro_voices() -> dict[str, KokoroVoice]:
    """All measured voices by name; read once."""
    table = yaml.load(files("configs").joinpath("kokoro_voices.yaml").read_text("utf-8"), yaml.CSafeLoader)
    return {name: KokoroVoice.model_validate(row) for name, row in table.items()}


@cache
def sound_of(voice: str) -> Sound | None:
    """The sound of a voice, or the mean of several joined by ``+``; None if one was not measured."""
    known = [kokoro_voices().get(name) for name in voice.split("+")]
    parts = [one for one in known if one is not None]
    if len(parts) < len(known):
        return None
    middle = np.mean([one.direction() for one in parts], axis=0)
    pitch_hz = float(np.exp(np.mean([np.log(max(one.pitch_hz, 1.0)) for one in parts])))
    return Sound(middle / np.linalg.norm(middle), pitch_hz)

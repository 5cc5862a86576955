"""Data on Kokoro: the languages that it is used for, their voices, and its phoneme symbols."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict


class SpokenLanguage(BaseModel):
    """A language that Kokoro can speak.

    Attributes:
        female: voices, the best first.
        male: voices, the best first.
        chosen: whether it is more intelligible than eSpeak NG.
        espeak: the eSpeak NG voice that makes the phonemes; empty for the language's own.
        error: error rate of Whisper base by voice, and of ``espeak``; empty if not measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    female: tuple[str, ...]
    male: tuple[str, ...]
    chosen: bool = True
    espeak: str = ""
    error: dict[str, float] = {}


class Kokoro(BaseModel):
    """The table: languages by BCP-47 tag, and the number of each symbol."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    languages: Mapping[str, SpokenLanguage]
    symbols: Mapping[str, int]


@cache
def kokoro() -> Kokoro:
    """The table, read once."""
    return Kokoro.model_validate(
        yaml.load(files("configs").joinpath("kokoro.yaml").read_text("utf-8"), yaml.CSafeLoader)
    )

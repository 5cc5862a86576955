"""The table of lip-sync systems that run from a checkout: command, requirements and result of each."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class ExternalLimits(BaseModel):
    """What a system accepts.

    Attributes:
        shortest_s: of picture and speech, seconds.
        frame_rate: frame rate of its result.
        drifts: whether the speaker's appearance changes over long clips.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shortest_s: float | None = None
    frame_rate: Fraction | None = None
    drifts: bool = False


class ExternalSystem(BaseModel):
    """A system; texts contain ``{placeholders}``, which are explained at the head of the table.

    Attributes:
        title: the authors' name of it.
        read: repository and commit from which the entry was made.
        takes: its input besides speech.
        code_licence: licence of the repository.
        weights_licence: licence of its weights.
        clause: the terms that forbid commercial use; empty if none do.
        limits: what it accepts.
        settings: settings of a profile, with their defaults.
        files: files that are written before the run.
        argv: the command.
        output: pattern of the result's path.
        crop: part of the result with the picture, as arguments of ffmpeg's crop filter; empty for all of it.
        needs: required files of the checkout.
        deadline_s: time limit for one clip, seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    read: str
    takes: Literal["video", "portrait"]
    code_licence: str
    weights_licence: str
    clause: str = ""
    limits: ExternalLimits = ExternalLimits()
    settings: dict[str, int | float | str] = {}
    files: dict[str, str] = {}
    argv: tuple[str, ...] = Field(min_length=1)
    output: str
    crop: str = ""
    needs: tuple[str, ...] = Field(min_length=1)
    deadline_s: float = Field(3600.0, gt=0)


@cache
def external_systems() -> Mapping[str, ExternalSystem]:
    """All systems by the name that profiles use."""
    text = files("configs").joinpath("lipsync_external.yaml").read_text("utf-8")
    return TypeAdapter(dict[str, ExternalSystem]).validate_python(yaml.load(text, yaml.CSafeLoader))

"""The table of lip-sync systems that run from a checkout: the command of each, what it needs, where its result lies."""

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
        frame_rate: the one of what comes back.
        drifts: the speaker's looks change over long clips.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shortest_s: float | None = None
    frame_rate: Fraction | None = None
    drifts: bool = False


class ExternalSystem(BaseModel):
    """A system; texts hold ``{placeholders}``, which the head of the table explains.

    Attributes:
        title: as its makers write it.
        read: repository and commit that the line was read from.
        takes: what goes in besides speech.
        code_licence: of the repository.
        weights_licence: of what it needs.
        clause: what forbids commercial use; empty where nothing does.
        limits: what it accepts.
        settings: what a profile may set, with what is meant otherwise.
        files: files that are written first.
        argv: the command.
        output: pattern of the result's path.
        crop: part of the result that is the picture, as ffmpeg's filter takes it; empty: all of it.
        needs: files of the checkout.
        deadline_s: for one clip.
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
    """Every system by the name that profiles use."""
    text = files("configs").joinpath("lipsync_external.yaml").read_text("utf-8")
    return TypeAdapter(dict[str, ExternalSystem]).validate_python(yaml.safe_load(text))

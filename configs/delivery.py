"""Delivery presets: sets of files for one destination each, and the rules that they keep."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator, model_validator

from configs.loudness import LoudnessPreset, loudness_presets

#: What is always delivered.
ALWAYS = "file"
#: Frame rates that MXF and broadcasters know.
BROADCAST_RATES = ("24000/1001", "24", "25", "30000/1001", "50", "60000/1001")


class _Preset(BaseModel):
    """What every preset has: a description, and the loudness that its sound is brought to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: str
    loudness: str | None = None

    @field_validator("loudness")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in loudness_presets():
            raise ValueError(f"no loudness preset {value!r}")
        return value

    def loudness_of(self, titles: str) -> LoudnessPreset:
        """The loudness preset of its sound.

        Args:
            titles: name of the preset that the title is mixed to.
        """
        return loudness_presets()[self.loudness or titles]


class FilePreset(_Preset):
    """The masters alone."""

    kind: Literal["file"]


class PlatformPreset(_Preset):
    """A platform's multi-audio upload; ``longest_title`` in characters, ``longest_description`` in bytes of UTF-8."""

    kind: Literal["platform"]
    longest_title: int = Field(ge=1)
    longest_description: int = Field(ge=1)


class Rung(BaseModel):
    """A smaller picture of a ladder; ``height``: its shorter side."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int = Field(ge=64, le=4320, multiple_of=2)
    kbps: int = Field(ge=50, le=100_000)


class StreamingPreset(_Preset):
    """CMAF for HLS and DASH; segments in seconds."""

    kind: Literal["streaming"]
    segment_s: float = Field(ge=1.0, le=10.0)
    longest_segment_s: float = Field(ge=1.0, le=30.0)
    ladder: tuple[Rung, ...]


class BroadcastPreset(_Preset):
    """A broadcaster's file.

    Attributes:
        picture: ``copy`` leaves it untouched, where the container holds it; the others encode.
        else_picture: what it becomes where it cannot be copied.
        timecode: of the first frame where the source has none.
        leader_s: seconds of black and silence before it; only before an encoded picture.
        stems: dialogue and bed beside it, as WAV.
    """

    kind: Literal["broadcast"]
    container: Literal["mov", "mxf"]
    picture: Literal["copy", "prores", "xdcam"]
    else_picture: Literal["prores", "xdcam"] | None = None
    timecode: str = Field(pattern=r"^\d\d:\d\d:\d\d[:;]\d\d$")
    leader_s: int = Field(0, ge=0, le=60)
    stems: bool = True

    @model_validator(mode="after")
    def _can_be(self) -> BroadcastPreset:
        if self.picture == "copy" and (self.leader_s or self.else_picture is None):
            raise ValueError("a copied picture has no leader, and needs else_picture for what cannot be copied")
        if self.container == "mxf" and self.picture != "xdcam":
            raise ValueError("MXF is made with picture: xdcam")
        return self


class NetflixPreset(_Preset):
    """Sound and timed text apart; ``range_lu``: LRA that is asked for."""

    kind: Literal["netflix"]
    range_lu: tuple[float, float]


class PodcastPreset(_Preset):
    """Sound alone."""

    kind: Literal["podcast"]
    forms: tuple[Literal["m4a", "mp3"], ...] = Field(min_length=1)
    mp3_kbps: int = Field(128, ge=64, le=320)


Preset = Annotated[
    FilePreset | PlatformPreset | StreamingPreset | BroadcastPreset | NetflixPreset | PodcastPreset,
    Field(discriminator="kind"),
]


@cache
def delivery_presets() -> dict[str, Preset]:
    """All presets by name."""
    text = files("configs").joinpath("delivery.yaml").read_text("utf-8")
    return TypeAdapter(dict[str, Preset]).validate_python(yaml.load(text, yaml.CSafeLoader))


def asked_for(value: Any) -> Any:
    """Names of presets, in a text or a list, each once, ``file`` first.

    Args:
        value: as typed, or as a profile has it; what is neither stays, to be refused.

    Raises:
        ValueError: one that is unknown; says which there are.
    """
    names = re.split(r"[\s,;]+", value.strip()) if isinstance(value, str) else value
    if not isinstance(names, Iterable):
        return value
    names = [part for name in names for part in re.split(r"[\s,;]+", str(name)) if part]
    if unknown := [name for name in names if name not in delivery_presets()]:
        raise ValueError(f"no delivery preset {unknown[0][:80]!r}; choose of {', '.join(delivery_presets())}")
    return tuple(dict.fromkeys((ALWAYS, *names)))

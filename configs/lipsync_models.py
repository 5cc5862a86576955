"""The table of hosted lip-sync systems: providers, names, limits and prices."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

#: A choice of texts, a range of numbers, or a kind of value.
Setting = tuple[float, float] | tuple[str, ...] | Literal["text", "flag", "integer", "file"]


class ModelLimits(BaseModel):
    """The limits of a system's input; None for unknown limits.

    Attributes:
        shortest_s: of picture and speech, seconds.
        longest_s: of picture and speech, seconds.
        shortest_side: pixels.
        longest_side: pixels.
        picture_bytes: size of the picture file.
        speech_bytes: size of the speech file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shortest_s: float | None = None
    longest_s: float | None = None
    shortest_side: int | None = None
    longest_side: int | None = None
    picture_bytes: int | None = None
    speech_bytes: int | None = None


class Offer(BaseModel):
    """One provider's offer of a system.

    Attributes:
        id: the provider's name of the system.
        mark: source of the entry: D documented, C official code, T third-party description, G guess.
        picture: request field of the video or still.
        speech: request field of the sound; empty if there is none.
        language: request field of the language; empty if there is none.
        fixed: values that are sent unless a setting overrides them.
        settings: settings of a profile.
        limits: this provider's limits, over the system's.
        usd_per_s: price of one second of result.
        usd_by: prices by the value of a setting.
        bill_step_s: billing increment in seconds; 0 for exact seconds.
        deadline_s: seconds after which a job counts as stuck.
        poll_s: seconds between the first two polls.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    mark: Literal["D", "C", "T", "G"]
    picture: str
    speech: str = ""
    language: str = ""
    fixed: dict[str, Any] = {}
    settings: dict[str, Setting] = {}
    limits: ModelLimits = ModelLimits()
    usd_per_s: float = Field(ge=0)
    usd_by: dict[str, dict[str, float]] = {}
    bill_step_s: float = Field(0.0, ge=0)
    deadline_s: float = Field(1800.0, gt=0)
    poll_s: float = Field(1.0, gt=0)


class LipsyncModel(BaseModel):
    """A hosted system.

    Attributes:
        title: the maker's name of it.
        takes: its input besides speech.
        limits: limits at every provider.
        offers: offers by provider.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    takes: Literal["video", "portrait", "translate"]
    limits: ModelLimits
    offers: dict[str, Offer]

    def limits_at(self, provider: str) -> ModelLimits:
        """The limits of one provider's offer."""
        own = self.offers[provider].limits.model_dump(exclude_none=True)
        return self.limits.model_copy(update=own)


@cache
def lipsync_models() -> Mapping[str, LipsyncModel]:
    """Every system by the name that profiles use."""
    text = files("configs").joinpath("lipsync_models.yaml").read_text("utf-8")
    return TypeAdapter(dict[str, LipsyncModel]).validate_python(yaml.load(text, yaml.CSafeLoader))

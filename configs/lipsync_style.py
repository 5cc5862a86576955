"""Style of lip sync: harmless settings of a profile, the same for every backend."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LipsyncStyle(BaseModel):
    """Settings that are None are left to the engine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["phoneme", "syllable"] | None = Field(
        None, description="syllable: one opening for each syllable, for cartoons and distant faces"
    )
    strength: float | None = Field(None, ge=0.0, le=1.5, description="excursion of the mouth from rest, 1 as planned")
    expression: Literal["preserve", "natural", "expressive"] | None = Field(None, description="how lively the mouth is")
    lead_ms: float | None = Field(
        None, ge=0.0, le=200.0, description="lead of the mouth over the sound, ms; default as in the title, or 20"
    )
    stabilise: bool | None = Field(None, description="remove the tracker's jitter by skin texture; default yes")
    refine: bool | None = Field(
        None, description="train a small network on the title, used where it is better; default no"
    )
    refine_s: float | None = Field(
        None, gt=0.0, le=3600.0, description="seconds of that training; default 180 on a GPU, none on a CPU"
    )

    def style(self) -> dict[str, float | str | bool]:
        """The chosen settings by name; seconds of training imply ``refine``."""
        said = {name: value for name in LipsyncStyle.model_fields if (value := getattr(self, name)) is not None}
        return {"refine": True, **said} if "refine_s" in said else said

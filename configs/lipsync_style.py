"""How mouths are drawn, whoever speaks: choices of a profile that can do no harm."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LipsyncStyle(BaseModel):
    """What is None is left to the engine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["phoneme", "syllable"] | None = Field(
        None, description="syllable: one opening a syllable, for cartoons and faces far away"
    )
    strength: float | None = Field(None, ge=0.0, le=1.5, description="excursion of the mouth from rest, 1 as planned")
    expression: Literal["preserve", "natural", "expressive"] | None = Field(None, description="how lively the mouth is")
    lead_ms: float | None = Field(
        None, ge=0.0, le=200.0, description="the mouth runs ahead of the sound; else as in the title, or 20"
    )
    stabilise: bool | None = Field(None, description="take the tracker's jitter out by the skin's texture; else yes")
    refine: bool | None = Field(None, description="teach a small network on the title, kept where it wins; else no")
    refine_s: float | None = Field(
        None, gt=0.0, le=3600.0, description="seconds for teaching it; else 180 on a GPU, none on a CPU"
    )

    def style(self) -> dict[str, float | str | bool]:
        """What is said, by name; seconds of teaching mean that it is wanted."""
        said = {name: value for name in LipsyncStyle.model_fields if (value := getattr(self, name)) is not None}
        return {"refine": True, **said} if "refine_s" in said else said

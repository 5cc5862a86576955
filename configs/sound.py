"""Sound settings of a profile: how a dub is mixed, and how a recorded one is ingested."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class MixSettings(BaseModel):
    """How the dub meets the bed.

    Attributes:
        bed: ``preset`` follows the loudness preset; ``untouched`` keeps the M&E as it came; ``ducked`` lowers it under
            speech; ``voice_over`` keeps the whole original, its dialogue included, and lowers it under the dub.
        line_levels_db: how far the level of a line may follow the original actor's; 0 for one gain for all.
        keep_nonverbal: breaths, laughs and other sounds of the original dialogue outside speech stay in the mix.
        room: a room around the dub: none, one that decays as the original dialogue does, or a small room.
        room_db: level of the room against the dry voice.
        stems: how dialogue, bed and mix are delivered, 24 bit at 48 kHz.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bed: Literal["preset", "untouched", "ducked", "voice_over"] = "preset"
    line_levels_db: float = Field(default=6.0, ge=0.0, le=12.0)
    keep_nonverbal: bool = True
    room: Literal["off", "original", "small"] = "off"
    room_db: float = Field(default=-16.0, ge=-40.0, le=0.0)
    stems: Literal["wav", "flac"] = "wav"


class IngestSettings(BaseModel):
    """How a recorded dub, or a client's bed, is aligned with the title's clock.

    Attributes:
        clock: ``auto`` finds and corrects shift and speed; ``trust`` takes the recording, or the bed, as it is.
        pitch: what a change of speed does to the voice of a recorded dub: ``keep`` its pitch (time stretching), let it
            ``follow`` (resampling, for a recording that was played at another speed), or ``auto``: follow only where
            the recording's music proves that its pitch had moved; so it is with a bed.
        furthest_s: maximum shift that is accepted, seconds.
        speed: maximum relative deviation from the title's speed that is accepted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clock: Literal["auto", "trust"] = "auto"
    pitch: Literal["auto", "keep", "follow"] = "auto"
    furthest_s: float = Field(default=60.0, ge=0.0, le=600.0)
    speed: float = Field(default=0.05, ge=0.0, le=0.10)

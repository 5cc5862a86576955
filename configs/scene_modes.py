"""Scene modes: how the whole picture is finished after lip sync."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class SceneMode(BaseModel):
    """A finishing chain.

    Attributes:
        title: description for the user.
        filters: ffmpeg video filters, in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    filters: tuple[str, ...] = Field(min_length=1)

    @property
    def chain(self) -> str:
        """As one filter graph."""
        return ",".join(self.filters)


@cache
def scene_modes() -> dict[str, SceneMode]:
    """All modes by name."""
    text = files("configs").joinpath("scene_modes.yaml").read_text("utf-8")
    return TypeAdapter(dict[str, SceneMode]).validate_python(yaml.load(text, yaml.CSafeLoader))

"""Fonts for burned-in subtitles, by the script that a language is written in."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import langcodes
import yaml
from pydantic import BaseModel, ConfigDict


class ScriptFonts(BaseModel):
    """Fonts of one script.

    Attributes:
        families: in the order of preference, each with the factor of its letters' size.
        package: of Debian, that has the first.
        letters: that a font for the script must have.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    families: dict[str, float]
    package: str
    letters: str


def fonts_of(language: str) -> ScriptFonts | None:
    """The fonts for a BCP-47 tag; None for a script that the table does not have."""
    return _table().get(langcodes.Language.get(language).maximize().script or "")


@cache
def _table() -> dict[str, ScriptFonts]:
    table = yaml.load(files("configs").joinpath("subtitle_fonts.yaml").read_text("utf-8"), yaml.CSafeLoader)
    return {script: ScriptFonts.model_validate(one) for script, one in table.items()}

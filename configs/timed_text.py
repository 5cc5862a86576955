"""Timed-text limits: how much a subtitle may hold, and for how long it stands."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from configs.languages import primary


class TimedTextLimits(BaseModel):
    """Limits of one language's subtitles.

    Attributes:
        cps: characters a second that a reader follows.
        cpl: characters a row.
        rows: rows a cue.
        min_ms: shortest cue, where the following pause allows it.
        max_ms: longest cue.
        gap_frames: frames kept free between two cues.
        wide: half-width characters count one half (Chinese, Japanese, Korean).
        spaceless: written without spaces; rows may break between characters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cps: float
    cpl: int
    rows: int
    min_ms: int
    max_ms: int
    gap_frames: int
    wide: bool = False
    spaceless: bool = False


@cache
def timed_text_limits(language: str) -> TimedTextLimits:
    """The limits for a BCP-47 tag, decided by its language part."""
    table = _table()
    own = table["languages"].get(primary(language), table["languages"]["default"])
    return TimedTextLimits(**table["cue"], **own)


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load(files("configs").joinpath("timed_text.yaml").read_text("utf-8"))
    return table

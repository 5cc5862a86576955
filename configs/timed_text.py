"""Timed-text limits: how much text a subtitle holds, and how long it is shown."""

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
        cps: maximum reading speed, characters per second.
        cpl: maximum characters per row.
        rows: maximum rows per cue.
        min_ms: shortest cue, if the following pause allows it.
        max_ms: longest cue.
        gap_frames: frames kept free between two cues.
        shot_ms: distance to a change of shot within which a cue begins or ends on it.
        after_shot_ms: time for which a cue that passes a change of shot stays after it.
        wide: half-width characters count as half (Chinese, Japanese, Korean).
        spaceless: the language is written without spaces; rows may break between characters.
        bound: words in lower case that belong to the next one, and should not end a row.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cps: float
    cpl: int
    rows: int
    min_ms: int
    max_ms: int
    gap_frames: int
    shot_ms: int
    after_shot_ms: int
    wide: bool = False
    spaceless: bool = False
    bound: frozenset[str] = frozenset()


@cache
def timed_text_limits(language: str) -> TimedTextLimits:
    """The limits for a BCP-47 tag, by its language subtag."""
    table = _table()
    own = table["languages"].get(primary(language), table["languages"]["default"])
    bound = frozenset(table["bound"].get(primary(language), "").split())
    return TimedTextLimits(**table["cue"], **own, bound=bound)


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = yaml.load(files("configs").joinpath("timed_text.yaml").read_text("utf-8"), yaml.CSafeLoader)
    return table

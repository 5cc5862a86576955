"""How a text will fit its line before it is spoken: the pipeline's count of syllables, at the pace that was heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

from configs.timed_text import timed_text_limits
from flows.kept.applied import Row
from flows.kept.dub_lines import DubLines
from tasks.adapt.adapt import budget
from tasks.records.natural_speed import NATURAL_SPEED
from tasks.records.record import Asset
from tasks.records.script import Line
from tasks.records.take import Take
from tasks.words.rows import text_width
from tasks.words.syllables import syllables

_NEIGHBOURS = 12
_USUAL_RATE = 5.0 / 1000
"""Syllables a millisecond where nothing was spoken yet."""


@dataclass(frozen=True)
class Fit:
    """How a text fits.

    Attributes:
        syllables: of the text.
        fewest: syllables that fill the slot at natural speed.
        most: syllables that still fit it.
        predicted_ms: how long it is spoken at natural pace.
        of_slot: that, of the slot.
        verdict: ``fits``, ``short`` or ``long``; ``unspoken`` for no words.
        cps: characters a second that a reader of it has.
        cps_limit: of the language.
    """

    syllables: int
    fewest: int
    most: int
    predicted_ms: int
    of_slot: float
    verdict: Literal["fits", "short", "long", "unspoken"]
    cps: float
    cps_limit: float

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        return asdict(self)


def predicted(dub: DubLines, row: Row, text: str, measured: Mapping[int, Mapping[str, Any]], line: Line) -> Fit:
    """How a text would fit.

    Args:
        dub: the language.
        row: the line as it is.
        text: that it would say.
        measured: what was measured of the delivered lines, by id.
        line: with the times that it would have.
    """
    slot_ms = max(1, line.end_ms - line.start_ms)
    count = syllables(text, dub.language)
    rate = _rate(dub, row, measured)
    at_pace = Take(line=line.id, audio=_NO_SOUND, duration_ms=1_000_000, voice="")
    fewest, most = budget(at_pace, line, round(rate * 1_000_000))
    predicted_ms = round(count / rate)
    share = predicted_ms / slot_ms
    verdict: Literal["fits", "short", "long", "unspoken"] = "fits"
    if not count:
        verdict = "unspoken"
    elif share > NATURAL_SPEED[1]:
        verdict = "long"
    elif share < NATURAL_SPEED[0]:
        verdict = "short"
    limit = timed_text_limits(dub.language).cps
    return Fit(count, fewest, most, predicted_ms, round(share, 3), verdict, reading_speed(text, line, dub), limit)


def reading_speed(text: str, line: Line, dub: DubLines) -> float:
    """Characters a second, as the subtitles' limits count them.

    Args:
        text: of the line.
        line: with its times.
        dub: the language.
    """
    wide = timed_text_limits(dub.language).wide
    return round(text_width(text, wide=wide) * 1000 / max(1, line.end_ms - line.start_ms), 1)


_NO_SOUND = Asset(uri="", sha256="0" * 64, bytes=0)


def _rate(dub: DubLines, row: Row, measured: Mapping[int, Mapping[str, Any]]) -> float:
    """Syllables a millisecond: of this line as it was spoken, else of its speaker's nearest lines, else of any."""
    if (own := _spoken_rate(dub, row, measured)) is not None:
        return own
    near = sorted(dub.rows, key=lambda one: abs(one.line.start_ms - row.line.start_ms))
    for rows in ([one for one in near if one.line.speaker == row.line.speaker], near):
        rates = [rate for one in rows[:_NEIGHBOURS] if (rate := _spoken_rate(dub, one, measured)) is not None]
        if rates:
            return median(rates)
    return _USUAL_RATE


def _spoken_rate(dub: DubLines, row: Row, measured: Mapping[int, Mapping[str, Any]]) -> float | None:
    facts, said = measured.get(row.line.id, {}), dub.delivered_text(row)
    share, slot_ms = facts.get("natural_of_slot"), facts.get("slot_ms")
    if not said or not share or not slot_ms:
        return None
    count = syllables(said, dub.language)
    return count / (share * slot_ms) if count else None

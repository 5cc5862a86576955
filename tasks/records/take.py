"""A spoken line, and its placement in the dub."""

from __future__ import annotations

from typing import Literal

from tasks.records.record import Asset, Milliseconds, Record

#: Instead of a voice's name, where a person recorded the line.
RECORDED = "recorded"


class Take(Record):
    """One line spoken by a voice, at the pace that it was asked for, silence trimmed from both ends.

    Attributes:
        line: id of the line.
        audio: mono WAV at the voice's own rate.
        duration_ms: of the trimmed audio.
        voice: the backend's name of the voice.
        phones: ``(ipa, start_ms, end_ms, stress)`` on the take's clock; empty where the backend gives none.
        pace: factor of the voice's own pace; above 1 is faster.
    """

    line: int
    audio: Asset
    duration_ms: Milliseconds
    voice: str
    phones: tuple[tuple[str, int, int, int], ...] = ()
    pace: float = 1.0


class Placement(Record):
    """Position and pace of a take in the dub.

    Attributes:
        line: id of the line.
        start_ms: where the speech starts in the dub.
        end_ms: where it ends.
        slot_ms: length of the source line.
        natural_ms: length of the take before stretching.
        stretch: natural length divided by placed length: above 1 is faster.
        fit: ``natural`` (as spoken), ``stretched``, ``borrowed`` (runs into the following pause) or ``overlong``
            (kept whole although it runs into the next line; shown in QC).
    """

    line: int
    start_ms: Milliseconds
    end_ms: Milliseconds
    slot_ms: Milliseconds
    natural_ms: Milliseconds
    stretch: float
    fit: Literal["natural", "stretched", "borrowed", "overlong"]

"""The small immutable records that the engine's modules hand to each other. No behaviour, no heavy imports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phone:
    """One speech sound with its place on the audio's clock.

    Attributes:
        ipa: the segment in IPA, without stress marks (``"p"``, ``"aː"``, ``"t͡ʃ"``); ``""`` is silence.
        start_ms: start, integer milliseconds from the beginning of the audio.
        end_ms: end, exclusive; never before ``start_ms``.
        stress: 0 unstressed, 1 secondary, 2 primary (vowels only).
    """

    ipa: str
    start_ms: int
    end_ms: int
    stress: int = 0

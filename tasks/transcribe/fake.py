"""A transcriber that invents a line every two seconds. For orchestration tests only."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

from tasks.records import registry
from tasks.records.progress import Progress
from tasks.records.script import Line, Script, Word
from tasks.sound.speech_activity import duration_ms

_EVERY_MS, _SPOKEN_MS, _SHORTEST_MS = 2000, 1700, 300


class FakeTranscriber:
    """Covers the audio with numbered lines."""

    class Options(registry.Options):
        """``delay_s``: duration of a call."""

        delay_s: float = 0.0

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(name="fake", code_licence="Apache-2.0")

    def __init__(self, options: Options) -> None:
        self._options = options

    def fingerprint(self) -> str:
        """Constant."""
        return "fake:1"

    def missing(self) -> list[str]:
        """Nothing."""
        return []

    def transcribe(self, audio: Path, language: str | None, progress: Progress) -> Script:
        """A line of 1.7 s every 2 s, in ``language`` or English."""
        time.sleep(self._options.delay_s)
        total = duration_ms(audio)
        starts = [start for start in range(0, total, _EVERY_MS) if total - start >= _SHORTEST_MS]
        lines = tuple(_line(index, start, min(start + _SPOKEN_MS, total)) for index, start in enumerate(starts))
        progress(1.0)
        return Script(language=language or "en", lines=lines, origin="fake", notes=("The transcript is invented.",))


def _line(index: int, start: int, end: int) -> Line:
    texts = ("This", "is", "line", f"{index + 1}.")
    share = (end - start) // len(texts)
    words = tuple(
        Word(text=text, start_ms=start + place * share, end_ms=start + (place + 1) * share)
        for place, text in enumerate(texts)
    )
    return Line(id=index, start_ms=start, end_ms=end, text=" ".join(texts), words=words)

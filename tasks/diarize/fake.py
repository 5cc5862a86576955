"""A diarizer that invents: two speakers in turn. For tests of orchestration only."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from tasks.diarize import with_speakers
from tasks.records import registry
from tasks.records.progress import Progress
from tasks.records.script import Script, Speaker


class FakeDiarizer:
    """Line by line the next speaker."""

    class Options(registry.Options):
        """``speakers``: how many take turns; ``delay_s``: waits so long before it answers."""

        speakers: int = Field(2, ge=1, le=99)
        delay_s: float = 0.0

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(name="fake", code_licence="Apache-2.0")

    def __init__(self, options: Options) -> None:
        self._options = options

    def fingerprint(self) -> str:
        """The number of speakers."""
        return f"fake:1:{self._options.speakers}"

    def missing(self) -> list[str]:
        """Nothing."""
        return []

    def diarize(self, audio: Path, script: Script, progress: Progress) -> Script:
        """Speakers ``S1``, ``S2`` ... in turn; names from subtitles stay."""
        time.sleep(self._options.delay_s)
        labels = [
            line.speaker if line.named else f"S{index % self._options.speakers + 1}"
            for index, line in enumerate(script.lines)
        ]
        order = list(dict.fromkeys(labels))
        speakers = [Speaker(id=label, pitch_hz=(110.0, 210.0)[order.index(label) % 2]) for label in order]
        progress(1.0)
        return with_speakers(script, labels, speakers, "The speakers are invented.")

"""No lip sync: keeps the original picture and says so in the report."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from tasks.lipsync import Resynced
from tasks.lipsync.tracker import NoTracker
from tasks.records import registry
from tasks.records.progress import Progress


class NoLipSync:
    """Edits nothing."""

    facts: ClassVar = registry.BackendFacts(name="none", code_licence="Apache-2.0")
    tracker: ClassVar = NoTracker()

    class Options(registry.Options):
        """None."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def fingerprint(self) -> str:
        """A constant."""
        return "none-1"

    def missing(self) -> list[str]:
        """Nothing."""
        return []

    def resync(
        self, video: Path, analysis: Path, dialogue: Path, phones: Path, language: str, out: Path, progress: Progress
    ) -> Resynced:
        """Keep the original picture."""
        return Resynced(picture=None, report={"edited": 0, "reason": "lip sync was switched off"})

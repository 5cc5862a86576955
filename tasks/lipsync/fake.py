"""A lip sync that edits nothing in no time, for tests of orchestration; every report of it says fake."""

from __future__ import annotations

import time
from pathlib import Path
from typing import ClassVar

from tasks.lipsync import Resynced
from tasks.lipsync.tracker import NoTracker
from tasks.records import registry
from tasks.records.errors import PermanentError, TransientError
from tasks.records.progress import Progress


class FakeLipSyncer:
    """Keeps the original picture; can be told to fail."""

    facts: ClassVar = registry.BackendFacts(name="fake", code_licence="Apache-2.0")
    tracker: ClassVar = NoTracker()

    class Options(registry.Options):
        """What to pretend.

        Attributes:
            fail: languages that fail for good.
            fail_transiently: languages that fail as if it could pass.
            delay_s: how long a language takes.
        """

        fail: tuple[str, ...] = ()
        fail_transiently: tuple[str, ...] = ()
        delay_s: float = 0.0

    def __init__(self, options: Options) -> None:
        self.options = options

    def fingerprint(self) -> str:
        """A constant: what to pretend does not change a result."""
        return "fake-lipsync-1"

    def missing(self) -> list[str]:
        """Nothing can be missing."""
        return []

    def resync(
        self, video: Path, analysis: Path, dialogue: Path, phones: Path, language: str, out: Path, progress: Progress
    ) -> Resynced:
        """Keep the original picture, or fail as told."""
        time.sleep(self.options.delay_s)
        if language in self.options.fail:
            raise PermanentError(f"The fake lip sync was told to fail for {language}.")
        if language in self.options.fail_transiently:
            raise TransientError(f"The fake lip sync was told to fail for {language}, as if it could pass.")
        progress(1.0)
        return Resynced(picture=None, report={"edited": 0, "fake": True}, notes=("FAKE lip sync: nothing was edited.",))

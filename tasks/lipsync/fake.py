"""A lip sync that edits nothing, for orchestration tests; its reports are marked as fake."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tasks.keep.digests import file_sha256
from tasks.lipsync import Resynced
from tasks.lipsync.stretches import Shelved
from tasks.lipsync.tracker import NoTracker
from tasks.records import registry
from tasks.records.errors import PermanentError, TransientError
from tasks.records.progress import Progress


class FakeLipSyncer:
    """Keeps the original picture; can be made to fail."""

    facts: ClassVar = registry.BackendFacts(name="fake", code_licence="Apache-2.0")
    tracker: ClassVar = NoTracker()

    class Options(registry.Options):
        """Simulated behaviour.

        Attributes:
            fail: languages that fail permanently.
            fail_transiently: languages that fail transiently.
            delay_s: duration of a language.
        """

        fail: tuple[str, ...] = ()
        fail_transiently: tuple[str, ...] = ()
        delay_s: float = 0.0

    def __init__(self, options: Options) -> None:
        self.options = options
        self._settled: dict[str, Any] = {}

    def keeping(self, shelf: Shelved, settled: Mapping[str, Any]) -> FakeLipSyncer:
        """The same, with what an earlier dub settled."""
        own = FakeLipSyncer(self.options)
        own._settled = dict(settled)
        return own

    def fingerprint(self) -> str:
        """A constant: the options do not change the result."""
        return "fake-lipsync-2"

    def missing(self) -> list[str]:
        """Nothing."""
        return []

    def resync(
        self, video: Path, analysis: Path, dialogue: Path, phones: Path, language: str, out: Path, progress: Progress
    ) -> Resynced:
        """Keep the original picture, or fail as configured."""
        time.sleep(self.options.delay_s)
        if language in self.options.fail:
            raise PermanentError(f"The fake lip sync is set to fail for {language}.")
        if language in self.options.fail_transiently:
            raise TransientError(f"The fake lip sync is set to fail transiently for {language}.")
        progress(1.0)
        settled = self._settled or {"phones": file_sha256(phones)[0]}
        report = {"edited": 0, "fake": True, "settled": settled}
        return Resynced(None, report, ("FAKE lip sync: nothing was edited.",), settled)

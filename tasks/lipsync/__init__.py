"""The speaker's mouth, re-animated to the dub.

A `Tracker` runs once a title and serves every language and backend; `resync` renders one language's picture, silent.
Systems of others (`systems`) are backends by their names, with our surroundings (`foreign`); ``auto`` chooses by shot.
To add a backend of our own: write ``tasks/lipsync/NAME.py``, add its line to `BACKENDS`, and run
``pytest tests/contracts/test_lipsyncer.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from configs.lipsync_models import lipsync_models
from tasks import registry
from tasks.lipsync.systems import system_names
from tasks.model import Script
from tasks.progress import Progress

VERSION = 5

BACKENDS = {
    "native": "tasks.lipsync.native:NativeLipSyncer",
    "none": "tasks.lipsync.none:NoLipSync",
    "fake": "tasks.lipsync.fake:FakeLipSyncer",
}


@dataclass(frozen=True)
class Resynced:
    """What came of one language: ``picture`` is None when nothing was edited (use the original picture)."""

    picture: Path | None
    report: dict[str, Any]
    notes: tuple[str, ...] = field(default=())


class Tracker(Protocol):
    """Finds the faces of a title."""

    @property
    def facts(self) -> registry.BackendFacts:
        """What it declares of itself."""

    def fingerprint(self) -> str:
        """Name, version and what changes an analysis; loads nothing."""

    def analyse(self, video: Path, script: Script, out: Path, progress: Progress) -> None:
        """Track faces and collect the speakers' mouths into the file ``out`` (title level)."""


class LipSyncer(Protocol):
    """Re-animates mouths."""

    @property
    def facts(self) -> registry.BackendFacts:
        """What it declares of itself."""

    @property
    def tracker(self) -> Tracker:
        """Whose analysis it draws by."""

    def fingerprint(self) -> str:
        """Name, version, device class and options; loads nothing."""

    def missing(self) -> list[str]:
        """What is not installed, with how to get it."""

    def resync(
        self,
        video: Path,
        analysis: Path,
        dialogue: Path,
        phones: Path,
        language: str,
        out: Path,
        progress: Progress,
    ) -> Resynced:
        """Render the picture to ``out`` (no sound; frame count and times of the source).

        Args:
            video: the source.
            analysis: what its `tracker` wrote.
            dialogue: the dub, 48 kHz WAV, on the player's clock.
            phones: JSON list of ``{"ipa", "start_ms", "end_ms", "stress"}`` on the same clock.
            language: BCP-47 tag of the dub.
            out: where the picture goes.
            progress: told the share that is done.
        """


def dubs_alone(name: str) -> bool:
    """Whether a backend does a whole branch: translation, voices and mouths."""
    return name in lipsync_models() and lipsync_models()[name].takes == "translate"


def lipsyncer(name: str, options: dict[str, Any]) -> LipSyncer:
    """The backend of that name; `BadInputError` for an unknown name or option."""
    if name not in BACKENDS and (name == "auto" or name in system_names()):
        from tasks.lipsync.foreign import foreign

        return foreign(name, options)
    if dubs_alone(name):
        from tasks.lipsync.whole import WholeTranslation

        return WholeTranslation(name, options)
    backend: LipSyncer = registry.create("lipsync", name, BACKENDS, options)
    return backend

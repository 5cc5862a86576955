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
from configs.profile import LipsyncSettings
from tasks.lipsync.systems import system_names
from tasks.records import registry
from tasks.records.model import Script
from tasks.records.progress import Progress

VERSION = 7

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


def lipsyncing(settings: LipsyncSettings) -> LipSyncer:
    """A profile's backend, told what it knows of the style; `BadInputError` as `lipsyncer`."""
    style = {name: value for name, value in settings.style().items() if name in _known(settings.backend)}
    return lipsyncer(settings.backend, {**settings.options, **style})


def unheeded(settings: LipsyncSettings) -> tuple[str, ...]:
    """A note of what a profile says of the style and its backend does not know; empty where there is nothing."""
    names = sorted(settings.style().keys() - _known(settings.backend))
    return (f"Lip sync by {settings.backend} knows no {', '.join(names)}: not heeded.",) if names else ()


def _known(name: str) -> frozenset[str]:
    """The options of a backend."""
    if dubs_alone(name):
        return frozenset()
    if name not in BACKENDS and (name == "auto" or name in system_names()):
        from tasks.lipsync.foreign import Surroundings

        return frozenset(Surroundings.model_fields)
    return frozenset(registry.backend_class("lipsync", name, BACKENDS).Options.model_fields)

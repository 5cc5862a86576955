"""Lip sync: the speaker's mouth, re-animated to the dub.

A `Tracker` runs once per title and serves every language and backend; `resync` renders one language's picture, without
sound. Third-party systems (`systems`) are backends by their names, through the adapter in `foreign`; ``auto`` chooses a
system for each shot. To add a backend of our own: write ``tasks/lipsync/NAME.py``, add its line to `BACKENDS`, and run
``pytest tests/contracts/test_lipsyncer.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from tasks.lipsync.stretches import Shelved
from tasks.records import registry
from tasks.records.progress import Progress
from tasks.records.script import Script

VERSION = 11

BACKENDS = {
    "native": "tasks.lipsync.native:NativeLipSyncer",
    "none": "tasks.lipsync.none:NoLipSync",
    "fake": "tasks.lipsync.fake:FakeLipSyncer",
}


@dataclass(frozen=True)
class Resynced:
    """The result of one language.

    Attributes:
        picture: None if nothing was edited (use the original picture).
        report: the figures.
        notes: for the user.
        settled: what it took from the whole of the dub, for dubs of the same title with edited lines.
        stretches: parts in which the picture was made; 0 where it is one piece.
        found: those of them that were finished before.
    """

    picture: Path | None
    report: dict[str, Any]
    notes: tuple[str, ...] = field(default=())
    settled: dict[str, Any] = field(default_factory=dict)
    stretches: int = 0
    found: int = 0


class Tracker(Protocol):
    """Finds the faces of a title."""

    @property
    def facts(self) -> registry.BackendFacts:
        """What it declares about itself."""

    def fingerprint(self) -> str:
        """Name, version and options that affect the analysis; loads nothing."""

    def track(self, video: Path, out: Path, progress: Progress) -> None:
        """Track faces and collect their mouths into a file, once per title; what is said need not be known.

        Args:
            video: the source.
            out: where the faces are written.
            progress: called with the share done, 0 to 1.
        """

    def analyse(self, faces: Path, video: Path, script: Script, out: Path, progress: Progress) -> None:
        """Add to the faces what is said, when and by whom.

        Args:
            faces: written by `track`.
            video: the source.
            script: the source script with speakers.
            out: where the analysis is written.
            progress: called with the share done, 0 to 1.
        """


class LipSyncer(Protocol):
    """Re-animates mouths."""

    @property
    def facts(self) -> registry.BackendFacts:
        """What it declares about itself."""

    @property
    def tracker(self) -> Tracker:
        """The tracker whose analysis it uses."""

    def fingerprint(self) -> str:
        """Name, version, device class and options; loads nothing."""

    def missing(self) -> list[str]:
        """What is not installed, and how to install it."""

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
        """Render the picture to ``out``, without sound, with the source's frame count and times.

        Args:
            video: the source.
            analysis: file written by its `tracker`.
            dialogue: the dub, 48 kHz WAV, on the player's clock.
            phones: JSON file, a list of ``{"ipa", "start_ms", "end_ms", "stress"}`` on the same clock.
            language: BCP-47 tag of the dub.
            out: where the picture is written.
            progress: called with the share done, 0 to 1.
        """


@runtime_checkable
class Editing(Protocol):
    """A lip syncer that redraws only what an edit of the dub changes."""

    def keeping(self, shelf: Shelved, settled: Mapping[str, Any]) -> LipSyncer:
        """The same, with its finished stretches kept.

        Args:
            shelf: where.
            settled: what the unedited dub came to (`Resynced.settled`); empty where this is that, or it is not known.
        """

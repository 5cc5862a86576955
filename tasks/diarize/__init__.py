"""Who speaks each line.

In: 16 kHz mono dialogue and a script. Out: the same lines with ``speaker`` set (``S1``, ``S2`` in order of first
appearance) and the script's ``speakers`` filled (median pitch, speech time).
To add a backend: write ``tasks/diarize/NAME.py`` and add its line to `BACKENDS`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Protocol

from tasks import registry
from tasks.model import Script
from tasks.progress import Progress

VERSION = 1

BACKENDS = {
    "resemblyzer": "tasks.diarize.resemblyzer:ResemblyzerDiarizer",
    "fake": "tasks.diarize.fake:FakeDiarizer",
}


class Diarizer(Protocol):
    """Gives each line its speaker."""

    facts: ClassVar[registry.BackendFacts]

    def fingerprint(self) -> str:
        """Name, version, model and options; loads nothing."""

    def missing(self) -> list[str]:
        """What is not installed, with how to get it."""

    def diarize(self, audio: Path, script: Script, progress: Progress) -> Script:
        """The script with speakers; text and times unchanged. Speakers that subtitles named are kept."""


def diarizer(name: str, options: dict[str, Any]) -> Diarizer:
    """The backend of that name; `BadInputError` for an unknown name or option."""
    backend: Diarizer = registry.create("diarize", name, BACKENDS, options)
    return backend

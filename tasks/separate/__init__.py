"""Dialogue apart from background (the bed).

In and out: 48 kHz stereo WAV, 24 bit or float; dialogue + bed have exactly as many samples as the input. Of a 5.1 title
the centre goes through the backend (`tasks.separate.surround`) and the bed stays 5.1.
To add a backend: write ``tasks/separate/NAME.py``, add its line to `BACKENDS`, and run
``pytest tests/contracts/test_separator.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from tasks.records import registry
from tasks.records.progress import Progress

VERSION = 3

BACKENDS = {
    "classical": "tasks.separate.classical:ClassicalSeparator",
    "demucs": "tasks.separate.demucs:DemucsSeparator",
    "fake": "tasks.separate.fake:FakeSeparator",
}


class Separator(Protocol):
    """Splits a mix into dialogue and bed."""

    @property
    def facts(self) -> registry.BackendFacts:
        """What the backend declares of itself, its model included."""

    def fingerprint(self) -> str:
        """Name, version, model and options; loads nothing."""

    def missing(self) -> list[str]:
        """What is not installed, with how to get it."""

    def separate(self, mix: Path, dialogue: Path, bed: Path, progress: Progress) -> tuple[str, ...]:
        """Write both stems; memory does not grow with length. Returns notes (limits) for the user.

        Raises:
            MissingBackendError: a model is not there and cannot be fetched.
        """


def separator(name: str, options: dict[str, Any]) -> Separator:
    """The backend of that name; `BadInputError` for an unknown name or option."""
    backend: Separator = registry.create("separate", name, BACKENDS, options)
    return backend

"""Separation of the dialogue from the background (the bed).

In and out: 48 kHz stereo WAV, 24 bit or float; dialogue and bed have exactly as many samples as the input. For a 5.1
title the centre channel goes through the backend (`tasks.separate.surround`) and the bed stays 5.1.
To add a backend: write ``tasks/separate/NAME.py``, add its line to `BACKENDS`, and run
``pytest tests/contracts/test_separator.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from tasks.records import registry
from tasks.records.progress import Progress

VERSION = 4

BACKENDS = {
    "classical": "tasks.separate.classical:ClassicalSeparator",
    "demucs": "tasks.separate.demucs:DemucsSeparator",
    "fake": "tasks.separate.fake:FakeSeparator",
}


class Separator(Protocol):
    """Splits a mix into dialogue and bed."""

    @property
    def facts(self) -> registry.BackendFacts:
        """What the backend declares about itself and its model."""

    def fingerprint(self) -> str:
        """Name, version, model and options; loads nothing."""

    def missing(self) -> list[str]:
        """What is not installed, and how to install it."""

    def separate(self, mix: Path, dialogue: Path, bed: Path, progress: Progress) -> tuple[str, ...]:
        """Write both stems; memory does not grow with the length.

        Args:
            mix: the title's sound, 48 kHz stereo WAV.
            dialogue: where the dialogue is written.
            bed: where the bed is written.
            progress: called with the share done, 0 to 1.

        Returns:
            Notes on limits, for the user.

        Raises:
            MissingBackendError: a model is missing and cannot be downloaded.
        """


def separator(name: str, options: dict[str, Any]) -> Separator:
    """The backend of that name; `BadInputError` for an unknown name or option."""
    backend: Separator = registry.create("separate", name, BACKENDS, options)
    return backend

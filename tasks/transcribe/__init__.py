"""Speech recognition with times.

In: 16 kHz mono dialogue. Out: a `Script` in the source language, lines in order, never overlapping, text not empty.
A backend is a class with ``facts``, ``Options`` and the methods of `Transcriber`. To add one: write
``tasks/transcribe/NAME.py``, add its line to `BACKENDS`, and run ``pytest tests/contracts/test_transcriber.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from configs.profile import ChainedSettings
from tasks.records import registry
from tasks.records.progress import Progress
from tasks.records.script import Script
from tasks.records.standin import Chosen, first_able

VERSION = 11

BACKENDS = {
    "pocketsphinx": "tasks.transcribe.pocketsphinx:PocketSphinxTranscriber",
    "faster-whisper": "tasks.transcribe.faster_whisper:FasterWhisperTranscriber",
    "whisper": "tasks.transcribe.whisper:WhisperTranscriber",
    "openai": "tasks.transcribe.openai:OpenAiTranscriber",
    "fake": "tasks.transcribe.fake:FakeTranscriber",
}


class Transcriber(Protocol):
    """Turns dialogue into a script."""

    @property
    def facts(self) -> registry.BackendFacts:
        """What the backend declares about itself; an attribute of the instance if it depends on the options."""

    def fingerprint(self) -> str:
        """Name, version, model and options, as part of the step key; loads nothing."""

    def missing(self) -> list[str]:
        """What is not installed and how to install it, one sentence each; empty when ready."""

    def transcribe(self, audio: Path, language: str | None, progress: Progress) -> Script:
        """Transcribe a 16 kHz mono WAV.

        Args:
            audio: the file.
            language: BCP-47 tag; None to detect it.
            progress: called with the share done, 0 to 1.

        Raises:
            UnsupportedError: the backend does not support the language.
            MissingBackendError: a model is missing and cannot be downloaded.
        """


@runtime_checkable
class KnowsWhere(Protocol):
    """A transcriber that accepts known spans of speech, so that it misses no short line."""

    def transcribe_spans(self, audio: Path, spans: Sequence[tuple[int, int]], language: str) -> Script:
        """Transcribe known spans of a 16 kHz mono WAV, with the same result on every run.

        Args:
            audio: the file.
            spans: spans of speech in milliseconds, in order, not overlapping; at least one.
            language: BCP-47 tag.

        Raises:
            UnsupportedError: the backend does not support the language.
            MissingBackendError: a model is missing and cannot be downloaded.
        """


def transcriber(name: str, options: dict[str, Any]) -> Transcriber:
    """The backend of that name; `BadInputError` for an unknown name or option."""
    backend: Transcriber = registry.create("transcribe", name, BACKENDS, options)
    return backend


def listening(settings: ChainedSettings, language: str | None) -> Chosen[Transcriber]:
    """The first of a profile's backends that is installed and supports the language (None: to be detected)."""
    return first_able(settings, transcriber, language, "hear")

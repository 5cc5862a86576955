"""Speech synthesis: lines spoken in their speakers' voices, at a pace that fits their slots.

To add a backend: write ``tasks/synthesize/NAME.py``, add its line to `BACKENDS`, and run
``pytest tests/contracts/test_synthesizer.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from configs.profile import ChainedSettings
from tasks.records import registry
from tasks.records.errors import UnsupportedError
from tasks.records.script import Speaker
from tasks.records.standin import Chosen, first_able

VERSION = 10

BACKENDS = {
    "kokoro": "tasks.synthesize.kokoro:KokoroSynthesizer",
    "espeak": "tasks.synthesize.espeak:EspeakSynthesizer",
    "coqui": "tasks.synthesize.coqui:CoquiSynthesizer",
    "elevenlabs": "tasks.synthesize.elevenlabs:ElevenLabsSynthesizer",
    "openai": "tasks.synthesize.openai:OpenAiSynthesizer",
    "fake": "tasks.synthesize.fake:FakeSynthesizer",
}


@dataclass(frozen=True)
class Spoken:
    """One spoken line: a mono WAV at ``audio``, with silence trimmed from both ends.

    ``phones``: ``(ipa, start_ms, end_ms, stress)`` on the WAV's clock; empty if the backend gives none.
    ``characters``: number sent to a service that bills by characters.
    """

    audio: Path
    duration_ms: int
    phones: tuple[tuple[str, int, int, int], ...] = ()
    characters: int = 0


@dataclass(frozen=True)
class Manner:
    """How a line is spoken, apart from its pace.

    Attributes:
        reading: number of the reading, from 0; other than 0 only if ``facts.varies``.
        energy: -1 (subdued) to 1 (lively), like the source line; other than 0 only if ``facts.spirited``.
        ipa: spans of the text (first character, last exclusive) with their pronunciation, in order; empty unless
            ``facts.ipa``.
    """

    reading: int = 0
    energy: float = 0.0
    ipa: tuple[tuple[int, int, str], ...] = ()


PLAIN = Manner()


class NothingToSayError(UnsupportedError):
    """The voice has nothing to pronounce in a line: the line stays silent."""


class Synthesizer(Protocol):
    """Speaks lines."""

    @property
    def facts(self) -> registry.BackendFacts:
        """What the backend declares about itself; an attribute of the instance if it depends on the options."""

    def fingerprint(self) -> str:
        """Name, version, model and options; loads nothing."""

    def missing(self) -> list[str]:
        """What is not installed, and how to install it."""

    def voices(self, language: str, speakers: Sequence[Speaker], references: Mapping[str, Path]) -> dict[str, str]:
        """A voice for every speaker, distinct if the backend has enough, the same on every run.

        Args:
            language: BCP-47 tag.
            speakers: the speakers; ``pitch_hz`` guides the choice.
            references: speaker id to a clean WAV of that speaker, for cloning backends; may be empty.

        Raises:
            UnsupportedError: no voice in that language.
        """

    def synthesize(
        self, text: str, voice: str, language: str, out: Path, pace: float = 1.0, manner: Manner = PLAIN
    ) -> Spoken:
        """Speak one line into the WAV ``out``; the same input gives the same bytes if ``facts`` say so.

        Args:
            text: the line.
            voice: one of `voices`.
            language: BCP-47 tag.
            out: written atomically.
            pace: factor of the voice's own pace, above 1 is faster; other than 1 only if ``facts.paces``.
            manner: reading, energy and pronunciations.

        Raises:
            NothingToSayError: the voice has nothing to pronounce in the text.
            UnsupportedError: no such voice or language.
            MissingBackendError: a model or a key is missing or rejected.
            ProviderBusyError: a hosted service is busy.
        """


@runtime_checkable
class LengthPredicting(Protocol):
    """A synthesizer that can predict the length of a line without speaking it."""

    def predicted_ms(self, text: str, voice: str, language: str, pace: float = 1.0, manner: Manner = PLAIN) -> int:
        """The length in milliseconds that `Synthesizer.synthesize` would give; arguments and errors as there.

        Args:
            text: the line in spoken form.
            voice: name of the voice.
            language: BCP-47 tag.
            pace: 1 is the voice's own; more is faster.
            manner: how the line is said.
        """


@dataclass(frozen=True)
class Matched:
    """Voices by speaker id, and notes on how they were chosen."""

    voices: dict[str, str]
    notes: tuple[str, ...] = ()


@runtime_checkable
class Matching(Protocol):
    """A synthesizer that matches its voices to the sound of the original speakers."""

    @property
    def facts(self) -> registry.BackendFacts:
        """As for a `Synthesizer`."""

    def fingerprint(self) -> str:
        """As for a `Synthesizer`."""

    def matched(
        self, language: str, speakers: Sequence[Speaker], clips: Mapping[str, Path], taken: Collection[str] = ()
    ) -> Matched:
        """A voice for every speaker, all different if there are enough, the same on every run.

        Args:
            language: BCP-47 tag.
            speakers: the speakers.
            clips: speaker id to a WAV of that speaker alone; some may be missing.
            taken: voices that are already in use.

        Raises:
            UnsupportedError: no voice in that language.
        """


def synthesizer(name: str, options: dict[str, Any]) -> Synthesizer:
    """The backend of that name; `BadInputError` for an unknown name or option."""
    backend: Synthesizer = registry.create("synthesize", name, BACKENDS, options)
    return backend


def speaking(settings: ChainedSettings, language: str | None) -> Chosen[Synthesizer]:
    """The first of a profile's backends that is installed and supports the language (None: any)."""
    return first_able(settings, synthesizer, language, "speak")

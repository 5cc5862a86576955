"""Lines into speech, each by its speaker's voice, at a pace that suits its slot.

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
from tasks.records.model import Speaker
from tasks.records.standin import Chosen, first_able

VERSION = 8

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
    """What a backend made of one line: a mono WAV written to ``audio``, silence trimmed from both ends.

    ``phones``: ``(ipa, start_ms, end_ms, stress)`` on the WAV's clock; empty where the backend knows none.
    ``characters``: sent to a service that is paid by them.
    """

    audio: Path
    duration_ms: int
    phones: tuple[tuple[str, int, int, int], ...] = ()
    characters: int = 0


@dataclass(frozen=True)
class Manner:
    """How a line is said, beyond its pace.

    Attributes:
        reading: which of several readings, from 0; other than 0 only where ``facts.varies``.
        energy: -1 (subdued) to 1 (lively), as the source line is; other than 0 only where ``facts.spirited``.
        ipa: spans of the text (first character, last exclusive) with their pronunciation, in order; empty unless
            ``facts.ipa``.
    """

    reading: int = 0
    energy: float = 0.0
    ipa: tuple[tuple[int, int, str], ...] = ()


PLAIN = Manner()


class NothingToSayError(UnsupportedError):
    """A voice finds no sound in a line's letters: the line stays silent."""


class Synthesizer(Protocol):
    """Speaks lines."""

    @property
    def facts(self) -> registry.BackendFacts:
        """What it is; where it depends on the options, an attribute of the instance."""

    def fingerprint(self) -> str:
        """Name, version, model and options; loads nothing."""

    def missing(self) -> list[str]:
        """What is not installed, with how to get it."""

    def voices(self, language: str, speakers: Sequence[Speaker], references: Mapping[str, Path]) -> dict[str, str]:
        """A voice for every speaker, distinct where the backend has enough of them, the same on every run.

        Args:
            language: BCP-47 tag.
            speakers: who speaks; ``pitch_hz`` helps to choose.
            references: speaker id to a clean WAV of that speaker, for cloning backends; may be empty.

        Raises:
            UnsupportedError: no voice in that language.
        """

    def synthesize(
        self, text: str, voice: str, language: str, out: Path, pace: float = 1.0, manner: Manner = PLAIN
    ) -> Spoken:
        """Speak one line into the WAV ``out``; the same input gives the same bytes where ``facts`` allow.

        Args:
            text: the line.
            voice: one of `voices`.
            language: BCP-47 tag.
            out: written whole or not at all.
            pace: factor of the voice's own pace, above 1 is faster; other than 1 only where ``facts.paces``.
            manner: reading, energy and pronunciations.

        Raises:
            NothingToSayError: the voice makes no sound of the text.
            UnsupportedError: no such voice or language.
            MissingBackendError: a model or a key is not there, or is refused.
            ProviderBusyError: a hosted service asks to wait.
        """


@runtime_checkable
class Foretelling(Protocol):
    """A synthesizer that knows how long a line will be without speaking it."""

    def foretold_ms(self, text: str, voice: str, language: str, pace: float = 1.0, manner: Manner = PLAIN) -> int:
        """The length that `Synthesizer.synthesize` would give; errors as there."""


@dataclass(frozen=True)
class Matched:
    """Speaker id to voice, and what to tell the user of how they were chosen."""

    voices: dict[str, str]
    notes: tuple[str, ...] = ()


@runtime_checkable
class Matching(Protocol):
    """A synthesizer that chooses among its voices by how the speakers of the original sound."""

    @property
    def facts(self) -> registry.BackendFacts:
        """As of a `Synthesizer`."""

    def matched(
        self, language: str, speakers: Sequence[Speaker], clips: Mapping[str, Path], taken: Collection[str] = ()
    ) -> Matched:
        """A voice for every speaker, no two alike as long as there are enough, the same on every run.

        Args:
            language: BCP-47 tag.
            speakers: who speaks.
            clips: speaker id to a WAV of that speaker alone; may lack some.
            taken: voices that others have.

        Raises:
            UnsupportedError: no voice in that language.
        """


def synthesizer(name: str, options: dict[str, Any]) -> Synthesizer:
    """The backend of that name; `BadInputError` for an unknown name or option."""
    backend: Synthesizer = registry.create("synthesize", name, BACKENDS, options)
    return backend


def speaking(settings: ChainedSettings, language: str | None) -> Chosen[Synthesizer]:
    """The first of a profile's backends that is installed and speaks the language (None: any)."""
    return first_able(settings, synthesizer, language, "speak")

"""Asks a server with OpenAI's API what is said in a stretch of speech, and gives every word of its answer a time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from configs.timed_text import timed_text_limits
from tasks.machine.meter import bill
from tasks.records.errors import PermanentError
from tasks.records.registry import BackendFacts
from tasks.services.openai import OpenAiOptions
from tasks.sound.speech_activity import SAMPLE_RATE_HZ
from tasks.transcribe.hearing import Heard
from tasks.transcribe.openai_answer import Passage, passages
from tasks.transcribe.placing import placed
from tasks.transcribe.whisper_codes import usual_code

_REFUSED = ("response_format", "timestamp_granularities", "verbose_json")


class Server:
    """The server of a recording, and its observed abilities.

    Attributes:
        model: its name there.
        timeless: it returns no times at all.
    """

    def __init__(self, options: OpenAiOptions, facts: BackendFacts, prompt: str) -> None:
        self.timeless = False
        self.model = options.model
        self._service, self._facts, self._prompt = options.service(), facts, prompt
        self._verbose = True
        self._aligned = self._spread = 0

    def ask(self, samples: NDArray[np.float32], language: str | None) -> Any:
        """The server's response, as JSON.

        Args:
            samples: float32 [N], mono, 16 kHz.
            language: BCP-47 tag; None to let it detect it.

        Raises:
            MissingBackendError: the key is missing or rejected.
            ProviderBusyError: busy, failing or not answering after the last try.
            PermanentError: the request is rejected.
        """
        try:
            answer = self._service.hear("/audio/transcriptions", self._form(language), _wav(samples))
        except PermanentError as error:
            if not self._verbose or not any(word in error.what for word in _REFUSED):
                raise
            self._verbose = False
            answer = self._service.hear("/audio/transcriptions", self._form(language), _wav(samples))
        if self._facts.paid:
            bill(self._facts.price, seconds=len(samples) / SAMPLE_RATE_HZ)
        return answer

    def passages(self, answer: Any, samples: NDArray[np.float32], language: str) -> list[Passage]:
        """The passages of an answer.

        Args:
            answer: the server's JSON.
            samples: float32 [N], mono, 16 kHz: what was sent.
            language: BCP-47 tag.
        """
        found = passages(answer, len(samples) / SAMPLE_RATE_HZ, spaced=_spaced(language))
        self.timeless |= any(not passage.timed for passage in found)
        return found

    def heard(self, found: Sequence[Passage], samples: NDArray[np.float32], language: str) -> list[Heard]:
        """Passages whose words have times: the server's, else our aligner's.

        Args:
            found: passages of one answer.
            samples: float32 [N], mono, 16 kHz: what was sent.
            language: BCP-47 tag.
        """
        heard = []
        for passage in found:
            words = passage.words or self._placed(passage, samples, language)
            heard.append(Heard(words, passage.no_speech, passage.log_probability, passage.compression))
        return heard

    def notes(self) -> tuple[str, ...]:
        """How words got their times, unless they are the server's."""
        if not self._aligned + self._spread:
            return ()
        what = "returns no times" if self.timeless else "returns times of passages, not of words"
        aligned = f"{self.model} {what}: the words of {_many(self._aligned)} were placed by our own aligner."
        spread = f"The words of {_many(self._spread)} could not be aligned and were spread over their time."
        if not self._aligned:
            return (f"{self.model} {what}. {spread}",)
        return (aligned, spread) if self._spread else (aligned,)

    def _placed(
        self, passage: Passage, samples: NDArray[np.float32], language: str
    ) -> tuple[tuple[str, float, float], ...]:
        first, last = (round(at * SAMPLE_RATE_HZ) for at in (passage.start_s, passage.end_s))
        found, aligned = placed(passage.text, language, samples[first:last], spaced=_spaced(language))
        self._aligned += aligned
        self._spread += not aligned
        return tuple((text, passage.start_s + start, passage.start_s + end) for text, start, end in found)

    def _form(self, language: str | None) -> dict[str, str | list[str]]:
        form: dict[str, str | list[str]] = {"model": self.model, "response_format": "json"}
        if self._verbose:
            form |= {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]}
        if language:
            form["language"] = usual_code(language)
        if self._prompt:
            form["prompt"] = self._prompt
        return form


def _spaced(language: str) -> bool:
    return not timed_text_limits(language).spaceless


def _many(passages: int) -> str:
    return f"{passages} passage{'s' * (passages != 1)}"


def _wav(samples: NDArray[np.float32]) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, SAMPLE_RATE_HZ, subtype="PCM_16", format="WAV")
    return out.getvalue()

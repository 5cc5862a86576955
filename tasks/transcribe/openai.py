"""Recognition by any server with OpenAI's API: OpenAI, Speaches, LocalAI, whisper.cpp, vLLM ...

``POST /audio/transcriptions``: a form with ``file``, ``model``, ``language``, ``response_format=verbose_json`` and
``timestamp_granularities[]``. If a server returns only times of segments, or only text, our own aligner places
the words, with a note.
"""

from __future__ import annotations

import io
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from pydantic import Field

from configs.languages import display_name, tag_of
from configs.timed_text import timed_text_limits
from tasks.machine.meter import bill
from tasks.records.errors import PermanentError, UnsupportedError
from tasks.records.progress import Progress
from tasks.records.script import Script
from tasks.services.hosted import Service
from tasks.services.openai import OpenAiOptions
from tasks.sound.speech_activity import SAMPLE_RATE_HZ, read_span
from tasks.transcribe.hearing import Belief, Heard, heard_stretches, listened_spans
from tasks.transcribe.openai_answer import Passage, language_returned, passages
from tasks.transcribe.placing import placed
from tasks.transcribe.segment import lines_from_words
from tasks.transcribe.whisper_codes import usual_code

#: What is sent at a time.
_MOST_MS = 180_000
#: What is sent at a time where the server tells no times at all: the aligner is to find the words in it.
_SHORT_MS = 30_000
_REFUSED = ("response_format", "timestamp_granularities", "verbose_json")


@dataclass
class _Heeding:
    """What was learnt of the server on the way: whether it takes ``verbose_json``, and how words got their times."""

    verbose: bool = True
    timeless: bool = False
    aligned: int = 0
    spread: int = 0

    def notes(self, model: str) -> list[str]:
        if not self.aligned + self.spread:
            return []
        what = "returns no times" if self.timeless else "returns times of passages, not of words"
        notes = [f"{model} {what}: the words of {_many(self.aligned)} were placed by our own aligner."]
        if self.spread:
            notes.append(f"The words of {_many(self.spread)} could not be aligned and were spread over their time.")
        return notes if self.aligned else [f"{model} {what}. {notes[1]}"]


class OpenAiTranscriber:
    """Transcribes by the server at ``url``; for address and key see `tasks.services.openai`."""

    class Options(OpenAiOptions):
        """How it is asked.

        Attributes:
            prompt: words that the recogniser may expect, such as names.
            pause_ms: silence that ends a line.
        """

        prompt: str = ""
        pause_ms: int = Field(500, ge=100, le=5000)

    def __init__(self, options: Options) -> None:
        self._options = options
        self.facts = options.facts("openai")

    def fingerprint(self) -> str:
        """The address, the model and its options; the model behind a name may change unnoticed."""
        return f"openai:3:{self._options.model_dump_json(include={'url', 'model', 'prompt', 'pause_ms'})}"

    def missing(self) -> list[str]:
        """The key of OpenAI's own address."""
        return self._options.missing()

    def transcribe(self, audio: Path, language: str | None, progress: Progress) -> Script:
        """Transcribe in stretches of speech of at most three minutes.

        Raises:
            UnsupportedError: no language is given, and the server returns none.
            MissingBackendError: the key is missing or rejected.
            ProviderBusyError: busy, failing or not answering after the last try.
            PermanentError: the request is rejected.
        """
        service = self._options.service()
        spans = listened_spans(audio, lambda share: progress(0.1 * share))
        if not spans:
            return Script(language=language or "en", lines=(), origin="openai")
        belief, heeding, spoken = Belief(spans), _Heeding(), language
        waiting = deque(heard_stretches(spans, audio, _MOST_MS))
        while waiting:
            stretch = waiting.popleft()
            samples = read_span(audio, stretch.start_ms, stretch.end_ms)
            answer = self._ask(service, samples, spoken, heeding)
            spoken = spoken or self._detected(answer)
            found = passages(answer, len(samples) / SAMPLE_RATE_HZ, spaced=_spaced(spoken))
            if any(not passage.timed for passage in found) and not heeding.timeless:
                heeding.timeless = True
                if stretch.end_ms - stretch.start_ms > _SHORT_MS:  # once more, in pieces in which words can be found
                    left = [span for span in spans if span[1] > stretch.start_ms]
                    waiting = deque(heard_stretches(left, audio, _SHORT_MS))
                    continue
            belief.take([_heard(passage, samples, spoken, heeding) for passage in found], stretch)
            progress(0.1 + 0.9 * stretch.end_ms / max(spans[-1][1], stretch.end_ms))
        lines = tuple(lines_from_words(belief.words, pause_ms=self._options.pause_ms))
        detected = [] if language else [f"The language was detected as {display_name(str(spoken))}."]
        notes = (*detected, *heeding.notes(self._options.model), *belief.notes())
        return Script(language=str(spoken), lines=lines, origin="openai", notes=notes)

    def _ask(self, service: Service, samples: NDArray[np.float32], language: str | None, heeding: _Heeding) -> Any:
        try:
            answer = service.hear("/audio/transcriptions", self._form(language, heeding), _wav(samples))
        except PermanentError as error:
            if not heeding.verbose or not any(word in error.what for word in _REFUSED):
                raise
            heeding.verbose = False
            answer = service.hear("/audio/transcriptions", self._form(language, heeding), _wav(samples))
        if self.facts.paid:
            bill(self.facts.price, seconds=len(samples) / SAMPLE_RATE_HZ)
        return answer

    def _form(self, language: str | None, heeding: _Heeding) -> dict[str, str | list[str]]:
        form: dict[str, str | list[str]] = {"model": self._options.model, "response_format": "json"}
        if heeding.verbose:
            form |= {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]}
        if language:
            form["language"] = usual_code(language)
        if self._options.prompt:
            form["prompt"] = self._options.prompt
        return form

    def _detected(self, answer: Any) -> str:
        tag = tag_of(language_returned(answer))
        if tag == "und":
            raise UnsupportedError(
                f"{self._options.model} does not return the language.", "Set it (--from), or supply subtitles."
            )
        return tag


def _heard(passage: Passage, samples: NDArray[np.float32], language: str, heeding: _Heeding) -> Heard:
    """A passage whose words have times: the server's, else our aligner's."""
    words = passage.words
    if not words:
        first, last = (round(at * SAMPLE_RATE_HZ) for at in (passage.start_s, passage.end_s))
        found, aligned = placed(passage.text, language, samples[first:last], spaced=_spaced(language))
        heeding.aligned += aligned
        heeding.spread += not aligned
        words = tuple((text, passage.start_s + start, passage.start_s + end) for text, start, end in found)
    return Heard(words, passage.no_speech, passage.log_probability, passage.compression)


def _spaced(language: str) -> bool:
    return not timed_text_limits(language).spaceless


def _many(passages: int) -> str:
    return f"{passages} passage{'s' * (passages != 1)}"


def _wav(samples: NDArray[np.float32]) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, SAMPLE_RATE_HZ, subtype="PCM_16", format="WAV")
    return out.getvalue()

"""Recognition by any server with OpenAI's API: OpenAI, Speaches, LocalAI, whisper.cpp, vLLM ...

``POST /audio/transcriptions``: a form with ``file``, ``model``, ``language``, ``response_format=verbose_json`` and
``timestamp_granularities[]``. If a server returns only times of segments, or only text, our own aligner places
the words, with a note.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

from pydantic import Field

from tasks.records.progress import Progress
from tasks.records.script import Script
from tasks.services.openai import OpenAiOptions
from tasks.sound.speech_activity import read_span
from tasks.transcribe.hearing import Belief, Span, heard_stretches, listened_spans
from tasks.transcribe.openai_server import Server
from tasks.transcribe.openai_tongues import asked, settled, turns
from tasks.transcribe.segment import lines_from_words

#: What is sent at a time.
_MOST_MS = 180_000
#: What is sent at a time where the server tells no times at all (the aligner is to find the words in it), or is to tell
#: the language.
_SHORT_MS = 30_000


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
        return f"openai:4:{self._options.model_dump_json(include={'url', 'model', 'prompt', 'pause_ms'})}"

    def missing(self) -> list[str]:
        """The key of OpenAI's own address."""
        return self._options.missing()

    def transcribe(self, audio: Path, language: str | None, progress: Progress) -> Script:
        """Transcribe in stretches of speech of at most three minutes; half a minute where the language is not given.

        Raises:
            UnsupportedError: no language is given, and the server returns none.
            MissingBackendError: the key is missing or rejected.
            ProviderBusyError: busy, failing or not answering after the last try.
            PermanentError: the request is rejected.
        """
        spans = listened_spans(audio, lambda share: progress(0.1 * share))
        if not spans:
            return Script(language=language or "en", lines=(), origin="openai")
        server = Server(self._options, self.facts, self._options.prompt)
        if language is None:
            return self._detected(server, audio, spans, progress)
        belief = Belief(spans)
        waiting = deque(heard_stretches(spans, audio, _MOST_MS))
        while waiting:
            stretch = waiting.popleft()
            samples = read_span(audio, stretch.start_ms, stretch.end_ms)
            timeless = server.timeless
            found = server.passages(server.ask(samples, language), samples, language)
            if server.timeless and not timeless and stretch.end_ms - stretch.start_ms > _SHORT_MS:
                left = [span for span in spans if span[1] > stretch.start_ms]  # again, in pieces where words are found
                waiting = deque(heard_stretches(left, audio, _SHORT_MS))
                continue
            belief.take(server.heard(found, samples, language), stretch)
            progress(_share(stretch.end_ms, spans))
        lines = tuple(lines_from_words(belief.words, pause_ms=self._options.pause_ms))
        return Script(language=language, lines=lines, origin="openai", notes=(*server.notes(), *belief.notes()))

    def _detected(self, server: Server, audio: Path, spans: list[Span], progress: Progress) -> Script:
        belief, answers = Belief(spans), []
        for one in asked(server, audio, heard_stretches(spans, audio, _SHORT_MS, turns(spans))):
            answers.append(one)
            progress(_share(one.stretch.end_ms, spans))
        tongues, kept = settled(server, audio, answers)
        for one in kept:
            samples = read_span(audio, one.stretch.start_ms, one.stretch.end_ms)
            found = server.passages(one.answer, samples, one.language)
            belief.take(server.heard(found, samples, one.language), one.stretch)
        return Script(
            language=tongues.main,
            lines=tongues.lines(belief.words, self._options.pause_ms),
            origin="openai",
            notes=(*tongues.notes(), *server.notes(), *belief.notes()),
        )


def _share(end_ms: int, spans: list[Span]) -> float:
    return 0.1 + 0.9 * end_ms / max(spans[-1][1], end_ms)

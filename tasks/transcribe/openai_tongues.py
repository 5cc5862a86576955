"""Which language a server with OpenAI's API hears in each stretch of speech, where the user has not given it.

A server detects one language a request, and returns no probability. So the speech is sent in stretches that end at a
pause, as a change of language mostly comes after one. The language of most of it is the script's; a stretch in another
one is asked for once more in the script's, and the text counts of which the server is surer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from configs.languages import primary, tag_of
from tasks.records.errors import UnsupportedError
from tasks.sound.speech_activity import read_span
from tasks.transcribe.hearing import Span, Stretch
from tasks.transcribe.openai_answer import Passage, language_returned
from tasks.transcribe.openai_server import Server
from tasks.transcribe.tongues import Tongues

_PAUSE_MS, _FEWEST_MS = 1000, 3000  # a pause at which another language may begin, after so much speech
_CLEAR_MS = 1500  # less speech is too little to detect a language


@dataclass(frozen=True)
class StretchAnswer:
    """What the server says of a stretch, and in which language (BCP-47)."""

    stretch: Stretch
    answer: Any
    language: str

    @property
    def length_ms(self) -> int:
        """Of the sound."""
        return self.stretch.end_ms - self.stretch.start_ms


def turns(spans: Sequence[Span]) -> frozenset[int]:
    """Where speech begins that may be in another language: after a second's pause, with some seconds before it."""
    found, spoken = set(), 0
    for before, after in pairwise(spans):
        spoken += before[1] - before[0]
        if after[0] - before[1] >= _PAUSE_MS and spoken >= _FEWEST_MS:
            found.add(after[0])
            spoken = 0
    return frozenset(found)


def asked(server: Server, audio: Path, stretches: Iterable[Stretch]) -> Iterator[StretchAnswer]:
    """The answers, stretch by stretch, in the language that the server hears.

    Args:
        server: who listens.
        audio: WAV, mono, 16 kHz.
        stretches: in order of time.

    Raises:
        UnsupportedError: it returns none.
    """
    known = False
    for stretch in stretches:
        answer = server.ask(read_span(audio, stretch.start_ms, stretch.end_ms), None)
        language = tag_of(language_returned(answer))
        known = known or language != "und"
        if not known:
            raise UnsupportedError(
                f"{server.model} does not return the language.", "Set it (--from), or supply subtitles."
            )
        yield StretchAnswer(stretch, answer, language)


def settled(server: Server, audio: Path, answers: Sequence[StretchAnswer]) -> tuple[Tongues, list[StretchAnswer]]:
    """The languages of a recording, and its answers in them.

    Args:
        server: who listens.
        audio: WAV, mono, 16 kHz.
        answers: those of `asked`.
    """
    weights: dict[str, int] = {}
    for one in answers:
        if one.language != "und":
            weights[one.language] = weights.get(one.language, 0) + one.length_ms
    main = max(sorted(weights), key=lambda code: weights[code])
    kept = [one if one.language == main else _in_doubt(server, audio, one, main) for one in answers]
    parts: list[tuple[int, int, str]] = []
    for one in kept:
        start = parts.pop()[0] if parts and parts[-1][2] == one.language else one.stretch.start_ms
        parts.append((start, one.stretch.end_ms, one.language))
    return Tongues(main, tuple(parts), detected=True), kept


def _in_doubt(server: Server, audio: Path, first: StretchAnswer, main: str) -> StretchAnswer:
    samples = read_span(audio, first.stretch.start_ms, first.stretch.end_ms)
    again = StretchAnswer(first.stretch, server.ask(samples, main), main)
    if first.language == "und" or first.length_ms < _CLEAR_MS or primary(first.language) == primary(main):
        return again
    own, other = (_sureness(server.passages(one.answer, samples, one.language)) for one in (first, again))
    return again if other > own else first


def _sureness(found: Sequence[Passage]) -> float:
    """The mean log probability of a text, by its length; 0 where the server returns none."""
    letters = sum(len(passage.text) for passage in found)
    return sum(len(passage.text) * passage.log_probability for passage in found) / max(1, letters)

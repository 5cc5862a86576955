"""Shared parts of Whisper-like recognisers: the stretches they get, and the plausibility of their results.

They hallucinate sentences where nobody speaks. So they only get stretches of speech, and segments outside speech are
dropped, with their number in the script's notes. A detector notices speech late, and a recogniser drops a word that is
cut: so each stretch includes some of the surrounding sound.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from tasks.records.progress import Progress
from tasks.records.script import Word
from tasks.sound.speech_activity import SAMPLE_RATE_HZ, duration_ms, read_span, speech_spans

Span = tuple[int, int]

_MOST_MS = 60_000  # heard at a time, cut in a pause; three minutes at once took 140 MB more for their spectra alone
_LONGEST_SPAN_S = 60.0  # speech without any pause, as a detector takes some music for, is cut too
_IDLE_MS = 30_000  # so much without speech, one window of Whisper's, is not listened to
_AROUND_MS = 500  # heard before and after a stretch: a detector can miss a first syllable, 200 ms and more
_FRAME_MS, _JUDGED_MS = 10, 1000  # levels are compared in frames, with the first second of the speech
_LOUD = 10**-2.5  # share of the loudest frame's power (-25 dB) that is speech, not its room
_BESIDE_MS = 100  # word times are no more exact than that
_SPOKEN = 0.3  # share of the time of a segment's words that is speech, below which nobody said it
_NO_SPEECH, _UNSURE = 0.6, -1.0  # Whisper's own limits: both passed means that nobody spoke
_REPETITIVE = 2.4  # compression ratio above which a text is a loop (Whisper's own limit)


@dataclass(frozen=True)
class Heard:
    """A segment of a recogniser: words on the clock of its stretch, in seconds, with confidence figures."""

    words: tuple[tuple[str, float, float], ...]
    no_speech: float
    log_probability: float
    compression: float


@dataclass(frozen=True)
class Stretch:
    """A stretch of audio for the recogniser, milliseconds; ``sound_ms``: where its sound begins, before its speech."""

    start_ms: int
    end_ms: int
    sound_ms: int


@dataclass
class Belief:
    """The accepted words, and the number of rejected segments."""

    spans: Sequence[Span]
    words: list[Word] = field(default_factory=list)
    doubted: int = 0

    def take(self, segments: Iterable[Heard], stretch: Stretch) -> None:
        """Add the words of a stretch, on the clock of the whole file.

        Some recognisers give words no length, and begin the first one with what they are given, silence and all.
        """
        for segment in segments:
            words = list(_timed(segment, stretch.start_ms))
            if words and (not plausible(segment) or spoken_share(words, self.spans) < _SPOKEN):
                self.doubted += 1
                continue
            self.words.extend(_within(word, stretch) for word in words)

    def notes(self) -> tuple[str, ...]:
        """What the user should know."""
        if not self.doubted:
            return ()
        many = f"{self.doubted} passage{'s' * (self.doubted != 1)}"
        return (f"{many} that the recogniser wrote outside speech, or in a loop, were left out.",)


def listened_spans(audio: Path, progress: Progress) -> list[Span]:
    """The spans of speech, none longer than a minute."""
    return speech_spans(audio, max_speech_s=_LONGEST_SPAN_S, progress=progress)


def heard_stretches(
    spans: Sequence[Span], audio: Path, most_ms: int = _MOST_MS, cuts: Container[int] = ()
) -> Iterator[Stretch]:
    """The `stretches` of a recording, each with half a second of surrounding sound; nothing is heard twice.

    Args:
        spans: of speech, milliseconds, in order.
        audio: WAV, mono, 16 kHz.
        most_ms: longest stretch.
        cuts: times at which another stretch begins in any case.
    """
    found = list(stretches(spans, most_ms, cuts))
    middles = [(end + start) // 2 for (_, end), (start, _) in pairwise(found)]
    for (start, end), after, before in zip(found, [0, *middles], [*middles, duration_ms(audio)], strict=True):
        first = max(after, start - _AROUND_MS)
        yield Stretch(first, max(end, min(before, end + _AROUND_MS)), _rise(audio, first, start))


def _rise(audio: Path, from_ms: int, speech_ms: int) -> int:
    """Where the sound begins that leads into the speech at ``speech_ms``: two frames that are not the room alone."""
    samples = read_span(audio, from_ms, speech_ms + _JUDGED_MS)
    frame = SAMPLE_RATE_HZ * _FRAME_MS // 1000
    power = np.square(samples[: len(samples) // frame * frame].reshape(-1, frame).astype(np.float64)).mean(axis=1)
    loud = power > power.max(initial=0.0) * _LOUD
    both = np.flatnonzero(loud[:-1] & loud[1:])
    return min(speech_ms, from_ms + _FRAME_MS * int(both[0])) if len(both) else speech_ms


def stretches(spans: Sequence[Span], most_ms: int = _MOST_MS, cuts: Container[int] = ()) -> Iterator[Span]:
    """Stretches for the recogniser, at most a minute each, cut between spans of speech; long pauses are left out.

    Args:
        spans: of speech, in order.
        most_ms: of a stretch.
        cuts: spans that begin another one, by their start.
    """
    start, end = spans[0]
    for following, until in spans[1:]:
        if until - start > most_ms or following - end >= _IDLE_MS or following in cuts:
            yield start, end
            start = following
        end = until
    yield start, end


def plausible(segment: Heard) -> bool:
    """Whether a segment's own figures say that it is neither silence nor a loop."""
    silent = segment.no_speech > _NO_SPEECH and segment.log_probability < _UNSURE
    return not silent and segment.compression <= _REPETITIVE


def spoken_share(words: Sequence[Word], spans: Sequence[Span]) -> float:
    """Share of the words' time that is speech, with a tolerance of 0.1 s."""
    said = sum(
        max(0, min(word.end_ms, end + _BESIDE_MS) - max(word.start_ms, start - _BESIDE_MS))
        for word in words
        for start, end in _joined(spans)
    )
    return said / max(1, sum(word.end_ms - word.start_ms for word in words))


def _joined(spans: Sequence[Span]) -> Iterator[Span]:
    """The spans, those as one that would overlap when widened."""
    start, end = spans[0]
    for following, until in spans[1:]:
        if following - end > 2 * _BESIDE_MS:
            yield start, end
            start = following
        end = until
    yield start, end


def _timed(segment: Heard, start_ms: int) -> Iterator[Word]:
    for text, begins, ends in segment.words:
        start, end = start_ms + round(1000 * begins), start_ms + round(1000 * ends)
        yield Word(text=text, start_ms=start, end_ms=max(end, start + 1))


def _within(word: Word, stretch: Stretch) -> Word:
    """The word inside the sound of its stretch, with some length."""
    start = min(word.start_ms, stretch.end_ms - 1)
    end = max(min(word.end_ms, stretch.end_ms), start + 1)
    return word.model_copy(update={"start_ms": max(start, min(stretch.sound_ms, end - 1)), "end_ms": end})

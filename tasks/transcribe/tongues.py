"""Detects the spoken language throughout a recording, a few seconds at a time, not only at its start.

The most frequent language is the script's. A stretch counts as another language if a recogniser is certain of it; its
lines are marked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from configs.languages import display_name, tag_of
from tasks.records.script import Line, Word
from tasks.sound.speech_activity import read_span
from tasks.transcribe.hearing import Span, Stretch
from tasks.transcribe.segment import in_order, lines_from_words

#: The probability of each language, by a recogniser's names: float32 [N], mono, 16 kHz, 30 s at most.
Detect = Callable[[NDArray[np.float32]], Mapping[str, float]]

_FEWEST_MS = 3000  # of sound that tell a language
_MOST_MS = 8000  # heard at a time, unless nobody pauses
_WINDOW_MS = 30_000
_MOST_LOOKS = 12  # thorough ones, for the main language
_PAUSE_MS = 500  # at which another language may begin
_CLEAR = 0.9  # less is heard again in halves: two languages may be in it
_SURE, _HARDLY = 0.8, 0.1  # of the other language, and of the script's, where it is another one
_NAMED = 3  # stretches in a note


@dataclass(frozen=True)
class _Piece:
    """Spans heard together, and the probability of each language."""

    spans: Sequence[Span]
    chances: Mapping[str, float]

    @property
    def length_ms(self) -> int:
        return self.spans[-1][1] - self.spans[0][0]


@dataclass(frozen=True)
class Tongues:
    """The languages of a recording, by the recogniser's names.

    Attributes:
        main: the script's language.
        parts: start and end in milliseconds and language, in order; empty if all is in the main one.
        detected: whether it was detected, not given by the user.
    """

    main: str
    parts: tuple[tuple[int, int, str], ...] = ()
    detected: bool = False

    @property
    def cuts(self) -> frozenset[int]:
        """Where a span begins that is in another language than the one before."""
        return frozenset(after[0] for before, after in pairwise(self.parts) if before[2] != after[2])

    def at(self, stretch: Stretch) -> str:
        """The language of a stretch."""
        return self._of(stretch.start_ms, stretch.end_ms)

    def lines(self, words: Sequence[Word], pause_ms: int) -> tuple[Line, ...]:
        """The words as lines of one language each; those in another than the main one say so."""
        found: list[Line] = []
        for code, own in groupby(in_order(words), key=lambda word: self._of(word.start_ms, word.end_ms)):
            language = "" if code == self.main else tag_of(code)
            found += [
                line.model_copy(update={"id": len(found) + line.id, "language": language})
                for line in lines_from_words(list(own), pause_ms=pause_ms)
            ]
        return tuple(found)

    def notes(self) -> tuple[str, ...]:
        """What the user should know."""
        if not self.detected:
            return ()
        found = [f"The language was detected as {display_name(tag_of(self.main))}."]
        for code in dict.fromkeys(code for _, _, code in self.parts if code != self.main):
            times = [f"{start / 1000:.1f}-{end / 1000:.1f} s" for start, end, own in self.parts if own == code]
            more = f" and {len(times) - _NAMED} more stretches" if len(times) > _NAMED else ""
            found.append(f"{display_name(tag_of(code))} is spoken at {', '.join(times[:_NAMED])}{more}.")
        return tuple(found)

    def _of(self, start_ms: int, end_ms: int) -> str:
        if not self.parts:
            return self.main
        return max(self.parts, key=lambda part: min(part[1], end_ms) - max(part[0], start_ms))[2]


def heard_tongues(spans: Sequence[Span], audio: Path, detect: Detect, glance: Detect | None = None) -> Tongues:
    """The languages of a recording.

    A few seconds alone tell accented speech badly: the main language is that of windows as long as a recogniser hears,
    from all over the recording, and another one is believed where a second, thorough look says so, too.

    Args:
        spans: of speech, in order; at least one.
        audio: 16 kHz mono.
        detect: one thorough look at a piece of it, float32 [N], 16 kHz.
        glance: a cheap one, for most of a long recording; None: all looks are thorough.
    """
    main = _main(spans, audio, detect)
    pieces: list[_Piece] = []
    for together in _together(spans):
        pieces += _heard(together, audio, glance or detect)
    parts: list[tuple[int, int, str]] = []
    for piece in pieces:
        start, end, code = piece.spans[0][0], piece.spans[-1][1], _language(piece, main)
        if code != main and glance:
            code = _language(_Piece(piece.spans, detect(_sound(piece.spans, audio))), main)
        if parts and parts[-1][2] == code:
            start = parts.pop()[0]
        parts.append((start, end, code))
    return Tongues(main, tuple(parts), detected=True)


def _main(spans: Sequence[Span], audio: Path, detect: Detect) -> str:
    """The language of most of what is said in windows of half a minute."""
    windows: list[list[Span]] = []
    for span in spans:
        if not windows or span[1] - windows[-1][0][0] > _WINDOW_MS:
            windows.append([])
        windows[-1].append(span)
    chosen = {round(at) for at in np.linspace(0, len(windows) - 1, min(len(windows), _MOST_LOOKS))}
    weights: dict[str, float] = {}
    for window in (windows[at] for at in sorted(chosen)):
        spoken = sum(end - start for start, end in window)
        for code, chance in detect(_sound(window, audio)).items():
            weights[code] = weights.get(code, 0.0) + chance * spoken
    return max(sorted(weights), key=lambda code: weights[code])


def _sound(spans: Sequence[Span], audio: Path) -> NDArray[np.float32]:
    start = spans[0][0]
    return read_span(audio, start, min(spans[-1][1], start + _WINDOW_MS))


def _together(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """Spans that are heard at once: some seconds, up to a pause."""
    held: list[Span] = []
    for span in spans:
        if held:
            length, longer = held[-1][1] - held[0][0], span[1] - held[0][0]
            pause = span[0] - held[-1][1]
            enough = length >= (_FEWEST_MS if pause < 2 * _PAUSE_MS else _FEWEST_MS // 2)
            if (enough and (pause >= _PAUSE_MS or longer > _MOST_MS)) or longer > _WINDOW_MS:
                yield held
                held = []
        held.append(span)
    yield held


def _heard(spans: list[Span], audio: Path, detect: Detect) -> list[_Piece]:
    """A piece, or its halves around its longest pause where it may be in two languages."""
    piece = _Piece(spans, detect(_sound(spans, audio)))
    if max(piece.chances.values()) >= _CLEAR or piece.length_ms < 2 * _FEWEST_MS or len(spans) < 2:
        return [piece]
    at = max(range(1, len(spans)), key=lambda n: (spans[n][0] - spans[n - 1][1], -abs(2 * n - len(spans))))
    return [_Piece(part, detect(_sound(part, audio))) for part in (spans[:at], spans[at:])]


def _language(piece: _Piece, main: str) -> str:
    code = max(sorted(piece.chances), key=lambda one: piece.chances[one])
    sure = piece.chances[code] >= _SURE and piece.chances.get(main, 0.0) <= _HARDLY
    return code if sure and piece.length_ms >= _FEWEST_MS // 2 else main

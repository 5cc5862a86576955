"""Parses recognition results of servers with OpenAI's API, in any form, as passages with times.

Servers answer ``verbose_json`` with words beside the segments (OpenAI, Speaches), with words inside them (WhisperX), or
with segments alone; some know text only. OpenAI's words come without their punctuation, which the text has.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: Text, start and end in seconds of the stretch.
Timed = tuple[str, float, float]

_REACH = 40  # characters ahead in which a word is looked for in the text
_TRAILING, _LEADING = re.compile(r"[^\w\s]*"), re.compile(r"\s*[^\w\s]*\Z")
#: No stretch lasts so many seconds: some servers count nanoseconds (LocalAI).
_NANOSECONDS = 1e6


@dataclass(frozen=True)
class Passage:
    """A recognised passage.

    Attributes:
        text: its text.
        start_s: start, seconds within the stretch.
        end_s: end, likewise.
        timed: whether the server returned the times; otherwise they are those of the stretch.
        words: words with times; empty if the server returns none.
        no_speech: probability that nobody speaks; 0 if not returned.
        log_probability: mean log probability of the text; 0 if not returned.
        compression: compression ratio of the text; 1 if not returned.
    """

    text: str
    start_s: float
    end_s: float
    timed: bool = True
    words: tuple[Timed, ...] = ()
    no_speech: float = 0.0
    log_probability: float = 0.0
    compression: float = 1.0


def passages(answer: Any, seconds: float, *, spaced: bool) -> list[Passage]:
    """The passages of a response, in order.

    Args:
        answer: JSON; undocumented parts are ignored.
        seconds: length of the stretch; times lie within it.
        spaced: the language is written with spaces between words.
    """
    content = answer if isinstance(answer, Mapping) else {}
    listed = [one for one in _list(content, "segments") if isinstance(one, Mapping)]
    found = [part for one in listed if (part := _segment(one, seconds, spaced=spaced))]
    beside = _words(content, seconds)
    text = content.get("text")
    if beside and not any(part.words for part in found):
        whole = text if isinstance(text, str) else "".join(word for word, _, _ in beside)
        found = _shared(found or [Passage(whole, beside[0][1], beside[-1][2])], beside, spaced=spaced)
    if not found and isinstance(text, str) and text.strip():
        return [Passage(text, 0.0, seconds, timed=False)]
    return found


def language_returned(answer: Any) -> str:
    """The server's name of the language; empty if it returns none."""
    content = answer if isinstance(answer, Mapping) else {}
    one = content.get("language") or next(iter(_list(content, "languages")), "")
    return one if isinstance(one, str) else ""


def _segment(one: Mapping[str, Any], seconds: float, *, spaced: bool) -> Passage | None:
    text, start, end = one.get("text"), _seconds(one.get("start"), seconds), _seconds(one.get("end"), seconds)
    if not isinstance(text, str) or not text.strip() or start is None or end is None:
        return None
    words = _words(one, seconds)
    return Passage(
        text,
        start,
        max(start, end),
        words=tuple(_dressed(words, text, spaced=spaced)),
        no_speech=_number(one.get("no_speech_prob")) or 0.0,
        log_probability=_number(one.get("avg_logprob")) or 0.0,
        compression=_number(one.get("compression_ratio")) or 1.0,
    )


def _words(holder: Mapping[str, Any], seconds: float) -> list[Timed]:
    found = []
    for one in _list(holder, "words"):
        word = (one.get("word") or one.get("text")) if isinstance(one, Mapping) else None
        start = _seconds(one.get("start"), seconds) if isinstance(word, str) and word.strip() else None
        end = _seconds(one.get("end"), seconds) if start is not None else None
        if isinstance(word, str) and start is not None and end is not None:
            found.append((word, start, max(start, end)))
    return found


def _shared(parts: Sequence[Passage], words: Sequence[Timed], *, spaced: bool) -> list[Passage]:
    """The passages, each with the words that lie nearest to it."""
    words_of: list[list[Timed]] = [[] for _ in parts]
    at = 0
    for word in words:
        middle = (word[1] + word[2]) / 2
        while at + 1 < len(parts) and middle >= (parts[at].end_s + parts[at + 1].start_s) / 2:
            at += 1
        words_of[at].append(word)
    return [
        Passage(**{**vars(part), "words": tuple(_dressed(own, part.text, spaced=spaced))})
        for part, own in zip(parts, words_of, strict=True)
    ]


def _dressed(words: Sequence[Timed], text: str, *, spaced: bool) -> list[Timed]:
    """The words with the text's punctuation, and a leading space where one belongs."""
    spans: list[tuple[int, int]] = []
    at = 0
    for word, _, _ in words:
        bare = word.strip()
        place = text.find(bare, at, at + len(bare) + _REACH)
        spans.append((place, place + len(bare)) if place >= 0 else (at, at))
        at = spans[-1][1]
    edges = [0, *(end for _, end in spans)]
    dressed: list[Timed] = []
    after = 0
    for (word, start_s, end_s), (start, end), before in zip(words, spans, edges, strict=False):
        whole = word.strip()
        if end > start:
            lead, trail = _LEADING.search(text, max(after, before), start), _TRAILING.match(text, end)
            marks = lead[0].strip() if lead else ""
            whole = f"{marks}{text[start:end]}{trail[0] if trail else ''}"
            after = trail.end() if trail else end
        dressed.append((f" {whole}" if spaced else whole, start_s, end_s))
    return dressed


def _list(holder: Mapping[str, Any], name: str) -> list[Any]:
    value = holder.get(name)
    return value if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    return number if math.isfinite(number) else None


def _seconds(value: Any, seconds: float) -> float | None:
    """A time within the stretch."""
    number = _number(value)
    if number is None:
        return None
    return min(max(number / 1e9 if number >= _NANOSECONDS else number, 0.0), seconds)

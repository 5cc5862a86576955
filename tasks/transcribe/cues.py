"""Cues as a subtitle file has them, made into lines that can be spoken: in order, apart, without sound descriptions.

Cues that hold nothing but a song or the description of a sound become passages that stay as they are in the original.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tasks.model import Line, Passage, Word

_SHORTEST_MS = 300  # what an overlap leaves of a line at least, before both share the time
_SOUND = re.compile(r"\[[^\]]*\]|^\([^()]*\)$|^（[^（）]*）$")  # [applause]; (laughs) alone
_SONG = re.compile(r"^[♩♪♫♬]")  # what begins with a note is sung
_DESCRIBES = re.compile(r"[^\W_]|[♩♪♫♬]")
_DASH = re.compile(r"^\s*[-‐–—]\s*(?=\S)")
_LABEL = re.compile(r"^([^\W\d_][\w .'’-]{0,28}\w):\s+(?=\S)")
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u2060\u00ad"))


@dataclass(frozen=True)
class Cue:
    """One entry of a file. Times may be negative or overlap; ``where`` says where it stands, for messages."""

    start_ms: int
    end_ms: int
    text: str
    where: str
    speaker: str = ""
    words: tuple[Word, ...] = ()
    language: str = ""


def lines_from_cues(cues: Sequence[Cue]) -> tuple[tuple[Line, ...], tuple[Passage, ...], tuple[str, ...]]:
    """Lines in order of time that never overlap, what is not dubbed, and notes on all that was changed on the way.

    Cues of nothing but a sound (``[applause]``, ``(sighs)``) or a song (``♪ ...``) are not spoken lines. Of two lines
    that overlap the first ends early; where nothing would be left of it, both share their time by length of text.
    """
    passages = _passages(cues)
    spoken = [_cleaned(cue) for cue in cues]
    kept = [cue for cue in spoken if cue.text and cue.end_ms > max(0, cue.start_ms)]
    ordered = _without_repeats(sorted(kept, key=lambda cue: (cue.start_ms, cue.end_ms)))
    apart, overlaps = _apart(ordered)
    notes = _notes(
        (len(passages), "of songs or sounds: the original stays there"),
        (sum(not cue.text for cue in spoken) - len(passages), "without words left out"),
        (sum(bool(cue.text) for cue in spoken) - len(kept), "without duration left out"),
        (sum(after.start_ms < before.start_ms for before, after in pairwise(kept)), "put in order"),
        (len(kept) - len(ordered), "left out that repeated another"),
        (overlaps, "shortened that overlapped the next"),
    )
    return tuple(_line(number, cue) for number, cue in enumerate(apart)), passages, notes


def _passages(cues: Sequence[Cue]) -> tuple[Passage, ...]:
    """Songs and sounds in order of time, as they are described; a cue without any letter or note is nothing."""
    found = {
        Passage(start_ms=max(0, cue.start_ms), end_ms=cue.end_ms, text=" ".join(cue.text.translate(_INVISIBLE).split()))
        for cue in cues
        if cue.end_ms > max(0, cue.start_ms) and not _cleaned(cue).text and _DESCRIBES.search(cue.text)
    }
    return tuple(sorted(found, key=lambda passage: (passage.start_ms, passage.end_ms, passage.text)))


def _cleaned(cue: Cue) -> Cue:
    """Text on one row without dashes, sounds and speaker label; times not negative."""
    text = cue.text.translate(_INVISIBLE)
    rows = [_DASH.sub("", row) for row in text.splitlines()]
    text = " ".join(" ".join(rows).split())
    text = " ".join(_SOUND.sub(" ", text).split())
    speaker = " ".join(cue.speaker.split())
    label = _LABEL.match(text)
    if label and label[1].isupper():  # "ANNA: hello", but not "Note: hello"
        speaker, text = speaker or label[1], text[label.end() :]
    if _SONG.match(text) or not any(char.isalnum() for char in text):
        text = ""
    return replace(cue, start_ms=max(0, cue.start_ms), text=text, speaker=speaker)


def _without_repeats(ordered: Sequence[Cue]) -> list[Cue]:
    """Some files hold a cue twice, for its shadow or its karaoke."""
    seen = dict.fromkeys((cue.start_ms, cue.end_ms, cue.text) for cue in ordered)
    return [cue for cue in ordered if seen.pop((cue.start_ms, cue.end_ms, cue.text), 0) is None]


def _apart(ordered: Iterable[Cue]) -> tuple[list[Cue], int]:
    apart: list[Cue] = []
    overlaps = 0
    for cue in ordered:
        if not apart or cue.start_ms >= apart[-1].end_ms:
            apart.append(cue)
            continue
        overlaps += 1
        apart[-1:] = _shared(apart[-1], cue)
    return apart, overlaps


def _shared(first: Cue, second: Cue) -> tuple[Cue, Cue]:
    end = max(first.end_ms, second.end_ms, first.start_ms + 2)
    cut = second.start_ms
    if cut - first.start_ms < _SHORTEST_MS:
        share = len(first.text) / (len(first.text) + len(second.text))
        cut = first.start_ms + round((end - first.start_ms) * share)
        cut = min(max(cut, first.start_ms + 1), end - 1)
        second = replace(second, end_ms=end)
    return replace(first, end_ms=cut), replace(second, start_ms=cut, end_ms=max(second.end_ms, cut + 1))


def _line(number: int, cue: Cue) -> Line:
    inside = all(cue.start_ms <= word.start_ms <= word.end_ms <= cue.end_ms for word in cue.words)
    return Line(
        id=number,
        start_ms=cue.start_ms,
        end_ms=cue.end_ms,
        text=cue.text,
        speaker=cue.speaker or "S1",
        words=cue.words if inside else (),
        language=cue.language,
    )


def _notes(*counts: tuple[int, str]) -> tuple[str, ...]:
    return tuple(f"Subtitles: {count} cue{'s' * (count != 1)} {what}." for count, what in counts if count)

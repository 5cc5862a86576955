"""A translation that the user brings, laid on the source's lines by time: nothing of it is translated by a machine.

A translator's cues need not be the source's: one may say what several lines do, and several what one does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.records.script import Line
from tasks.words.spacing import atoms, joined

#: A cue that no line overlaps belongs to one that is as near as this.
_NEAR_MS = 700
#: Of a line's time that a cue must cover to say that line too.
_COVERED = 0.5
_SHOWN, _LISTED = 60, 10


@dataclass(frozen=True)
class Brought:
    """Texts from a translation.

    Attributes:
        texts: by line id; empty where the translation says nothing.
        notes: what did not match, for the user.
    """

    texts: Mapping[int, str]
    notes: tuple[str, ...]


def laid_on(
    lines: Sequence[Line],
    cues: Sequence[Line],
    name: str,
    left_alone: frozenset[int] = frozenset(),
    whose: Mapping[int, int] | None = None,
) -> Brought:
    """The words of each line of the source, from a translation's cues.

    Args:
        lines: of the source, in order of time.
        cues: of the translation, likewise, on the same clock.
        name: of the translation, for the notes.
        left_alone: ids of lines that a person wrote, or whose original is kept: they need no cue.
        whose: id of a cue to that of the line that it is known to be of, whatever the times.
    """
    said: dict[int, list[str]] = defaultdict(list)
    shared_out, strays = [], []
    spans = _spans(lines, cues, whose or {})
    for cue, over in zip(cues, spans, strict=True):
        if not over:
            strays.append(f"{_clock(cue.start_ms)} {_short(cue.text)}")
            continue
        if len(over) > 1:
            shared_out.append(f"{_clock(cue.start_ms)} (lines {', '.join(str(line.id) for line in over)})")
        lengths = [line.end_ms - line.start_ms for line in over]
        for line, words in zip(over, shared(cue.text, lengths), strict=True):
            if words:
                said[line.id].append(words)
    texts = {line.id: joined(said[line.id]) if line.id in said else "" for line in lines}
    empty = [str(line.id) for line in lines if not texts[line.id] and line.id not in left_alone]
    notes = [
        *_listed("lines have no words in {name}, and nothing is spoken there", empty, name),
        *_listed("cues of {name} are at no line of the source, and were left out", strays, name),
        *_listed("cues of {name} say what several lines do: their words were shared out by length", shared_out, name),
    ]
    return Brought(texts, tuple(notes))


def shared(text: str, lengths: Sequence[int]) -> list[str]:
    """A text in as many parts as there are lengths, about so long each; never within a word.

    Args:
        text: what is said.
        lengths: of the parts, in any unit.
    """
    words = atoms(text)
    whole, signs = max(1, sum(lengths)), sum(map(len, words))
    parts, done, reached = [], 0, 0.0
    for length in lengths[:-1]:
        reached += signs * length / whole
        cut = min(range(done, len(words) + 1), key=lambda count: abs(sum(map(len, words[:count])) - reached))
        parts.append(joined(words[done:cut]))
        done = cut
    return [*parts, joined(words[done:])]


def _spans(lines: Sequence[Line], cues: Sequence[Line], whose: Mapping[int, int]) -> list[list[Line]]:
    """The lines that each cue says: the one that it overlaps most, and those that it covers and no other cue says."""
    by_id = {line.id: line for line in lines}
    home = [by_id[whose[cue.id]] if whose.get(cue.id) in by_id else _home(lines, cue) for cue in cues]
    taken = {line.id for line in home if line is not None}
    spans = []
    for cue, own in zip(cues, home, strict=True):
        if own is not None and whose.get(cue.id) == own.id:
            spans.append([own])
            continue
        covered = [
            line
            for line in lines
            if line is own or (line.id not in taken and _overlap(line, cue) >= _COVERED * (line.end_ms - line.start_ms))
        ]
        spans.append(covered if own is not None else [])
        taken |= {line.id for line in spans[-1]}
    return spans


def _home(lines: Sequence[Line], cue: Line) -> Line | None:
    best = max(lines, key=lambda line: (_overlap(line, cue), -line.id), default=None)
    return best if best is not None and _overlap(best, cue) > -_NEAR_MS else None


def _overlap(line: Line, cue: Line) -> int:
    """Milliseconds that both have in common; below zero: how far they are apart."""
    return min(line.end_ms, cue.end_ms) - max(line.start_ms, cue.start_ms)


def _listed(what: str, which: Sequence[str], name: str) -> list[str]:
    if not which:
        return []
    more = f", and {len(which) - _LISTED} more" if len(which) > _LISTED else ""
    return [f"{len(which)} {what.format(name=name)}: {'; '.join(which[:_LISTED])}{more}."]


def _short(text: str) -> str:
    text = " ".join(text.split())
    return f"“{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}”"


def _clock(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"

"""Converts a file's cues to spoken lines, ordered and without overlaps, with a record of every change."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tasks.records.errors import BadInputError
from tasks.records.script import Change, Line, Word
from tasks.words.spacing import one_row

LONGEST_CUE = 10_000  # characters; more than a speaker says in one breath, or a screen holds
_SHORTEST_MS = 300  # minimum length of a line after an overlap is cut, before both share the time
_CHARACTER_MS = 50  # minimum speaking time per character, a rough estimate
_CLAUSE = re.compile(r"[.?!…;:,。！？、，；](?:[\"”’»)]*)\s+|[。！？、，；]")

REPEATED = "left out: another says the same at the same time"
UNORDERED = "put in order of time"
OVERLAPPING = "shortened: the next begins before the end"
AROUND = "split around a shorter one inside"
AFTER = "moved behind a shorter one inside"
NO_TIME = "left out: no duration"
VOICES = "split: several voices, or a song between"


@dataclass(frozen=True)
class Cue:
    """One entry of a file. Times may be negative or overlap; ``where`` is its position in the file, for messages."""

    start_ms: int
    end_ms: int
    text: str
    where: str
    speaker: str = ""
    words: tuple[Word, ...] = ()
    language: str = ""

    def changed(self, reason: str, became: str = "") -> Change:
        """A record of a change to the cue."""
        text = one_row(self.text)
        return Change(where=self.where, start_ms=self.start_ms, text=text, became=became, reason=reason)

    def shared(self, parts: Sequence[str]) -> list[Cue]:
        """Split into consecutive cues, one for each part, with time shared by text length."""
        if len(parts) == 1:
            return [self if parts[0] == self.text else replace(self, text=parts[0])]
        lengths = [max(1, len(part)) for part in parts]
        span, whole = self.end_ms - self.start_ms, sum(lengths)
        marks = [self.start_ms + span * sum(lengths[:number]) // whole for number in range(len(parts) + 1)]
        return [
            replace(self, text=part, start_ms=start, end_ms=end, words=())
            for part, (start, end) in zip(parts, pairwise(marks), strict=True)
        ]


def checked(cue: Cue, name: str) -> Cue:
    """The cue, validated.

    Raises:
        BadInputError: it ends before it starts, or is far too long; names file and position.
    """
    if cue.end_ms < cue.start_ms:
        raise BadInputError(
            f"The subtitles {name!r}, {cue.where}: the cue ends before it starts.", "Correct its times."
        )
    if len(cue.text) > LONGEST_CUE:
        raise BadInputError(
            f"The subtitles {name!r}, {cue.where}: the cue has {len(cue.text)} characters, too many for speech.",
            f"Check the file: a cue may have at most {LONGEST_CUE} characters.",
        )
    return cue


def lines_from_cues(cues: Sequence[Cue]) -> tuple[tuple[Line, ...], tuple[Change, ...]]:
    """Lines in order of time without overlaps, and the changes made.

    Of two overlapping lines the first ends early; if nothing would be left of it, both share their time by text length.
    A long line around a short one is split between clauses, or moved after it if there is no room before.

    Args:
        cues: spoken cues.
    """
    changes: list[Change] = []
    kept = [replace(cue, start_ms=max(0, cue.start_ms)) for cue in cues if cue.end_ms > max(0, cue.start_ms)]
    changes += [cue.changed(NO_TIME) for cue in cues if cue.end_ms <= max(0, cue.start_ms)]
    changes += [
        after.changed(UNORDERED, after.text) for before, after in pairwise(kept) if after.start_ms < before.start_ms
    ]
    ordered = _without_repeats(sorted(kept, key=lambda cue: (cue.start_ms, cue.end_ms)), changes)
    apart = _apart(ordered, changes)
    return tuple(_line(number, cue) for number, cue in enumerate(apart)), tuple(changes)


def counted(changes: Iterable[Change]) -> tuple[str, ...]:
    """A note for each reason with the number of changed cues."""
    reasons = Counter(change.reason for change in changes)
    return tuple(f"Subtitles: {count} cue{'s' * (count != 1)} {reason}." for reason, count in reasons.items())


def _without_repeats(ordered: Sequence[Cue], changes: list[Change]) -> list[Cue]:
    """Drop repeated cues; some files repeat them for shadows or karaoke."""
    seen: set[tuple[int, int, str]] = set()
    once = []
    for cue in ordered:
        if (cue.start_ms, cue.end_ms, cue.text) in seen:
            changes.append(cue.changed(REPEATED))
        else:
            seen.add((cue.start_ms, cue.end_ms, cue.text))
            once.append(cue)
    return once


def _apart(ordered: Sequence[Cue], changes: list[Change]) -> list[Cue]:
    apart: list[Cue] = []
    for cue in _inside_settled(ordered, changes):
        if not apart or cue.start_ms >= apart[-1].end_ms:
            apart.append(cue)
            continue
        changes.append(apart[-1].changed(OVERLAPPING, apart[-1].text))
        apart[-1:] = _between(apart[-1], cue)
    return apart


def _inside_settled(ordered: Sequence[Cue], changes: list[Change]) -> Iterator[Cue]:
    """A cue that contains another one gives it its time if its own words do not fit before."""
    waiting = list(ordered)
    place = 0
    while place < len(waiting):
        cue = waiting[place]
        inner = waiting[place + 1] if place + 1 < len(waiting) else None
        following = waiting[place + 2] if place + 2 < len(waiting) else None
        if inner is None or not _encloses(cue, inner) or (following and following.start_ms < cue.end_ms):
            yield cue
            place += 1
            continue
        parts = _around(cue, inner)
        after = replace(cue, text=parts[-1], start_ms=inner.end_ms, words=() if len(parts) > 1 else cue.words)
        changes.append(cue.changed(AROUND if len(parts) > 1 else AFTER, " / ".join(parts)))
        if len(parts) > 1:
            yield replace(cue, text=parts[0], end_ms=inner.start_ms, words=())
        yield inner
        yield after
        place += 2


def _encloses(cue: Cue, inner: Cue) -> bool:
    """Whether the inner one leaves more time behind it than before it, and the words do not fit before it."""
    before, after = inner.start_ms - cue.start_ms, cue.end_ms - inner.end_ms
    return after >= _SHORTEST_MS and after > before and before < _CHARACTER_MS * len(cue.text) and inner.start_ms > 0


def _around(cue: Cue, inner: Cue) -> list[str]:
    """The text in two, cut between clauses as its time is; whole where there is no time or no clause for it."""
    before, after = inner.start_ms - cue.start_ms, cue.end_ms - inner.end_ms
    if before < 2 * _SHORTEST_MS:
        return [cue.text]
    wanted = len(cue.text) * before / (before + after)
    cuts = [match.end() for match in _CLAUSE.finditer(cue.text) if 0 < match.end() < len(cue.text)]
    cut = min(cuts, key=lambda place: abs(place - wanted), default=0)
    if not cut or cut * _CHARACTER_MS > 2 * before:
        return [cue.text]
    return [cue.text[:cut].strip(), cue.text[cut:].strip()]


def _between(first: Cue, second: Cue) -> tuple[Cue, Cue]:
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

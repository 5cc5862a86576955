"""Rolling captions: every cue repeats rows of the one before, and adds a row, or words to a row.

So write video platforms (two rows, and a cue of 10 ms between), captions of television (CEA-608 roll-up) and live
recognisers. A repeat alone proves nothing, since people repeat themselves; rows that move up do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tasks.records.script import Change, Word
from tasks.transcribe.cues import Cue
from tasks.words.spacing import atoms, joined, same_signs

STAYED = "left out: all its rows stand there already (rolling captions)"
NEW_ROWS = "without rows that stand there already (rolling captions)"
GROWN = "joined to the row that it continues (rolling captions)"

_AT_ONCE_MS = 500  # between two cues that follow each other
_PAUSE_MS = 10_000  # in which a row may still stand, in a file that is known to roll
_ENOUGH = 2  # rows that moved up, in one stretch, before it is believed
_ENOUGH_TIMED = 1  # the same, where words have times of their own


@dataclass(frozen=True)
class _Step:
    """What a cue repeats of the one before.

    Attributes:
        rows: that it repeats, from its top.
        words: of the row after these, which is the last one grown: so many were there.
        moved: a row went up, came, or grew: no mere repeat.
        scrolled: within one row, words went out at its beginning.
    """

    rows: int = 0
    words: int = 0
    moved: bool = False
    scrolled: bool = False

    @property
    def carries(self) -> bool:
        return bool(self.rows or self.words)


def unrolled(cues: Sequence[Cue]) -> tuple[list[Cue], list[Change]]:
    """The cues with each row once, at the time when it appeared; other cues are unchanged.

    Args:
        cues: in the order of the file, rows by line breaks.
    """
    rows = [_rows(cue) for cue in cues]
    steps = _steps(cues, rows, _AT_ONCE_MS)
    stretches = [_rolls(cues[begin:end], steps[begin:end]) for begin, end in _stretches(steps)]
    if not any(stretches):
        return list(cues), []
    steps = _steps(cues, rows, _PAUSE_MS)
    found: list[Cue] = []
    changes: list[Change] = []
    for begin, end in _stretches(steps):
        if any(step.moved for step in steps[begin + 1 : end]):
            _unroll(cues[begin:end], rows[begin:end], steps[begin:end], found, changes)
        else:
            found.extend(cues[begin:end])
    return found, changes


def _rolls(cues: Sequence[Cue], steps: Sequence[_Step]) -> bool:
    timed = any(cue.words for cue in cues)
    return sum(step.moved for step in steps[1:]) >= (_ENOUGH_TIMED if timed else _ENOUGH)


def _steps(cues: Sequence[Cue], rows: Sequence[list[str]], farthest_ms: int) -> list[_Step]:
    pairs = pairwise(zip(cues, rows, strict=True))
    return [_Step(), *(_step(before, after, farthest_ms) for before, after in pairs)][: len(cues)]


def _rows(cue: Cue) -> list[str]:
    return [" ".join(row.split()) for row in cue.text.split("\n") if row.strip()]


def _step(before: tuple[Cue, list[str]], after: tuple[Cue, list[str]], farthest_ms: int) -> _Step:
    (first, old), (second, new) = before, after
    gap_ms = second.start_ms - first.end_ms
    if not old or not new or second.start_ms < first.start_ms or not -_AT_ONCE_MS <= gap_ms <= farthest_ms:
        return _Step()
    step = _carried(old, new)
    return step if step.moved or gap_ms <= _AT_ONCE_MS else _Step()


def _carried(old: list[str], new: list[str]) -> _Step:
    for count in range(min(len(old), len(new)), 0, -1):
        if old[-count:] == new[:count]:
            return _Step(rows=count, moved=count < len(old) or count < len(new))
        if old[-count:-1] == new[: count - 1] and new[count - 1].startswith(old[-1]):
            return _Step(rows=count - 1, words=len(atoms(old[-1])), moved=True)
    if len(old) == len(new) == 1:
        count = _overlap(atoms(old[0]), atoms(new[0]))
        if count > 1:
            return _Step(words=count, moved=True, scrolled=True)
    return _Step()


def _overlap(old: Sequence[str], new: Sequence[str]) -> int:
    """How many words at the end of the one are those at the beginning of the other; in one pass."""
    joined = [*new, "\0", *old]
    borders = [0] * len(joined)
    for place in range(1, len(joined)):
        length = borders[place - 1]
        while length and joined[place] != joined[length]:
            length = borders[length - 1]
        borders[place] = length + (joined[place] == joined[length])
    return borders[-1]


def _stretches(steps: Sequence[_Step]) -> list[tuple[int, int]]:
    """Runs of cues of which each has something of the one before."""
    marks = [place for place, step in enumerate(steps) if not step.carries]
    return list(pairwise([*marks, len(steps)]))


def _unroll(
    cues: Sequence[Cue], rows: Sequence[list[str]], steps: Sequence[_Step], found: list[Cue], changes: list[Change]
) -> None:
    scrolling = any(step.scrolled for step in steps)
    mine = len(found)
    for cue, shown, step in zip(cues, rows, steps, strict=True):
        grows = bool(step.words) and not scrolling
        fresh = shown[step.rows :]
        if step.words and fresh and not grows:
            fresh = [joined(atoms(fresh[0])[step.words :]), *fresh[1:]]
        if grows and len(found) > mine:
            last = found.pop()
            became = _grown(last, cue, fresh[0])
            changes.append(cue.changed(GROWN, became.text))
            found.append(became)
            fresh = fresh[1:]
        elif step.carries:
            changes.append(cue.changed(NEW_ROWS if any(fresh) else STAYED, " ".join(fresh)))
        if any(fresh) or not step.carries:
            found.append(replace(cue, text="\n".join(fresh), words=_last(cue.words, "".join(fresh))))


def _grown(last: Cue, cue: Cue, row: str) -> Cue:
    """The cue whose last row grew."""
    text = "\n".join([*last.text.split("\n")[:-1], row])
    words = cue.words if same_signs("".join(word.text for word in cue.words), text) else ()
    return replace(last, text=text, end_ms=max(last.end_ms, cue.end_ms), words=words)


def _last(words: Sequence[Word], text: str) -> tuple[Word, ...]:
    """The last of the words, which make up the text; none where they do not."""
    left = "".join(text.split())
    for number in range(len(words) - 1, -1, -1):
        own = words[number].text.strip()
        if not own or not left.endswith(own):
            return ()
        left = left.removesuffix(own)
        if not left:
            return tuple(words[number:])
    return ()

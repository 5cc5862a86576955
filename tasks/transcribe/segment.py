"""Groups recognised words into lines: cut at sentence ends, at pauses, and before a line gets too long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tasks.records.script import Line, Word
from tasks.words.spacing import CLAUSE_END, SENTENCE_END, as_heard, breakable, own_spaces, spaceless

_CLOSING = "\"'”’»)]」』"
#: A full stop after these ends no sentence.
_ABBREVIATIONS = frozenset(
    ["mr.", "mrs.", "ms.", "dr.", "st.", "prof.", "sr.", "sra.", "jr.", "vs.", "etc.", "e.g.", "i.e.", "no.", "fig."]
)


def lines_from_words(words: Sequence[Word], *, pause_ms: int = 500, longest_ms: int = 8000) -> list[Line]:
    """Group words into lines, in order, numbered from 0, not overlapping.

    Args:
        words: in order of time; times that run backwards or overlap are pushed forward.
        pause_ms: silence between two words that ends a line.
        longest_ms: a longer line is cut at its widest gap (8 s: a subtitle may stay up for 7 s or so).
    """
    lines: list[Line] = []
    for group in _groups(in_order(words), pause_ms):
        for part in _cut(group, longest_ms):
            text = as_heard([word.text for word in part])
            if text:
                lines.append(
                    Line(id=len(lines), start_ms=part[0].start_ms, end_ms=part[-1].end_ms, text=text, words=tuple(part))
                )
    return lines


def in_order(words: Sequence[Word]) -> Iterator[Word]:
    """The words that say something, pushed forward where they overlap."""
    clock = 0
    for word in words:
        if not word.text.strip():
            continue
        start = max(word.start_ms, clock)
        clock = max(word.end_ms, start + 1)
        yield word.model_copy(update={"start_ms": start, "end_ms": clock})


def _groups(words: Iterator[Word], pause_ms: int) -> Iterator[list[Word]]:
    group: list[Word] = []
    for word in words:
        if group and (_ends_sentence(group[-1].text) or word.start_ms - group[-1].end_ms >= pause_ms):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _cut(group: list[Word], longest_ms: int) -> Iterator[list[Word]]:
    if group[-1].end_ms - group[0].start_ms <= longest_ms or len(group) < 2:
        yield group
        return
    # The widest gap; among equal ones behind a clause, then the most central, so that no single words are left over.
    middle = len(group) / 2
    own = own_spaces([word.text for word in group])
    seams = [i for i in range(1, len(group)) if _apart(group[i - 1].text, group[i].text, own)] or range(1, len(group))
    at = max(
        seams,
        key=lambda i: (group[i].start_ms - group[i - 1].end_ms, _rank(group[i - 1], group[i]), -abs(i - middle)),
    )
    yield from _cut(group[:at], longest_ms)
    yield from _cut(group[at:], longest_ms)


def _apart(before: str, after: str, own: bool) -> bool:
    """Whether a line may end between two words, which can be single letters where no spaces are written."""
    last, first = before.rstrip()[-1:], after.lstrip()[:1]
    if before[-1:].isspace() or after[:1].isspace():
        return True
    return breakable(before, after) if spaceless(last) or spaceless(first) else not own


def _rank(before: Word, after: Word) -> int:
    """How well a line ends between two words: behind a clause, at a space, behind a Japanese particle or ending."""
    text = before.text.rstrip()
    if text.endswith(tuple(CLAUSE_END)):
        return 3
    if before.text != text or after.text[:1].isspace():
        return 2
    return int("\u3041" <= text[-1] <= "\u309f" and not "\u3041" <= after.text[0] <= "\u309f")


def _ends_sentence(text: str) -> bool:
    bare = text.strip().rstrip(_CLOSING)
    return bare.endswith(tuple(SENTENCE_END)) and bare.lower() not in _ABBREVIATIONS

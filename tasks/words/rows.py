"""Text of a line into rows and cues of bounded size, broken where a reader would pause."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from configs.timed_text import TimedTextLimits
from tasks.words.spacing import CLAUSE_END, SENTENCE_END, one_row, units

_PAUSES = CLAUSE_END | frozenset(")]»”’」』）】")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    glue: str  # what stands between this token and the next: " " or nothing
    width: float


def clean_text(text: str) -> str:
    """One plain row: control characters become spaces, lone surrogates U+FFFD; direction marks stay."""
    kept = []
    for char in one_row(text):
        category = unicodedata.category(char)
        if category == "Cs":
            kept.append("\ufffd")
        else:
            kept.append(" " if category in ("Cc", "Zl", "Zp") else char)
    return " ".join("".join(kept).split())


def text_width(text: str, *, wide: bool) -> float:
    """Length as the style guides count it: marks that take no room count nothing, half-width ones in CJK one half."""
    return sum(_char_width(char, wide) for char in text)


def _char_width(char: str, wide: bool) -> float:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0.0
    if wide and unicodedata.east_asian_width(char) not in ("W", "F", "A"):
        return 0.5
    return 1.0


def split_text(text: str, limits: TimedTextLimits, pieces_at_least: int = 1) -> list[tuple[str, ...]]:
    """Split a clean text into cues of at most ``limits.rows`` rows of at most ``limits.cpl`` characters.

    Breaks fall after sentences and clauses where they can; nothing but spaces at the breaks is left out. A word
    longer than a row is cut.

    Args:
        text: as `clean_text` gives it.
        limits: of the language.
        pieces_at_least: cues to aim for (a line that lasts longer than one cue may stand).
    """
    tokens = list(_tokens(text, limits))
    if not tokens:
        return []
    total = sum(token.width for token in tokens)
    share = max(1.0, total) / max(1, pieces_at_least)
    return [_rows(group, limits) for group in _partition(tokens, limits, share)]


def _tokens(text: str, limits: TimedTextLimits) -> Iterator[_Token]:
    for word in text.split(" "):
        whole = units(word) if limits.spaceless else (word,)
        parts = [part for unit in whole for part in _cut(unit, limits)]
        for index, part in enumerate(parts):
            glue = " " if index == len(parts) - 1 else ""
            yield _Token(part, glue, text_width(part, wide=limits.wide))


def _cut(unit: str, limits: TimedTextLimits) -> Iterator[str]:
    """A unit wider than a row, in pieces that fit; never in front of a combining mark."""
    piece, width = "", 0.0
    for char in unit:
        step = _char_width(char, limits.wide)
        if step > 0 and width + step > limits.cpl:
            yield piece
            piece, width = "", 0.0
        piece += char
        width += step
    if piece:
        yield piece


def _partition(tokens: Sequence[_Token], limits: TimedTextLimits, share: float) -> list[Sequence[_Token]]:
    """Contiguous groups that fit a cue, at the least cost (dynamic programming over the last break)."""
    best: list[float] = [0.0] + [float("inf")] * len(tokens)
    came_from = [0] * (len(tokens) + 1)
    for end in range(1, len(tokens) + 1):
        width = 0.0
        for start in range(end - 1, -1, -1):
            width += tokens[start].width
            alone = start == end - 1
            if not alone and (width > limits.rows * limits.cpl or width > 1.15 * share):
                break
            if not alone and _best_rows(tokens[start:end], limits) is None:
                continue
            cost = best[start] + 1.0 + _break_cost(tokens[end - 1], end == len(tokens)) + (1 - width / share) ** 2
            if cost < best[end]:
                best[end], came_from[end] = cost, start
    groups: list[Sequence[_Token]] = []
    end = len(tokens)
    while end:
        groups.append(tokens[came_from[end] : end])
        end = came_from[end]
    return groups[::-1]


def _break_cost(before: _Token, last: bool) -> float:
    if last or before.text[-1] in SENTENCE_END:
        return 0.0
    if before.text[-1] in _PAUSES:
        return 0.2
    return 0.8 if before.glue else 1.5


def _join(tokens: Sequence[_Token]) -> str:
    return "".join(token.text + token.glue for token in tokens).rstrip(" ")


def _rows(tokens: Sequence[_Token], limits: TimedTextLimits) -> tuple[str, ...]:
    rows = _best_rows(tokens, limits)
    assert rows is not None  # a single token always fits: it was cut to a row
    return rows


def _best_rows(tokens: Sequence[_Token], limits: TimedTextLimits) -> tuple[str, ...] | None:
    """One row where it fits, else the best balanced two; None where two rows cannot hold it."""
    whole = _join(tokens)
    if text_width(whole, wide=limits.wide) <= limits.cpl:
        return (whole,)
    best: tuple[float, tuple[str, str]] | None = None
    for cut in range(1, len(tokens)):
        upper, lower = _join(tokens[:cut]), _join(tokens[cut:])
        widths = text_width(upper, wide=limits.wide), text_width(lower, wide=limits.wide)
        if max(widths) > limits.cpl:
            continue
        cost = abs(widths[0] - widths[1]) / limits.cpl + _break_cost(tokens[cut - 1], False)
        if best is None or cost < best[0]:
            best = cost, (upper, lower)
    return best[1] if best else None

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


def split_text(
    text: str, limits: TimedTextLimits, pieces_at_least: int = 1, *, by_syntax: bool = False
) -> list[tuple[str, ...]]:
    """Split a clean text into cues of at most ``limits.rows`` rows of at most ``limits.cpl`` characters.

    Breaks fall after sentences and clauses where they can; nothing but spaces at the breaks is left out. A word
    longer than a row is cut.

    Args:
        text: as `clean_text` gives it.
        limits: of the language.
        pieces_at_least: cues to aim for (a line that lasts longer than one cue may stand).
        by_syntax: keep words together that belong together, as `break_cost` weighs them.
    """
    costs = _Costs(limits, by_syntax)
    tokens = list(_tokens(text, limits))
    if not tokens:
        return []
    total = sum(token.width for token in tokens)
    share = max(1.0, total) / max(1, pieces_at_least)
    return [_rows(group, costs) for group in _partition(tokens, costs, share)]


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


@dataclass(frozen=True, slots=True)
class _Costs:
    """What it costs to break a text, by the limits of its language."""

    limits: TimedTextLimits
    by_syntax: bool

    def between(self, before: _Token, after: _Token | None) -> float:
        if after is None or (before.text[-1] in SENTENCE_END and not (self.by_syntax and self._abbreviates(before))):
            return 0.0
        if before.text[-1] in _PAUSES:
            return 0.2
        cost = 0.8 if before.glue else 1.5
        return cost + (break_cost(before.text, after.text, before.glue, self.limits) if self.by_syntax else 0.0)

    def _abbreviates(self, before: _Token) -> bool:
        """Whether its full stop ends no sentence, as that of ``Dr.`` does."""
        return is_bound(before.text, self.limits)


def break_cost(before: str, after: str, glue: str, limits: TimedTextLimits) -> float:
    """What a break between two pieces of a text costs by syntax; 0 where nothing speaks for or against it.

    Below 0: it is a good one, before an article, a preposition or a conjunction, or after the kana that end a phrase.
    Above 0: it parts a word that belongs to the next, or a number from what it counts.

    Args:
        before: what ends the row.
        after: what begins the next.
        glue: the space between them; empty inside a text without spaces.
        limits: of the language.
    """
    if not glue:
        ends_phrase = "\u3041" <= before[-1] <= "\u309f" and not "\u3041" <= after[0] <= "\u309f"
        return -0.6 if ends_phrase else 0.0
    if is_bound(before, limits) or (before[-1].isdigit() and after[0].isalpha()):
        return 0.9
    return -0.3 if after.lower() in limits.bound else 0.0


def is_bound(word: str, limits: TimedTextLimits) -> bool:
    """Whether a word belongs to the one behind it."""
    return word.lower().lstrip("¿¡\"'«“(—-") in limits.bound


def _partition(tokens: Sequence[_Token], costs: _Costs, share: float) -> list[Sequence[_Token]]:
    """Contiguous groups that fit a cue, at the least cost (dynamic programming over the last break)."""
    limits = costs.limits
    best: list[float] = [0.0] + [float("inf")] * len(tokens)
    came_from = [0] * (len(tokens) + 1)
    for end in range(1, len(tokens) + 1):
        width = 0.0
        following = tokens[end] if end < len(tokens) else None
        for start in range(end - 1, -1, -1):
            width += tokens[start].width
            alone = start == end - 1
            if not alone and (width > limits.rows * limits.cpl or width > 1.15 * share):
                break
            if not alone and _best_rows(tokens[start:end], costs) is None:
                continue
            cost = best[start] + 1.0 + costs.between(tokens[end - 1], following) + (1 - width / share) ** 2
            if cost < best[end]:
                best[end], came_from[end] = cost, start
    groups: list[Sequence[_Token]] = []
    end = len(tokens)
    while end:
        groups.append(tokens[came_from[end] : end])
        end = came_from[end]
    return groups[::-1]


def _join(tokens: Sequence[_Token]) -> str:
    return "".join(token.text + token.glue for token in tokens).rstrip(" ")


def _rows(tokens: Sequence[_Token], costs: _Costs) -> tuple[str, ...]:
    rows = _best_rows(tokens, costs)
    assert rows is not None  # a single token always fits: it was cut to a row
    return rows


def _best_rows(tokens: Sequence[_Token], costs: _Costs) -> tuple[str, ...] | None:
    """One row where it fits, else the best balanced two; None where two rows cannot hold it."""
    limits = costs.limits
    whole = _join(tokens)
    if text_width(whole, wide=limits.wide) <= limits.cpl:
        return (whole,)
    best: tuple[float, tuple[str, str]] | None = None
    for cut in range(1, len(tokens)):
        upper, lower = _join(tokens[:cut]), _join(tokens[cut:])
        widths = text_width(upper, wide=limits.wide), text_width(lower, wide=limits.wide)
        if max(widths) > limits.cpl:
            continue
        cost = abs(widths[0] - widths[1]) / limits.cpl + costs.between(tokens[cut - 1], tokens[cut])
        if best is None or cost < best[0]:
            best = cost, (upper, lower)
    return best[1] if best else None

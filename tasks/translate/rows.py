"""Texts as the rows that a service is sent: one a line break, without those that have nothing to translate."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def by_rows(texts: Sequence[str], ask: Callable[[list[str]], list[str]], size: int) -> list[str]:
    """The texts with every row answered, in requests of at most ``size`` rows; line breaks stay where they are."""
    rows = [row for text in texts for row in text.split("\n") if _speaks(row)]
    answers = [answer for start in range(0, len(rows), size) for answer in ask(rows[start : start + size])]
    waiting = iter(answers)
    return ["\n".join(next(waiting) if _speaks(row) else row for row in text.split("\n")) for text in texts]


def _speaks(row: str) -> bool:
    return any(letter.isalnum() for letter in row)

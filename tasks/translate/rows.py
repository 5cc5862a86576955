"""Texts as the rows that a service is sent: one a line break, without those that have nothing to translate."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tasks.words.speakable import speaks


def by_rows(texts: Sequence[str], ask: Callable[[list[str]], list[str]], size: int) -> list[str]:
    """The texts with every row answered, in requests of at most ``size`` rows; line breaks stay where they are."""
    rows = [row for text in texts for row in text.split("\n") if speaks(row)]
    answers = [answer for start in range(0, len(rows), size) for answer in ask(rows[start : start + size])]
    waiting = iter(answers)
    return ["\n".join(next(waiting) if speaks(row) else row for row in text.split("\n")) for text in texts]

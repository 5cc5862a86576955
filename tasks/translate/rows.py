"""Splits texts into the rows that are sent to a service, without those that have nothing to translate."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tasks.words.speakable import speaks


def by_rows(texts: Sequence[str], ask: Callable[[list[str]], list[str]], size: int) -> list[str]:
    """Translate texts row by row, keeping line breaks.

    Args:
        texts: with line breaks between rows.
        ask: translates a list of rows.
        size: maximum rows per request.
    """
    rows = [row for text in texts for row in text.split("\n") if speaks(row)]
    answers = [answer for start in range(0, len(rows), size) for answer in ask(rows[start : start + size])]
    waiting = iter(answers)
    return ["\n".join(next(waiting) if speaks(row) else row for row in text.split("\n")) for text in texts]

"""Long text in pieces that a model or a service accepts, cut where a reader would pause."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tasks.words.spacing import units

#: Where a cut hurts least, best first: after a sentence, after a clause, between words.
_CUTS = (
    re.compile(r"(?<=[.!?…؟।॥۔])\s+|(?<=[。．｡！？។៕။])"),
    re.compile(r"(?<=[,;:—–،؛])\s+|(?<=[，、､；：၊៖])"),
    re.compile(r"\s+"),
)


def pieces(text: str, limit: int) -> list[str]:
    """The text in order, in as few pieces of at most ``limit`` characters as its pauses allow.

    Only a single word longer than the limit is cut inside. White space at the cuts is dropped; an empty text gives [].

    Args:
        text: one line.
        limit: characters a piece may have, at least 1.
    """
    return _cut(text.strip(), limit, 0)


def _cut(text: str, limit: int, depth: int) -> list[str]:
    if len(text) <= limit:
        return [text] if text else []
    if depth == len(_CUTS):
        return list(_filled(text, limit))
    found: list[str] = []
    at = 0
    for mark in [*_CUTS[depth].finditer(text), None]:
        part = text[at : mark.start() if mark else len(text)]
        gap = text[at - 1] if at and text[at - 1].isspace() else ""
        at = mark.end() if mark else len(text)
        if found and len(found[-1]) + len(gap) + len(part) <= limit:
            found[-1] += gap + part
        else:
            found.extend(_cut(part.strip(), limit, depth + 1))
    return found


def _filled(text: str, limit: int) -> Iterator[str]:
    """A text without spaces, broken between letters."""
    piece = ""
    for unit in units(text):
        if piece and len(piece) + len(unit) > limit:
            yield piece
            piece = ""
        piece += unit
        while len(piece) > limit:
            yield piece[:limit]
            piece = piece[limit:]
    if piece:
        yield piece

"""Respells a line so that it is easier to pronounce; its wording is unchanged."""

from __future__ import annotations

import re

from tasks.words.spoken_form import in_words

_QUOTES = re.compile('["“”„«»‹›()\\[\\]{}*_]')
_DASHES = re.compile(r"\s+[-–—]+\s+|[–—]|…|\.{2,}|\s*;\s*")
_CAPITALS = re.compile(r"(?<![^\W_])[^\W\d_]{4,}(?![^\W_])")


def respelled(text: str, language: str) -> str:
    """The text without quotes, brackets and dashes, with numbers and symbols in words, and capitals in lower case.

    Args:
        text: the line.
        language: BCP-47 tag; figures stay if the number words of the language are unknown.

    Returns:
        The respelled text, or the same text if there is nothing to change.
    """
    plain = _DASHES.sub(", ", _QUOTES.sub("", text))
    plain = _CAPITALS.sub(lambda word: word[0].capitalize() if word[0].isupper() else word[0], plain)
    plain, _ = in_words(plain, language, ())
    plain = re.sub(r"\s*,(\s*,)+", ",", " ".join(plain.split())).strip(" ,")
    return plain if plain else text

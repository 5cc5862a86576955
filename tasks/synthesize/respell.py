"""A line spelled so that a voice has less to stumble over; what it says stays the same."""

from __future__ import annotations

import re

from tasks.words.spoken_form import in_words

_QUOTES = re.compile('["“”„«»‹›()\\[\\]{}*_]')
_DASHES = re.compile(r"\s+[-–—]+\s+|[–—]|…|\.{2,}|\s*;\s*")
_CAPITALS = re.compile(r"(?<![^\W_])[^\W\d_]{4,}(?![^\W_])")


def respelled(text: str, language: str) -> str:
    """The text without quotes, brackets and dashes: numbers and signs in words, words in capitals in small letters.

    Args:
        text: the line.
        language: BCP-47 tag; a language whose numbers are not known keeps its figures.

    Returns:
        The same text where there is nothing to spell otherwise.
    """
    plain = _DASHES.sub(", ", _QUOTES.sub("", text))
    plain = _CAPITALS.sub(lambda word: word[0].capitalize() if word[0].isupper() else word[0], plain)
    plain, _ = in_words(plain, language, ())
    plain = re.sub(r"\s*,(\s*,)+", ",", " ".join(plain.split())).strip(" ,")
    return plain if plain else text

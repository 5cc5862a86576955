"""A line spelled so that a voice has less to stumble over; what it says stays the same."""

from __future__ import annotations

import re

from configs.languages import primary

_QUOTES = re.compile('["“”„«»‹›()\\[\\]{}*_]')
_DASHES = re.compile(r"\s+[-–—]+\s+|[–—]|…|\.{2,}|\s*;\s*")
_CAPITALS = re.compile(r"(?<![^\W_])[^\W\d_]{4,}(?![^\W_])")
_NUMBER = re.compile(r"(?<![\d.,:])\d{1,9}(?![\d:]|[.,]\d)")


def respelled(text: str, language: str) -> str:
    """The text without quotes, brackets and dashes, with whole numbers in words and words in capitals in small letters.

    Args:
        text: the line.
        language: BCP-47 tag; a language whose numbers are not known keeps its figures.

    Returns:
        The same text where there is nothing to spell otherwise.
    """
    plain = _DASHES.sub(", ", _QUOTES.sub("", text))
    plain = _CAPITALS.sub(lambda word: word[0].capitalize() if word[0].isupper() else word[0], plain)
    plain = _NUMBER.sub(lambda number: _in_words(number[0], language), plain)
    plain = re.sub(r"\s*,(\s*,)+", ",", " ".join(plain.split())).strip(" ,")
    return plain if plain else text


def _in_words(number: str, language: str) -> str:
    from num2words import num2words

    kind = "year" if len(number) == 4 and "1100" <= number < "2100" else "cardinal"
    try:
        return str(num2words(int(number), lang=primary(language), to=kind))
    except (NotImplementedError, OverflowError, ValueError, TypeError, IndexError, KeyError):
        return number

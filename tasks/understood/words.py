"""A text as words to be compared, each with its place: case, punctuation, widths and unwritten vowels set aside.

Scripts without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) are compared by character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from configs.languages import primary
from configs.timed_text import timed_text_limits

_KEPT_IN_NUMBERS = ".,:"
_APOSTROPHES = "'’ʼ＇"
_SPOKEN_SIGNS = "%‰€$£¥₹₽°&+="
#: Vowel points and stretching that Arabic and Hebrew may leave out, and letters that stand for one another.
_POINTS = re.compile("[\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
_LETTERS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ё": "е"})


@dataclass(frozen=True)
class Token:
    """A word (or character) as it is compared, and where it stands in its text: first character, last exclusive."""

    folded: str
    start: int
    end: int


def by_character(language: str) -> bool:
    """Whether the language is written without spaces."""
    return timed_text_limits(language).spaceless


def tokens(text: str, language: str) -> list[Token]:
    """The words of a text in order; its characters where the language has no spaces."""
    found = []
    for start, end in _spans(text, single=by_character(language)):
        if folded := _folded(text[start:end], language):
            found.append(Token(folded, start, end))
    return found


def _spans(text: str, *, single: bool) -> Iterator[tuple[int, int]]:
    start: int | None = None
    for at, sign in enumerate(text):
        joined = _kind(text, at) == "letter" and not (single and unicodedata.category(sign)[0] != "M")
        if not joined and start is not None:
            yield start, at
            start = None
        if start is None and _kind(text, at) != "gap":
            start = at
        if start is not None and _kind(text, at) == "sign":
            yield start, at + 1
            start = None
    if start is not None:
        yield start, len(text)


def _kind(text: str, at: int) -> str:
    """``letter`` of a word, ``sign`` that is a word of its own, or ``gap``."""
    sign = text[at]
    if unicodedata.category(sign)[0] in "LMN":
        return "letter"
    if unicodedata.normalize("NFKC", sign) in _SPOKEN_SIGNS:
        return "sign"
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if sign in _KEPT_IN_NUMBERS and before.isdecimal() and after.isdecimal():
        return "letter"
    if sign in _APOSTROPHES and before.isalpha() and after.isalpha():
        return "letter"
    return "gap"


def _folded(word: str, language: str) -> str:
    plain = unicodedata.normalize("NFKC", word)
    if primary(language) in ("tr", "az"):
        plain = plain.replace("İ", "i").replace("I", "ı")
    plain = _POINTS.sub("", plain.casefold()).translate(_LETTERS)
    for apostrophe in _APOSTROPHES:
        plain = plain.replace(apostrophe, "'")
    return unicodedata.normalize("NFC", plain)

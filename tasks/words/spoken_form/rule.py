"""A rule: a pattern, and how what it finds is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

#: None where it is none of these after all.
Say = Callable[[re.Match[str]], str | None]
Rules = Iterator[tuple[str, Say]]
#: Name of the group that is said otherwise, where a pattern holds more than that.
SIGN = "sign"

#: Where a number may begin and end in languages with blanks between words, and in the others.
EDGES = (r"(?<![^\W_])(?<!\d[.,:/-])", r"(?![^\W_]|[.,:/]\d)")
JOINED_EDGES = (r"(?<![A-Za-z\d])(?<!\d[.,:/-])", r"(?![A-Za-z\d]|[.,:/]\d)")
BLANK = "[ \u00a0\u202f\u2009]"


def one_of(names: Iterable[str]) -> str:
    """A pattern for any of several texts, the longest first."""
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))

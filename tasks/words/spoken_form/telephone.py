"""Telephone numbers: each digit by itself, a breath between the groups."""

from __future__ import annotations

import re

from tasks.words.spoken_form.numerals import Numerals
from tasks.words.spoken_form.rule import Rules

_FEWEST = 6  # digits


def rules(say: Numerals) -> Rules:
    """Of numbers with a plus or a zero before them, or in the groups that North America writes."""
    if say.forms.numbers == "digits":
        return

    def groups(match: re.Match[str]) -> str | None:
        found = re.findall(r"\d+", match[0])
        if sum(map(len, found)) < _FEWEST or len(found) < 2:
            return None
        said = (",", "，")[say.forms.joined] + say.blank
        return ("+" if match[0][0] == "+" else "") + said.join(map(say.digits, found))

    yield r"(?<![\w.,+])\+\d{1,3}(?:[ .-]?\(?\d+\)?)+(?![\w%€$£°])", groups
    yield r"(?<![\w.,:/-])(?!\d\d-\d\d-\d{4})\(?0\d+\)?(?:[ -]\d{2,})+(?![\w%€$£°:/])", groups
    yield r"(?<![\w.,:/-])(?:(?:\(\d{3}\) ?|\d{3}-)\d{3}-\d{4}|(?:555-\d{4}|\d{3}-0\d{3}))(?![\w%€$£°-])", groups

"""Fractions: ½, 3/4, 2 1/2."""

from __future__ import annotations

import re
import unicodedata

from tasks.words.spoken_form.numerals import Numerals
from tasks.words.spoken_form.rule import EDGES, JOINED_EDGES, Rules

_SIGNS = "½⅓⅔¼¾⅕⅖⅗⅘⅛⅜⅝⅞"


def rules(say: Numerals) -> Rules:
    """Of fractions below one whose denominator the language names, with whole numbers before them."""
    before, after = JOINED_EDGES if say.forms.joined else EDGES

    def fraction(match: re.Match[str], whole: str | None, above: str, below: str) -> str | None:
        if say.forms.dated and _word_before(match) in say.forms.dated and not whole:
            return None  # a day and a month
        said = _said(say, int(above), int(below))
        if said is None or not whole:
            return said
        return say.joined(say.number(whole), say.forms.words.and_, said)

    def sign(match: re.Match[str]) -> str | None:
        above, below = unicodedata.normalize("NFKC", match[2]).split("\u2044")
        return fraction(match, match[1], above, below)

    if say.forms.fractions or say.forms.fraction:
        yield rf"{before}(?:(\d+) ?)?([{_SIGNS}])", sign
        yield rf"{before}(?:(\d+) )?([1-9])/(\d{{1,2}}){after}(?!/)", lambda match: fraction(match, *match.groups())
    if say.forms.numbers != "digits":
        yield rf"{before}24/7{after}(?!/)", lambda _: say.joined(say.cardinal(24), say.cardinal(7))


def _said(say: Numerals, above: int, below: int) -> str | None:
    if not 0 < above < below:
        return None
    if say.forms.fraction:
        return say.forms.fraction.format(above=say.cardinal(above), below=say.cardinal(below))
    names = say.forms.fractions.get(below)
    if names is None:
        return None
    return names[0] if above == 1 else say.joined(say.cardinal(above), names[1])


def _word_before(match: re.Match[str]) -> str:
    return (match.string[: match.start()].split() or [""])[-1].lower()

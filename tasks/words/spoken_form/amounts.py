"""Numbers, and what is counted by them: currencies, percentages, units, ordinals, ranges."""

from __future__ import annotations

import re

from tasks.words.spoken_form.numerals import Numerals
from tasks.words.spoken_form.rule import BLANK, EDGES, JOINED_EDGES, Rules, one_of


def rules(say: Numerals) -> Rules:
    """Of all that is counted, the longest readings first."""
    before, after = JOINED_EDGES if say.forms.joined else EDGES
    grouping = "[.\u00a0\u202f\u2009 ’']" if say.forms.decimal[0] == "," else "[,\u00a0\u202f\u2009]"
    number = rf"(?:\d{{1,3}}(?:{grouping}\d{{3}})+(?!\d)|\d+)(?:[.,]\d+)?"
    money = one_of(say.forms.money)
    yield rf"{before}(?<![\d)])[-−](?=(?:{money})?\d)", lambda match: say.forms.words.minus + say.blank
    yield from _percentages(say, before, number)
    yield from _money(say, before, number)
    yield from _units(say, before, number)
    yield from _ordinals(say)
    yield rf"{before}({number})(?: ?– ?|-)({number}){after}", lambda match: say.between(match[1], match[2])
    yield rf"{before}({number}){after}", lambda match: say.number(match[1])


def _percentages(say: Numerals, before: str, number: str) -> Rules:
    def percent(match: re.Match[str]) -> str:
        words = [say.between(match[1], match[2]), say.forms.percent]
        return say.joined(*(reversed(words) if say.forms.percent_before else words))

    yield rf"{before}{_span(number)}{BLANK}?[%％]", percent
    yield rf"{before}[%％]{BLANK}?{_span(number)}", percent


def _span(number: str) -> str:
    """A number, or two as a range: two groups."""
    return rf"({number})(?:(?: ?– ?|-)({number}))?"


def _money(say: Numerals, before: str, number: str) -> Rules:
    money, short = say.forms.money, say.forms.short_magnitudes
    signs, many = one_of(money), one_of((*say.forms.magnitudes, *short))
    edge = "" if say.forms.joined else r"(?![^\W_])"

    def amount(first: str, last: str | None, magnitude: str | None, names: tuple[str, ...]) -> str:
        digits = last or first
        whole, decimals = say.parts(digits)
        units, cents = (names[: len(names) // 2], names[len(names) // 2 :]) if len(names) > 3 else (names, ())
        if magnitude:
            magnitude = short.get(magnitude, magnitude)
            of = say.forms.of if magnitude not in say.forms.plain_magnitudes else ""
            return say.joined(say.between(first, last), magnitude, of, units[-1]).replace("' ", "'")
        if last:
            return say.joined(say.number(first), say.forms.words.to, amount(last, None, None, names))
        if not decimals.strip("0"):
            return say.counted(whole, units)
        if len(decimals) == 2 and cents:
            return say.joined(say.counted(whole, units), say.forms.words.and_, say.counted(int(decimals), cents))
        return say.joined(say.number(digits), units[-1])

    yield (
        rf"{before}({signs}){BLANK}?{_span(number)}(?:{BLANK}?({many})(?![^\W_])|{edge})",
        lambda match: amount(match[2], match[3], match[4], money[match[1]]),
    )
    yield (
        rf"{before}{_span(number)}(?:{BLANK}?({many}))?{BLANK}?({signs})(?!\w)",
        lambda match: amount(match[1], match[2], match[3], money[match[4]]),
    )
    if say.forms.de:  # 250 de lei
        yield rf"{before}({number}) de ({signs})(?!\w)", lambda match: amount(match[1], None, None, money[match[2]])


def _units(say: Numerals, before: str, number: str) -> Rules:
    def measured(match: re.Match[str]) -> str:
        first, last, unit = match.groups()
        whole, decimals = say.parts(last or first)
        names = say.forms.units[unit]
        said = say.joined(say.number(last or first), names[1]) if decimals else say.counted(whole, names)
        return say.joined(say.number(first), say.forms.words.to, said) if last else said

    edge = "(?![A-Za-z/])" if say.forms.joined else r"(?![^\W_]|/)"
    yield rf"{before}{_span(number)}{BLANK}?({one_of(say.forms.units)}){edge}", measured


def _ordinals(say: Numerals) -> Rules:
    endings = say.forms.ordinals
    if endings:
        yield (
            rf"(?<![\w.,])(\d{{1,3}})({one_of(endings)})(?!\w)",
            lambda match: say.ordinal(int(match[1]), endings[match[2]]),
        )
    if say.forms.counted:
        yield (
            rf"(?<![\w.,])(\d{{1,3}})\.(?= (?:{one_of(say.forms.counted)})\b)",
            lambda match: say.ordinal(
                int(match[1]), before=(match.string[: match.start()].split() or [""])[-1].lower()
            ),
        )

"""Dates and times of day."""

from __future__ import annotations

import re

from tasks.words.spoken_form.numerals import Numerals
from tasks.words.spoken_form.rule import EDGES, JOINED_EDGES, Rules


def rules(say: Numerals) -> Rules:
    """Of dates, in digits and with the name of their month, and of times."""
    yield from _dates_in_digits(say)
    if not say.forms.joined:  # 3月14日 is read as it stands
        yield from _dates_with_a_name(say)
    yield from _times(say)
    if say.forms.decades:
        yield r"(?<![\w.,-])((?:1[1-9]|20)?)(\d)0s(?!\w)", lambda match: _decade(say, match[1], int(match[2]) * 10)
    if say.forms.year:
        yield rf"(?<!\d)(\d{{4}})(?={say.forms.year})", lambda match: say.digits(match[1])


def _decade(say: Numerals, century: str, years: int) -> str | None:
    """The 1990s, the 90s."""
    if not century:
        return _many(say.cardinal(years)) if years >= 20 else None
    hundreds = "two thousand" if century == "20" else f"{say.cardinal(int(century))} hundred"
    return f"{say.cardinal(int(century))} {_many(say.cardinal(years))}" if years else _many(hundreds)


def _many(name: str) -> str:
    return name[:-1] + "ies" if name.endswith("y") else name + "s"


def _dates_in_digits(say: Numerals) -> Rules:
    before, after = JOINED_EDGES if say.forms.joined else EDGES

    def local(match: re.Match[str]) -> str | None:
        first, second = int(match[1]), int(match[3])
        day, month = (second, first) if say.forms.month_first and first <= 12 else (first, second)
        return _date(say, day, month, match[4])

    yield (
        rf"{before}(\d{{4}})([/.-])(\d{{1,2}})\2(\d{{1,2}}){after}(?!-)",
        lambda match: _date(say, int(match[4]), int(match[3]), match[1]),
    )
    yield r"(?<![\w/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?!\w|[/.-]\d)", local
    if say.forms.day_and_month:

        def short(match: re.Match[str]) -> str | None:
            return _date(say, int(match[1]), int(match[2])) if _word_before(match) in say.forms.dated else None

        yield r"(?<![\w/.,-])(\d{1,2})\.(\d{1,2})\.(?!\w)", short


def _date(say: Numerals, day: int, month: int, year: str = "") -> str | None:
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return None
    if not year:
        return f"{say.day(day)} {say.forms.months[month - 1]}"
    spoken = say.digits(year) if say.forms.year else say.year(int(year))
    return say.forms.date.format(d=say.day(day), m=say.forms.months[month - 1], y=spoken)


def _dates_with_a_name(say: Numerals) -> Rules:
    names = "|".join(say.forms.months)
    point = r"\.?" if say.forms.day == "ordinal" else ""

    def day(match: re.Match[str]) -> str | None:
        return say.day(int(match[1]), _word_before(match)) if 1 <= int(match[1]) <= 31 else None

    yield rf"(?<![\w.,])(\d{{1,2}}){point}(?= (?:de )?(?:{names})\b)", day
    if say.forms.month_first:
        for name in say.forms.months:
            yield rf"(?<={name} )(\d{{1,2}})(?:st|nd|rd|th)?(?![\d.:]\d|\w|%)", day


def _word_before(match: re.Match[str]) -> str:
    return (match.string[: match.start()].split() or [""])[-1].lower()


def _times(say: Numerals) -> Rules:
    forms = say.forms
    swallowed = rf"(?:\s?(?:{'|'.join(forms.swallow)})(?!\w))?" if forms.swallow else ""
    before = (JOINED_EDGES if forms.joined else EDGES)[0]

    def time(match: re.Match[str]) -> str:
        hour, minutes = int(match[1]), int(match[2] or 0)
        said = forms.hours.get(hour) or say.cardinal(hour)
        if minutes == 0:
            return forms.hour.format(h=said)
        zero = forms.zero + say.blank if forms.zero and minutes < 10 else ""
        return forms.time.format(h=said, m=zero + say.cardinal(minutes))

    yield rf"{before}([01]?\d|2[0-3])[:h]([0-5]\d)(?![\d:])h?{swallowed}", time
    if forms.h:
        yield rf"{before}([01]?\d|2[0-3]) ?h()(?!\w)", time

"""Roman numerals after a name, a heading or before an ending: Louis XIV, World War II, XXIe siècle."""

from __future__ import annotations

import re

from tasks.words.spoken_form.numerals import Numerals
from tasks.words.spoken_form.rule import SIGN, Rules, one_of

_VALUES = {"I": 1, "V": 5, "X": 10}
_WHOLE = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})")
#: A single letter is a numeral only after a ruler's name, at a sentence's end or before what belongs to the name.
_END = r"(?=['’,.;:!?)]|\s+of\b|$)"


def rules(say: Numerals) -> Rules:
    """Up to 39, in languages that say how they are read."""
    roman = say.forms.roman
    if roman is None:
        return

    def ruler(match: re.Match[str]) -> str | None:
        number = value(match[3] or match[4])
        if number is None:
            return None
        ordinal = number <= roman.ordinals_up_to
        gender = "f" if match[1] in roman.queens else "m"
        if number == 1 and roman.first:
            said = roman.first
        else:
            said = say.ordinal(number, gender, before="der") if ordinal else say.cardinal(number)
        return roman.the + said if ordinal else said

    def heading(match: re.Match[str]) -> str | None:
        number = value(match[2])
        return None if number is None else say.cardinal(number)

    def ending(match: re.Match[str]) -> str | None:
        number = value(match[1])
        return None if number is None else say.ordinal(number)

    point = r"(?:\.(?=\s+[^\W\d_A-ZÄÖÜ]))?" if roman.point else ""
    names = one_of((*roman.rulers, *roman.queens))
    yield rf"(?<!\w)({names}) (?P<{SIGN}>([IVX]{{2,7}})(?!\w){point}|([IVX])(?!\w)(?:{_END}){point})", ruler
    if roman.endings:
        yield rf"(?<!\w)([IVX]+)(?:{one_of(roman.endings)})(?!\w)", ending
    if roman.headings:
        yield rf"(?<!\w)([A-ZÀ-Ý][\w'’-]+|{one_of(roman.headings)}) (?P<{SIGN}>[IVX]{{2,7}})(?!\w)", heading


def value(numeral: str) -> int | None:
    """What a numeral of I, V and X counts; None where it is none."""
    if not numeral or not _WHOLE.fullmatch(numeral):
        return None
    digits = [_VALUES[letter] for letter in numeral]
    return sum(-one if one < after else one for one, after in zip(digits, [*digits[1:], 0], strict=True))

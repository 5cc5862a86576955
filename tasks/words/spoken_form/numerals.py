"""Numbers in words: by num2words, and by rules of our own for the languages that it lacks."""

from __future__ import annotations

import re

from configs.spoken_forms import SpokenForms

_HINDI_NAMES = (
    "शून्य एक दो तीन चार पाँच छह सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस बीस इक्कीस बाईस "
    "तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस "
    "चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास पचास इक्यावन बावन तिरपन चौवन पचपन "
    "छप्पन सत्तावन अट्ठावन उनसठ साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर सत्तर इकहत्तर बहत्तर तिहत्तर "
    "चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उनासी अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी "
    "नब्बे इक्यानवे बानवे तिरानवे चौरानवे पचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे"
)
_HINDI = _HINDI_NAMES.split()
_HINDI_PLACES = ((10_000_000, "करोड़"), (100_000, "लाख"), (1000, "हज़ार"), (100, "सौ"))
_HAN = "零一二三四五六七八九"
_HAN_PLACES = ((100_000_000, "亿"), (10_000, "万"), (1000, "千"), (100, "百"), (10, "十"))


_LONGEST = 12  # digits that are a number; more are read one by one


class Numerals:
    """One language's numbers in words."""

    def __init__(self, forms: SpokenForms) -> None:
        self.forms = forms

    def cardinal(self, number: int) -> str:
        """A whole number that is not negative."""
        if self.forms.numbers == "digits":
            return str(number)
        if self.forms.numbers == "own":
            return _han(number) if self.forms.joined else _hindi(number)
        return self._num2words(number, "cardinal")

    def ordinal(self, number: int, gender: str = "m", before: str = "") -> str:
        """Its ordinal; the cardinal in languages whose ordinals are not known.

        Args:
            number: above 0.
            gender: ``m`` or ``f``.
            before: the word before it, by which German inflects.
        """
        if self.forms.numbers in ("own", "digits"):
            return self.cardinal(number)
        said = self._num2words(number, "ordinal")
        if self.forms.numbers == "de":
            return said if before in ("der", "die", "das") else f"{said}n"
        return {"premier": "première"}.get(said, re.sub("o$", "a", said)) if gender == "f" else said

    def day(self, number: int, before: str = "") -> str:
        """The day of a month."""
        if number == 1 and self.forms.first:
            return self.forms.first
        if self.forms.day == "cardinal":
            return self.cardinal(number)
        said = self.ordinal(number, before=before)
        return " ".join(map(self._genitive, said.split())) if self.forms.day == "genitive" else said

    def year(self, number: int) -> str:
        """A year, in the hundreds where the language reads it so."""
        if self.forms.years == "own":
            return self._num2words(number, "year")
        if not self.forms.years or number >= 2000:
            return self.cardinal(number)
        rest = self.cardinal(number % 100) if number % 100 else ""
        return f"{self.cardinal(number // 100)}{self.forms.years}{rest}"

    def digits(self, text: str) -> str:
        """Each digit by itself."""
        return text if self.forms.numbers == "digits" else self.joined(*(self.cardinal(int(digit)) for digit in text))

    def number(self, written: str) -> str:
        """A number as it is written: a year, a telephone number, with decimals, or with its thousands apart."""
        if self.forms.numbers == "digits":
            return written
        if written.isdigit():
            if len(written) > _LONGEST or (written[0] == "0" and len(written) > 1):
                return self.digits(written)
            if len(written) == 4 and 1100 <= int(written) < 2100:
                return self.year(int(written))
        whole, decimals = self.parts(written)
        return self.joined(self.cardinal(whole), *self._decimals(written, decimals))

    def _decimals(self, written: str, decimals: str) -> tuple[str, ...]:
        if not decimals:
            return ()
        sign, point = self.forms.decimal
        by_digits = sign == "." or decimals[0] == "0" or len(decimals) > 2
        said = self.digits(decimals) if by_digits else self.cardinal(int(decimals))
        return (point if sign in written else self.forms.words.point), said

    def parts(self, written: str) -> tuple[int, str]:
        """The whole of a number, and its decimals as digits."""
        sign = self.forms.decimal[0]
        other = "." if sign == "," else ","
        found = re.fullmatch(rf"(.*?)(?:{re.escape(sign)}(\d+)|{re.escape(other)}(\d{{1,2}}|\d{{4,}}))?", written)
        assert found is not None
        return int(re.sub(r"\D", "", found[1])), found[2] or found[3] or ""

    def counted(self, number: int, names: tuple[str, ...]) -> str:
        """So many of something."""
        of = "de" if self.forms.de and (number % 100 >= 20 or (number and number % 100 == 0)) else ""
        name = self._plural(number, names)
        return self.joined(self._agreeing(self.cardinal(number), name), of, name)

    def _agreeing(self, number: str, name: str) -> str:
        """A number as it stands before a noun ("un kilo", "veintiuna libras")."""
        head, blank, last = number.rpartition(" ")
        if last not in self.forms.agreeing:
            return number
        feminine = name.split()[0] in self.forms.feminine
        return head + blank + self.forms.agreeing[last][feminine]

    def between(self, first: str, last: str | None) -> str:
        """A range, or a number alone."""
        return self.joined(self.number(first), self.forms.words.to, self.number(last)) if last else self.number(first)

    @property
    def blank(self) -> str:
        """What stands between words."""
        return "" if self.forms.joined else " "

    def joined(self, *words: str) -> str:
        """Words with blanks between, where the language has them."""
        return self.blank.join(word for word in words if word)

    def _plural(self, number: int, names: tuple[str, ...]) -> str:
        """Of two forms, or of the three that Polish and Russian have."""
        if len(names) == 2:
            return names[0] if number == 1 else names[1]
        units, tens = number % 10, number % 100
        if number == 1 or (units == 1 and tens != 11 and self.forms.numbers == "ru"):
            return names[0]
        return names[1] if 2 <= units <= 4 and not 12 <= tens <= 14 else names[2]

    def _genitive(self, word: str) -> str:
        for old, new in self.forms.genitive:
            if word.endswith(old):
                return word.removesuffix(old) + new
        return word

    def _num2words(self, number: int, form: str) -> str:
        from num2words import num2words

        said = str(num2words(number, lang=self.forms.numbers, to=form)).replace("\u00ad", "")
        return " ".join(said.replace(",", "").split()).removeprefix("одна ")


def _hindi(number: int) -> str:
    for value, name in _HINDI_PLACES:
        if number >= value:
            rest = f" {_hindi(number % value)}" if number % value else ""
            return f"{_hindi(number // value)} {name}{rest}"
    return _HINDI[number]


def _han(number: int) -> str:
    said = _han_places(number)
    return said.removeprefix("一") if 10 <= number < 20 else said


def _han_places(number: int) -> str:
    for value, name in _HAN_PLACES:
        if number >= value:
            rest = number % value
            gap = "零" if rest and rest < value // 10 else ""
            many = number // value
            head = "两" if many == 2 and value >= 1000 else _han_places(many)
            return f"{head}{name}{gap}{_han_places(rest) if rest else ''}"
    return _HAN[number]

"""What in a text is written in signs, found from left to right, and how each is said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from configs.languages import primary
from configs.spoken_forms import SpokenForms, spoken_forms
from tasks.words.spoken_form import amounts, calendar, fractions, roman, telephone
from tasks.words.spoken_form.numerals import Numerals
from tasks.words.spoken_form.rule import SIGN, Rules, Say, one_of

_DOMAINS = "com|org|net|edu|gov|info|tv|io|eu|cat|uk|us|es|fr|it|de|nl|pt|br|pl|ro|ru|tr|se|in|jp|cn|mx|ar|ch|at|be"

#: Where it begins and ends, and its words.
Reading = tuple[int, int, str]


def readings(text: str, language: str) -> Iterator[Reading]:
    """What of a text is said otherwise than its letters, from left to right; nothing in a language that is not known.

    Args:
        text: any.
        language: BCP-47 tag.
    """
    rules = _rules(primary(language)) if spoken_forms(language) else ()
    at = 0
    while found := _first(text, at, rules):
        yield found
        at = found[1]


def _first(text: str, at: int, rules: Iterable[tuple[re.Pattern[str], Say]]) -> Reading | None:
    """The first that is found, by the first rule that finds it there."""
    best: Reading | None = None
    begins = len(text)
    for pattern, say in rules:
        for match in pattern.finditer(text, at):
            if match.start() >= begins:
                break
            words = say(match)
            if words is not None:
                begins = match.start()
                best = *match.span(SIGN if SIGN in pattern.groupindex else 0), words
                break
    return best


@cache
def _rules(language: str) -> tuple[tuple[re.Pattern[str], Say], ...]:
    forms = spoken_forms(language)
    assert forms is not None
    say = Numerals(forms)
    found = [*_addresses(forms), *telephone.rules(say), *calendar.rules(say), *fractions.rules(say)]
    found += [*amounts.rules(say), *roman.rules(say), *_abbreviations(forms)]
    return tuple((re.compile(pattern), saying) for pattern, saying in found)


def _addresses(forms: SpokenForms) -> Rules:
    words = {".": forms.words.point, "/": forms.words.slash, "@": forms.words.at, "_": " "}

    def say(match: re.Match[str]) -> str:
        bare = re.sub(r"^(?:https?://)?(www(?=\.))?", lambda start: "w w w" if start[1] else "", match[0])
        return " ".join(re.sub(r"[./@_]", lambda sign: f" {words[sign[0]]} ", bare).split())

    ending = r"(?:/[\w./-]*\w)?(?!\w)"
    yield r"(?<![\w@])[A-Za-z0-9][\w.+-]*@[\w-]+(?:\.[A-Za-z]\w*)+", say
    yield rf"https?://[A-Za-z0-9][\w-]*(?:\.[\w-]+)*{ending}", say
    yield rf"(?<![\w.@])www(?:\.[\w-]+)+{ending}", say
    yield rf"(?<![\w.@])[A-Za-z0-9][A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.(?:{_DOMAINS})(?!\.\w){ending}", say


def _abbreviations(forms: SpokenForms) -> Rules:
    def saying(table: Mapping[str, str]) -> Say:
        return lambda match: table[match[0]] + (" " if match.string[match.end() : match.end() + 1].isalnum() else "")

    for table, after in (
        (forms.before_name, r"(?=\s+[^\W\d_])"),
        (forms.before_number, r"(?=\s*\d)"),
        (forms.short, r"(?![^\W_])"),
    ):
        if table:
            yield rf"(?<![\w.])(?:{one_of(table)}){after}", saying(table)

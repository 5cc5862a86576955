"""Checks that a translation is in the requested language, by its script and by py3langid (BSD, no download).

It objects only if it is certain: a name, a short line or a closely related language passes.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache
from typing import Any

import langcodes

from configs.languages import display_name, primary

_ENOUGH_LETTERS = 24
_FEWEST_LETTERS = 16  # of a text that can be judged to be in a wrong language
_SURE = 0.999
_A_NAME = 16  # letters of the source's script that may stay
#: Languages that cannot be distinguished by the statistics of one line.
_RELATED = (
    {"es", "ca", "gl", "pt", "oc", "an", "ast", "it"},
    {"no", "nb", "nn", "da", "sv"},
    {"hr", "sr", "bs", "sl", "mk", "bg"},
    {"id", "ms", "jv"},
    {"cs", "sk", "pl"},
    {"ru", "uk", "be", "bg", "mk", "sr"},
    {"hi", "mr", "ne"},
    {"zh", "yue", "wuu"},
    {"nl", "af", "lb", "de"},
    {"ar", "fa", "ur", "ps"},
    {"fr", "oc", "wa"},
)
#: `unicodedata`'s name of a script's letters, if it differs from its ISO 15924 code.
_SCRIPTS = {
    "LATIN": {"Latn"},
    "CYRILLIC": {"Cyrl"},
    "GREEK": {"Grek"},
    "ARABIC": {"Arab"},
    "HEBREW": {"Hebr"},
    "DEVANAGARI": {"Deva"},
    "THAI": {"Thai"},
    "HANGUL": {"Kore", "Hang"},
    "HIRAGANA": {"Jpan"},
    "KATAKANA": {"Jpan"},
    "CJK": {"Jpan", "Hans", "Hant", "Hani", "Kore"},
}
_NAMES = {"CJK": "Chinese"}


def complaint(answer: str, text: str, source: str, target: str) -> str:
    """What is wrong with the language of a translation; empty if nothing certainly is.

    Args:
        answer: the translation.
        text: its source.
        source: BCP-47 tag of the source.
        target: BCP-47 tag that was requested.
    """
    if _related(source, target):
        return ""
    letters = [letter for letter in answer if letter.isalpha()]
    if len(letters) >= 4 and (wrong := _wrong_script(letters, text, target)):
        return wrong
    if len(letters) < _ENOUGH_LETTERS:
        return ""
    if answer.strip().casefold() == text.strip().casefold():
        return "it was left untranslated"
    found = _guess(answer)
    if found is None or _related(found, target):
        return ""
    return f"it is in {display_name(found)}"


def certainly(text: str, language: str, other: str) -> bool:
    """Whether a text is almost certainly in a language; never if it is hard to distinguish from the other one.

    Args:
        text: several words.
        language: BCP-47 tag.
        other: BCP-47 tag of the alternative.
    """
    if _related(language, other) or sum(letter.isalpha() for letter in text) < _FEWEST_LETTERS:
        return False
    found = _guess(text)
    return found is not None and primary(found) == primary(language)


def available() -> bool:
    """Whether languages of one script can be distinguished."""
    return _identifier() is not None


def _wrong_script(letters: list[str], text: str, target: str) -> str:
    common, count = Counter(_script(letter) for letter in letters).most_common(1)[0]
    expected = langcodes.Language.get(target).maximize().script
    known = _SCRIPTS.get(common)
    if known is None or expected is None or expected in known or count < 0.7 * len(letters):
        return ""
    if expected not in {code for codes in _SCRIPTS.values() for code in codes}:
        return ""
    kept = len(letters) < _A_NAME and any(
        _script(letter) == common for letter in text if letter.isalpha()
    )  # a short name
    return "" if kept else f"it is written in {_NAMES.get(common, common.title())} letters"


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0]


def _guess(answer: str) -> str | None:
    """The language if it is almost certain."""
    identifier = _identifier()
    if identifier is None:
        return None
    language, probability = identifier.classify(answer.lower())
    return str(language) if probability >= _SURE else None


def _related(one: str, other: str) -> bool:
    pair = {primary(one), primary(other)}
    return len(pair) == 1 or any(pair <= family for family in _RELATED)


@cache
def _identifier() -> Any:
    try:
        from py3langid import langid
    except ImportError:
        return None
    return langid.LanguageIdentifier.from_pickled_model(langid.MODEL_FILE, norm_probs=True)

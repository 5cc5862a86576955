"""How a text sounds, as eSpeak NG reads it: what sounds alike was heard right, however it was spelled.

That makes numbers in digits and in words one, names and their spellings, ``à`` and ``a``. Stress and length are set
aside, and vowels that voices tell apart differently. It is a reading, not the recording: two spellings that are read
alike count as one even where a speaker would tell them apart.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from configs.languages import primary
from tasks.words.spoken_form import in_words

_SET_ASIDE = re.compile("[ˈˌː^ᵝ\u0361\\s._|-]")
_ALIKE = str.maketrans("ɛɔʌɐɪʊɜᵻɚ", "eoəəiuəiə")
_HAN = re.compile("[\u3400-\u9fff]")


@lru_cache(maxsize=8192)
def sounds(text: str, language: str) -> str:
    """The sounds of a text, without gaps; empty if eSpeak NG does not know them."""
    from lipsync_engine.speech import espeak

    if _HAN.search(text) and primary(language) not in ("zh", "yue"):  # it reads those as "Chinese letter"
        return ""
    try:
        read = espeak.transcribe(text, espeak.voice_for(language))
    except (espeak.UnknownVoiceError, espeak.SpeechError):
        return ""
    return _SET_ASIDE.sub("", read).translate(_ALIKE)


def sound_alike(one: str, other: str, language: str) -> bool:
    """Whether two texts sound the same.

    Args:
        one: a text.
        other: another.
        language: BCP-47 tag of both.
    """
    first = sounds(one, language)
    if (first and first == sounds(other, language)) or _figures(one) == _figures(other) != "":
        return True
    if primary(language) == "en" and _english(one) == _english(other) != "":
        return True
    return _said_as(one, other, language) or _said_as(other, one, language)


def _said_as(number: str, words: str, language: str) -> bool:
    """Whether words are a way to say a text with numbers."""
    plain, read = "".join(words.split()), sounds(words, language)
    return any(
        "".join(way.split()) == plain or (sounds(way, language) == read != "") for way in _in_words(number, language)
    )


def _figures(text: str) -> str:
    """The numbers of a text that has nothing else, whichever way they are grouped and parted."""
    plain = re.sub(r"(?<=\d)[.,](?=\d{3}(?!\d))", "", unicodedata.normalize("NFKC", text))
    return "" if re.search(r"[^\W\d]", plain) else " ".join(re.findall(r"\d+", plain))


def likeness(one: str, other: str, language: str) -> float:
    """How much two texts sound alike, 0 to 1: by the sounds that would have to change.

    Args:
        one: a text.
        other: another.
        language: BCP-47 tag of both.
    """
    import jiwer

    first, second = sounds(one, language), sounds(other, language)
    if not first or not second:
        return float(first == second and one == other)
    return max(0.0, 1.0 - float(jiwer.cer(first, second)))


@lru_cache(maxsize=1024)
def _in_words(text: str, language: str) -> tuple[str, ...]:
    """Ways to say the numbers of a text that eSpeak NG does not choose: as a year, digit by digit."""
    from num2words import num2words

    numbers = re.findall(r"\d+", text)
    if not numbers or len(text) > 200:
        return ()
    ways = []
    for kind in ("cardinal", "year", "ordinal"):
        try:
            said = {number: num2words(int(number), lang=primary(language), to=kind) for number in numbers}
        except (NotImplementedError, OverflowError, ValueError, TypeError, IndexError, KeyError):
            continue
        ways.append(re.sub(r"\d+", lambda one, said=said: f" {said[one[0]]} ", text))  # type: ignore[misc]
    spoken, _ = in_words(text, language, ())
    return (spoken, *ways, re.sub(r"\d", lambda one: f" {one[0]} ", text))


@lru_cache(maxsize=4096)
def _english(text: str) -> str:
    """English as OpenAI's normaliser spells it: contractions written out, numbers in digits, American spelling."""
    from whisper.normalizers import EnglishTextNormalizer

    spelled: str = EnglishTextNormalizer()(text)
    return spelled

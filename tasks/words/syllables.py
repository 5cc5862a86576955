"""How many syllables a text has when it is spoken: counted in eSpeak NG's phones, in any language it speaks."""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from configs.languages import primary

#: Vowels of the International Phonetic Alphabet; a diphthong is one phone to eSpeak NG.
_VOWELS = frozenset("aeiouyøœæɐɑɒɔəɘɚɛɜɝɞɤɨɪɯɵɶʉʊʌʏɿʅᵻ")
#: Phones to a vowel, of which no language has so many.
_FEWEST_VOWELS = 6
_KANJI = re.compile("[々\u3400-\u9fff\uf900-\ufaff]")
#: Burmese consonants that end a syllable.
_FINALS = re.compile("[\u1000-\u1021]\u1037?\u103a")
_LATIN_VOWELS = frozenset("aeiouyаеёиоуыэюяіїєαεηιουω")


@lru_cache(maxsize=4096)
def syllables(text: str, language: str) -> int:
    """Syllables of a text; at least one where it has a letter."""
    from lipsync_engine.speech import espeak

    try:
        spoken = espeak.synthesize(_readable(text, language), espeak.voice_for(language))
    except (espeak.UnknownVoiceError, espeak.SpeechError):
        return _by_letters(text)
    phones = [phone.ipa for phone in spoken.phones if phone.ipa]
    found = nuclei(phones)
    if found * _FEWEST_VOWELS < len(phones):  # a voice that knows no vowels, as the one of Burmese
        return _by_letters(text)
    return max(found, int(any(letter.isalpha() for letter in text)))


def nuclei(phones: Iterable[str]) -> int:
    """Phones that carry a syllable: vowels and diphthongs, and consonants marked as syllabic."""
    return sum(any(sign in _VOWELS for sign in phone) or "\u0329" in phone for phone in phones)


def _readable(text: str, language: str) -> str:
    """Japanese in kana: of kanji eSpeak NG says that they are Chinese letters."""
    if primary(language) != "ja" or not _KANJI.search(text):
        return text
    if importlib.util.find_spec("pyopenjtalk") is None:
        return _KANJI.sub("かう", text)  # two morae, as many as most have
    from tasks.words.kana import readings

    return "、".join("".join(readings(part)) for part in re.split("[、。！？…]+", text))


def _by_letters(text: str) -> int:
    """Runs of vowels; where a script writes none (or is not known here), a syllable a letter or two."""
    plain = unicodedata.normalize("NFD", text.lower())
    runs, before = 0, False
    for letter in plain:
        vowel = letter in _LATIN_VOWELS
        runs += vowel and not before
        before = vowel or (before and unicodedata.combining(letter) > 0)
    letters = sum(letter.isalpha() for letter in plain) - len(_FINALS.findall(plain))
    return runs or letters

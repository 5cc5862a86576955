"""How many syllables a text has when it is spoken: counted in eSpeak NG's phones, in any language it speaks."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

#: Vowels of the International Phonetic Alphabet; a diphthong is one phone to eSpeak NG.
_VOWELS = frozenset("aeiouyøœæɐɑɒɔəɘɚɛɜɝɞɤɨɪɯɵɶʉʊʌʏɿʅᵻ")
_LATIN_VOWELS = frozenset("aeiouyаеёиоуыэюяіїєαεηιουω")


@lru_cache(maxsize=4096)
def syllables(text: str, language: str) -> int:
    """Syllables of a text; at least one where it has a letter."""
    from lipsync_engine import espeak

    try:
        spoken = espeak.synthesize(text, espeak.voice_for(language))
    except (espeak.UnknownVoiceError, espeak.SpeechError):
        return _by_letters(text)
    return max(nuclei(phone.ipa for phone in spoken.phones), int(any(letter.isalpha() for letter in text)))


def nuclei(phones: Iterable[str]) -> int:
    """Phones that carry a syllable: vowels and diphthongs, and consonants marked as syllabic."""
    return sum(any(sign in _VOWELS for sign in phone) or "\u0329" in phone for phone in phones)


def _by_letters(text: str) -> int:
    """Runs of vowels; where a script writes none (or is not known here), a syllable a letter or two."""
    plain = unicodedata.normalize("NFD", text.lower())
    runs, before = 0, False
    for letter in plain:
        vowel = letter in _LATIN_VOWELS
        runs += vowel and not before
        before = vowel or (before and unicodedata.combining(letter) > 0)
    letters = sum(letter.isalpha() for letter in plain)
    return runs or letters

"""Mandarin as Kokoro's symbols: pinyin by pypinyin, and each syllable with its tone as in the model's training."""

from __future__ import annotations

import re

_INITIALS = {
    "b": "p", "c": "ʦʰ", "ch": "ꭧʰ", "d": "t", "f": "f", "g": "k", "h": "x", "j": "ʨ", "k": "kʰ", "l": "l", "m": "m",
    "n": "n", "p": "pʰ", "q": "ʨʰ", "r": "ɻ", "s": "s", "sh": "ʂ", "t": "tʰ", "x": "ɕ", "z": "ʦ", "zh": "ꭧ",
}  # fmt: skip
#: 0 stands for the tone, after the vowel.
_FINALS = {
    "a": "a0", "ai": "ai0", "an": "a0n", "ang": "a0ŋ", "ao": "au0", "e": "ɤ0", "ei": "ei0", "en": "ə0n", "eng": "ə0ŋ",
    "er": "ɚ0", "i": "i0", "ia": "ja0", "ian": "jɛ0n", "iang": "ja0ŋ", "iao": "jau0", "ie": "je0", "in": "i0n",
    "ing": "i0ŋ", "io": "jɔ0", "iong": "jʊ0ŋ", "iou": "jou0", "o": "wo0", "ong": "ʊ0ŋ", "ou": "ou0", "u": "u0",
    "ua": "wa0", "uai": "wai0", "uan": "wa0n", "uang": "wa0ŋ", "uei": "wei0", "uen": "wə0n", "ueng": "wə0ŋ",
    "uo": "wo0", "v": "y0", "van": "ɥɛ0n", "ve": "ɥe0", "vn": "y0n", "ê": "ɛ0", "m": "m0", "n": "n0", "ng": "ŋ0",
}  # fmt: skip
_BUZZED = {"z", "c", "s", "zh", "ch", "sh", "r"}  # before i
_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff〇]+")


def mandarin(text: str) -> str:
    """A text of Han characters as symbols, separated by word; other characters are dropped."""
    import rjieba

    return " ".join("".join(map(_syllable, _pinyin(word))) for run in _HAN.findall(text) for word in rjieba.cut(run))


def han_parts(text: str) -> list[str]:
    """A text split into runs of Han characters and other text, starting with the latter."""
    return re.split(f"({_HAN.pattern})", text)


def _pinyin(word: str) -> list[tuple[str, str]]:
    """Initial and final of each syllable; a hum (嗯, 呣) has neither part, and is its own final."""
    from pypinyin import Style, lazy_pinyin

    initials = lazy_pinyin(word, Style.INITIALS, errors="ignore")
    finals = lazy_pinyin(word, Style.FINALS_TONE3, errors="ignore", neutral_tone_with_five=True)
    whole = lazy_pinyin(word, Style.TONE3, errors="ignore", neutral_tone_with_five=True)
    return [(initial, final or said) for initial, final, said in zip(initials, finals, whole, strict=True)]


def _syllable(pinyin: tuple[str, str]) -> str:
    initial, final, tone = pinyin[0], pinyin[1].rstrip("12345"), pinyin[1][-1:]
    sound = "ɨ0" if final == "i" and initial in _BUZZED else _FINALS.get(final, "")
    if not initial and final == "o":
        sound = "ɔ0"
    return _INITIALS.get(initial, "") + sound.replace("0", _TONES.get(tone, ""))

"""Japanese as Kokoro's symbols: kana by Open JTalk, and each kana as in the model's training."""

from __future__ import annotations

import re

from tasks.words.kana import readings

_ROWS = {
    "": "アa イi ウɯ エe オo",
    "k": "カa キʲi クɯ ケe コo",
    "ɡ": "ガa ギʲi グɯ ゲe ゴo",
    "s": "サa スɨ セe ソo",
    "ʣ": "ザa ゼe ゾo",
    "z": "ズɨ ヅɨ",
    "ɕ": "シi シェe シャa シュɨ ショo",
    "ʥ": "ジi ヂi ジェe ジャa ジュɨ ジョo ヂャa ヂュɨ ヂョo",
    "t": "タa テe トo ティʲi テュʲɨ トゥɯ",
    "d": "ダa デe ドo ディʲi デュʲɨ ドゥɯ",
    "ʨ": "チi チェe チャa チュɨ チョo",
    "ʦ": "ツɨ ツァa ツィʲi ツェe ツォo",
    "n": "ナa ヌɯ ネe ノo",
    "ɲ": "ニi ニェe ニャa ニュɨ ニョo",
    "h": "ハa ヘe ホo",
    "ç": "ヒi ヒェe ヒャa ヒュɨ ヒョo",
    "ɸ": "フɯ ファa フィʲi フェe フォo フュʲɨ フョʲo",
    "b": "バa ビʲi ブɯ ベe ボo ヴュʲɨ ヴョʲo",
    "p": "パa ピʲi プɯ ペe ポo",
    "m": "マa ミʲi ムɯ メe モo",
    "j": "ヤa ユɯ ヨo イェe",
    "ɾ": "ラa リʲi ルɯ レe ロo",
    "β": "ワa ウィi ウェe ウォo",
    "v": "ヴɯ ヴァa ヴィʲi ヴェe ヴォo",
}


def _syllables() -> dict[str, str]:
    table = {"ー": "ː", "ッ": "ʔ"}
    for onset, row in _ROWS.items():
        table |= {kana: onset + rest for kana, rest in re.findall(r"([ァ-ヺ]+)(\S+)", row)}
    for kana, onset in zip("キギビピミリ", "kɡbpmɾ", strict=True):
        table |= {kana + small: f"{onset}ʲ{vowel}" for small, vowel in zip("ャュョェ", "aɨoe", strict=True)}
    for kana, onset in (("ク", "k"), ("グ", "ɡ")):
        table |= {kana + small: f"{onset}ᵝ{vowel}" for small, vowel in zip("ァィェォ", "aieo", strict=True)}
    small = zip("ァィゥェォャュョヮヲ", ("a", "i", "ɯ", "e", "o", "ja", "jɯ", "jo", "βa", "o"), strict=True)
    return table | dict(small)


_SYLLABLES = _syllables()
#: Pronunciation of ン before a sound.
_NASALS = (("mpb", "m"), ("kɡ", "ŋ"), ("ɲʨʥ", "ɲ"), ("ntdɾz", "n"))


def japanese(text: str) -> str:
    """A text without punctuation as symbols, separated by word."""
    apart = " ".join(word for word in map(_word, readings(text)) if word)
    return re.sub(" ?ʔ ?", "ʔ", apart)


def _word(kana: str) -> str:
    syllables = re.findall("|".join(sorted(map(re.escape, _SYLLABLES), key=len, reverse=True)) + "|ン", kana)
    sounds = [_SYLLABLES.get(syllable, syllable) for syllable in syllables]
    return "".join(_nasal((*sounds, "")[index + 1]) if sound == "ン" else sound for index, sound in enumerate(sounds))


def _nasal(following: str) -> str:
    return next((nasal for onsets, nasal in _NASALS if following[:1] and following[0] in onsets), "ɴ")

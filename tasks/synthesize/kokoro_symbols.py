"""Converts a line to Kokoro's symbols, and symbols to phones for lip sync."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from configs.kokoro import kokoro

#: Single symbols for two-part sounds (as in the model).
_JOINED = {
    "a^ɪ": "I", "a^ʊ": "W", "d^z": "ʣ", "d^ʒ": "ʤ", "e^ɪ": "A", "o^ʊ": "O", "ə^ʊ": "Q", "t^s": "ʦ", "t^ʃ": "ʧ",
    "ɔ^ɪ": "Y",
}  # fmt: skip
#: English was transcribed more narrowly in training than by eSpeak NG.
_ENGLISH = {
    "ə^l": "ᵊl",
    "ɚɹ": "əɹ",
    "ɚ": "əɹ",
    "r": "ɹ",
    "x": "k",
    "ç": "k",
    "ɐ": "ə",
    "ɬ": "l",
    "ɾ": "T",
    "ʔ": "t",
    "\u0303": "",
    "e": "A",
}
_AMERICAN = {"ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɪə": "iə", "ː": ""}
_BRITISH = {"e^ə": "ɛː", "iə": "ɪə"}
#: Sounds without a symbol in the model, as the nearest symbol.
_NEAREST = str.maketrans("ʏɵʉɱʑʐɭɫʀħɦɘɓɗʍg", "yøymʒʒllʁhhəbdwɡ")
#: Symbols as phones; the others are their own IPA.
_PHONES = {
    "I": "aɪ", "W": "aʊ", "A": "eɪ", "O": "oʊ", "Q": "əʊ", "Y": "ɔɪ", "ʣ": "dz", "ʤ": "dʒ", "ʦ": "ts", "ʧ": "tʃ", 
    "ʥ": "dʑ", "ʨ": "tɕ", "ꭧ": "tʂ", "T": "ɾ", "S": "s", "ᵊ": "ə", "ᵻ": "ɪ",
}  # fmt: skip
_MARKS = re.compile(r"(\s*[;:,.!?¡¿—…\"«»“”()]+(?=\s|$|[¡¿«“(\"])\s*|[¡¿«“(\"]+)")
#: Marks of Chinese and Japanese.
_WIDE = str.maketrans(
    {
        "、": ", ",
        "，": ", ",
        "。": ". ",
        "．": ". ",
        "！": "! ",
        "？": "? ",
        "：": ": ",
        "；": "; ",
        "（": " (",
        "）": ") ",
    }
    | dict.fromkeys("「『《【", " “")
    | dict.fromkeys("」』》】", "” ")
    | dict.fromkeys("～〜", "—")
    | {"・": " "}
)
_KEPT = ';:,.!?—…"()“” '
_STRESS = {"ˈ": 2, "ˌ": 1}
_ADDED = "ːʰʲᵝ\u0303"  # part of the sound before
_TONES = "→↗↓↘"  # likewise, without effect on the lips
MOST = 510


def symbols_of(text: str, read: Callable[[str], str], english: str, ipa: Sequence[tuple[int, int, str]] = ()) -> str:
    """A text as symbols of the model.

    Args:
        text: the line.
        read: converts text between punctuation to IPA or symbols.
        english: ``"us"`` or ``"gb"``; empty for other languages.
        ipa: spans of the text (first character, last exclusive) with their pronunciation.
    """
    made, at = "", 0
    for start, end, sounds in (*ipa, (len(text), len(text), "")):
        for part in _MARKS.split(text[at:start].translate(_WIDE)):
            if not part or _MARKS.fullmatch(part):
                made += _mark(part)
            else:
                gap = " " if part[:1].isspace() and made else ""
                made += gap + written(read(part), english) + (" " if part[-1:].isspace() else "")
        made += written(_tied(sounds.strip("/[] ")), english)
        at = end
    known = kokoro().symbols
    return re.sub(" +", " ", "".join(symbol for symbol in made if symbol in known)).strip()


def _mark(part: str) -> str:
    kept = "".join({"«": "“", "»": "”"}.get(mark, mark) for mark in part if mark not in "¡¿")
    return "".join(mark if mark in _KEPT else " " for mark in kept)


def _tied(sounds: str) -> str:
    """IPA with normalised tie bars."""
    bare = sounds.replace("͡", "")
    return re.sub("|".join(pair.replace("^", "") for pair in _JOINED), lambda two: "^".join(two[0]), bare)


def written(sounds: str, english: str) -> str:
    """IPA with tie bars as symbols."""
    tables = [_JOINED]
    if english:
        tables += [_ENGLISH, _BRITISH if english == "gb" else _AMERICAN]
    for table in tables:
        for old in sorted(table, key=len, reverse=True):
            sounds = sounds.replace(old, table[old])
    return sounds.replace("^", "").replace("-", "").translate(_NEAREST)


def pieces(symbols: str) -> Iterator[str]:
    """Parts within the model's maximum length, cut at a pause if there is one."""
    while len(symbols) > MOST:
        head = symbols[:MOST]
        cut = max(head.rfind(mark) for mark in ".!?;:,") + 1 or head.rfind(" ") + 1 or MOST
        yield symbols[:cut].strip()
        symbols = symbols[cut:].strip()
    yield symbols


def spoken(symbols: str) -> bool:
    """Whether the symbols contain any sound."""
    return any(symbol not in _KEPT for symbol in symbols)


#: IPA (empty for silence), first and last (exclusive) unit of 25 ms, stress.
Timed = tuple[str, float, float, int]


def phones_of(symbols: str, units: Sequence[float]) -> list[Timed]:
    """The phones of a part on its own clock.

    A stress mark belongs to the sound after it, a length mark to the one before; a gap between words is split between
    both sides, a gap with punctuation is silence, as are the ends.

    Args:
        symbols: of the part.
        units: durations of the start, each symbol and the end.
    """
    found: list[Timed] = [("", 0.0, units[0], 0)]
    at, owed, stress = units[0], 0.0, 0
    for index, symbol in enumerate(symbols):
        length = units[index + 1]
        begin, at = at, at + length
        if symbol in _STRESS:
            owed, stress = owed + length, _STRESS[symbol]
        elif symbol in _ADDED or ((symbol in _TONES or symbol == " ") and found[-1][0]):
            ipa, start, _, loud = found[-1]
            half = length / 2 if symbol == " " else length
            found[-1] = (ipa + (symbol if symbol in _ADDED else ""), start, begin + half, loud)
            owed += length - half
        elif symbol in _KEPT:
            ipa, start, end, loud = found[-1]
            found = [*found[:-1], ("", start, at, 0)] if not ipa else [*found, ("", end, at, 0)]
            owed = 0.0
        else:
            found.append((_PHONES.get(symbol, symbol), begin - owed, at, stress))
            owed, stress = 0.0, 0
    if not found[-1][0]:
        found[-1] = ("", found[-1][1], at + units[-1], 0)
    else:
        found.append(("", found[-1][2], at + units[-1], 0))
    return found

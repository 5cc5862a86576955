"""From IPA to what the lips and the jaw do, for any language.

A symbol is read as features (place, manner, height, backness, rounding) from the IPA chart, and the
features give the target; there is no table per language. What cannot be seen (tone, voicing, aspiration,
nasality) changes nothing. Target values are engineering values in fractions of the speaker's range, in line
with the published viseme tables of Azure, Amazon Polly and JALI (Edwards et al. 2016).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from lipsync_engine.records import Phone

Contact = Literal["", "closure", "labiodental"]


@dataclass(frozen=True, slots=True)
class Features:
    """A speech sound as the IPA chart describes it.

    Attributes:
        place: ``"vowel"``, or a consonant's place (``"bilabial"``, ``"labiodental"``, ``"dental"``,
            ``"alveolar"``, ``"sibilant"``, ``"postalveolar"``, ``"rhotic"``, ``"palatal"``,
            ``"labial-velar"``, ``"back"``).
        manner: ``"stop"`` for a full closure (nasals and clicks included), else ``"open"``.
        height: vowels, 0 close to 1 open.
        front: vowels, 0 back to 1 front.
        rounded: the lips are rounded.
        known: False where the symbol was not on the chart and stands for its nearest.
        devoiced: a whispered vowel (Japanese [i̥ ɯ̥]), which opens little and gives way to its neighbours.
    """

    place: str
    manner: str = "open"
    height: float = 0.0
    front: float = 0.5
    rounded: bool = False
    known: bool = True
    devoiced: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What one sound asks of the mouth.

    Attributes:
        aperture: 0 at the speaker's bilabial closure, 1 at the widest open vowel.
        width: -1 narrowest to 1 widest lip corners.
        rounding: 0 to 1, lips protruded.
        jaw: 0 to 1.
        lip_weight: how much the sound insists on its lip targets against its neighbours, 0 to 1.
        jaw_weight: the same for the jaw.
        contact: a hard constraint: ``"closure"`` (lips touch) or ``"labiodental"`` (lower lip to upper
            teeth).
        lip_heavy: protruded sounds that start early and end late.
    """

    aperture: float
    width: float
    rounding: float
    jaw: float
    lip_weight: float
    jaw_weight: float
    contact: Contact = ""
    lip_heavy: bool = False


_PLACES = {
    "bilabial": "p b m ɓ ʘ ɸ β ʙ",
    "labiodental": "f v ɱ ʋ ⱱ",
    "dental": "θ ð ǀ",
    "sibilant": "s z",
    "postalveolar": "ʃ ʒ ɕ ʑ ʂ ʐ ɧ",
    "alveolar": "t d n l ɾ r ɖ ʈ ɳ ɭ ɽ ɺ ɗ ɬ ɮ ɫ ǃ ǁ ǂ",
    "rhotic": "ɹ ɻ",
    "palatal": "j ɲ c ɟ ʎ ç ʝ ʄ",
    "labial-velar": "w ʍ ɥ",
    "back": "k ɡ g ŋ x ɣ q ɢ ɴ χ ʁ ʀ ħ ʕ ʜ ʢ ʡ h ɦ ʔ ɰ ɠ ʛ ʟ",
}
_OPEN_BILABIALS = "ɸβʙ"
# Vowels: height 0 (close) to 1 (open), front 0 to 1, then the rounded ones of the chart.
_VOWELS = {
    "i": (0.0, 1.0), "y": (0.0, 1.0), "ɨ": (0.0, 0.5), "ʉ": (0.0, 0.5), "ɯ": (0.0, 0.0), "u": (0.0, 0.0),
    "ɪ": (0.17, 0.8), "ʏ": (0.17, 0.8), "ᵻ": (0.17, 0.5), "ᵿ": (0.17, 0.4), "ʊ": (0.17, 0.2),
    "e": (0.33, 1.0), "ø": (0.33, 1.0), "ɘ": (0.33, 0.5), "ɵ": (0.33, 0.5), "ɤ": (0.33, 0.0),
    "o": (0.33, 0.0), "ə": (0.45, 0.5), "ɚ": (0.45, 0.5), "ɛ": (0.6, 1.0), "œ": (0.6, 1.0), "ɜ": (0.55, 0.5),
    "ɝ": (0.5, 0.5), "ɞ": (0.6, 0.5), "ʌ": (0.65, 0.2), "ɔ": (0.67, 0.0), "æ": (0.83, 1.0), "ɐ": (0.83, 0.5),
    "a": (0.95, 0.7), "ɶ": (0.95, 1.0), "ɑ": (1.0, 0.0), "ɒ": (0.9, 0.0),
}  # fmt: skip
_ROUNDED = "yʉuʏʊøɵoœɞɔɶɒᵿ"
# eSpeak NG leaves some of its ASCII names in its IPA; letters that Unicode has twice.
_SPELLINGS = {
    "S": "ʃ", "Z": "ʒ", "X": "χ", "A": "ɑ", "E": "ɛ", "O": "ɔ", "I": "ɪ", "U": "ʊ", "N": "ŋ", "T": "θ",
    "D": "ð", "R": "ʁ", "Q": "ɣ", "H": "ħ", "W": "ʍ", "?": "ʔ", "@": "ə", "3": "ɜ", "0": "ɒ", "Φ": "ɸ",
    "φ": "ɸ", "ε": "ɛ", "γ": "ɣ", "ɩ": "ɪ", "ɷ": "ʊ", "ʆ": "ɕ", "ʓ": "ʑ", "ʦ": "ts", "ʣ": "dz",
    "ʧ": "tʃ", "ʤ": "dʒ", "ʨ": "tɕ",
    "ʥ": "dʑ", "ʼ": "", "ᵝ": "",
}  # fmt: skip
# Retroflex sibilants of Mandarin in eSpeak NG's way of writing, and its syllabic vowel after them.
_DIGRAPHS = {"s.": "ʂ", "z.": "ʐ", "i.": "ɨ", "i[": "ɨ"}
_DEVOICED = {"\u0325", "\u030a"}
_MODIFIERS = set("ːˑˈˌʰʱʲˠˤⁿˡ˞ʴ˥˦˧˨˩.,:;^`#\"'-_~=![]()|‖↗↘ 12456789")
_ROUNDING_MODIFIERS = {"ʷ", "\u0339", "\u0361w"}
_TIE = "\u0361"


def _chart() -> dict[str, Features]:
    chart = {
        symbol: Features("vowel", "open", height, front, symbol in _ROUNDED)
        for symbol, (height, front) in _VOWELS.items()
    }
    for place, symbols in _PLACES.items():
        for symbol in symbols.split():
            stop = place == "bilabial" and symbol not in _OPEN_BILABIALS
            chart[symbol] = Features(place, "stop" if stop else "open", rounded=place == "labial-velar")
    return chart


_CHART = _chart()


@lru_cache(maxsize=4096)
def segments(ipa: str) -> tuple[Features, ...]:
    """Read an IPA string as its successive sounds: affricates are one, a diphthong is two.

    A symbol that is not on the chart stands for its nearest (its base letter, else a neutral vowel), with
    ``known`` False. Marks that change nothing visible are skipped.
    """
    for written, symbol in _DIGRAPHS.items():
        ipa = ipa.replace(written, symbol)
    text = unicodedata.normalize("NFD", "".join(_SPELLINGS.get(c, c) for c in ipa))
    found: list[Features] = []
    for symbol in text:
        if symbol in _CHART:
            found.append(_CHART[symbol])
        elif symbol in _ROUNDING_MODIFIERS and found:
            found[-1] = replace(found[-1], rounded=True)
        elif symbol in _DEVOICED and found and found[-1].place == "vowel":
            found[-1] = replace(found[-1], devoiced=True)
        elif symbol in _MODIFIERS or unicodedata.category(symbol) in ("Mn", "Sk", "Cf", "No", "Lm"):
            continue
        else:
            found.append(_nearest(symbol))
    return _fused(found)


def _nearest(symbol: str) -> Features:
    """The sound of the letter that an unknown symbol is built on ("LATIN SMALL LETTER T WITH CURL" -> t)."""
    words = unicodedata.name(symbol, "").split()
    letter = words[words.index("LETTER") + 1].lower() if "LETTER" in words[:-1] else ""
    return replace(_CHART.get(letter, _CHART["ə"]), known=False)


def _fused(sounds: list[Features]) -> tuple[Features, ...]:
    """Join what one gesture makes: stop + fricative (t͡ʃ, p͡f), and the double stops k͡p, ɡ͡b."""
    fused: list[Features] = []
    for sound in sounds:
        before = fused[-1].place if fused else ""
        after_coronal = before == "alveolar" and sound.place in ("sibilant", "postalveolar")
        after_velar = before == "back" and sound.place in ("bilabial", "labial-velar")
        if after_coronal or after_velar:
            fused[-1] = replace(sound, known=sound.known and fused[-1].known)
        else:
            fused.append(sound)
    return tuple(fused)


def target(sound: Features) -> Target:
    """The mouth's target for one sound."""
    if sound.place == "vowel":
        return _whispered(_vowel(sound)) if sound.devoiced else _vowel(sound)
    if sound.place == "bilabial" and sound.manner == "open":
        return Target(0.08, -0.1, 0.2, 0.10, 0.9, 0.3)
    consonant = _CONSONANTS[sound.place]
    if sound.rounded and not consonant.lip_heavy:
        return replace(consonant, width=-0.4, rounding=0.8, lip_weight=max(consonant.lip_weight, 0.6), lip_heavy=True)
    return consonant


_CONSONANTS = {
    "bilabial": Target(0.0, 0.0, 0.0, 0.10, 1.0, 0.4, contact="closure"),
    "labiodental": Target(0.10, 0.1, 0.0, 0.12, 0.9, 0.4, contact="labiodental"),
    "dental": Target(0.20, 0.1, 0.0, 0.20, 0.5, 0.3),
    "sibilant": Target(0.15, 0.25, 0.0, 0.08, 0.45, 0.9),
    "postalveolar": Target(0.22, -0.2, 0.6, 0.10, 0.8, 0.9, lip_heavy=True),
    "alveolar": Target(0.25, 0.0, 0.0, 0.20, 0.12, 0.2),
    "rhotic": Target(0.22, -0.1, 0.45, 0.20, 0.55, 0.3),
    "palatal": Target(0.22, 0.35, 0.0, 0.15, 0.35, 0.3),
    "labial-velar": Target(0.10, -0.5, 1.0, 0.12, 0.9, 0.3, lip_heavy=True),
    "back": Target(0.30, 0.0, 0.0, 0.30, 0.06, 0.08),
}


def _vowel(sound: Features) -> Target:
    """Vowel targets: aperture and jaw grow with height, width with frontness, and rounding narrows both."""
    height = sound.height
    if sound.rounded:
        rounding = 1.0 - 0.55 * height
        return Target(
            aperture=0.18 + 0.62 * height**1.1,
            width=-0.65 + 0.45 * height,
            rounding=rounding,
            jaw=0.18 + 0.68 * height,
            lip_weight=0.9 - 0.2 * height,
            jaw_weight=0.4 + 0.3 * height,
            lip_heavy=height < 0.5,
        )
    central = 0.3 < height < 0.7 and 0.1 < sound.front < 0.9
    spread = 0.7 * max(0.0, sound.front - 0.3) / 0.7 * (1.0 - 0.65 * height)
    return Target(
        aperture=0.25 + 0.75 * height**1.7,
        width=spread,
        rounding=0.0,
        jaw=0.15 + 0.85 * height**1.5,
        lip_weight=0.3 if central else 0.6,
        jaw_weight=0.4 if central else 0.6 + 0.2 * height,
    )


def _whispered(goal: Target) -> Target:
    """A devoiced vowel: little jaw, and its neighbours have their way."""
    return replace(
        goal, aperture=0.7 * goal.aperture, jaw=0.6 * goal.jaw, lip_weight=0.5 * goal.lip_weight, jaw_weight=0.2
    )


def stressed(goal: Target, stress: int, marked: bool) -> Target:
    """A vowel's target under its stress: 1.1 primary, 1.0 secondary, 0.8 unstressed.

    Args:
        goal: the vowel's full target.
        stress: 0, 1 or 2.
        marked: whether the timeline marks stress at all; if not, nothing is reduced.
    """
    if not marked:
        return goal
    size = {0: 0.8, 1: 1.0, 2: 1.1}[stress]
    return replace(goal, aperture=goal.aperture * size, jaw=goal.jaw * size, width=goal.width * (size + 1) / 2)


def unknown_symbols(phones: Iterable[Phone]) -> Counter[str]:
    """How often each phone symbol occurs that `segments` had to approximate; empty if all are known."""
    return Counter(p.ipa for p in phones if p.ipa and not all(s.known for s in segments(p.ipa)))

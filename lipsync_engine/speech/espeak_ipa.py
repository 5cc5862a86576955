"""IPA for eSpeak NG, which takes its own phoneme names: which of a voice's phonemes sounds like which symbol.

There is no table of that in the library, so each phoneme of its data is spoken once a voice and its IPA read back.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from lipsync_engine.speech import libespeak

_STRESS = {"ˈ": "'", "ˌ": ","}
_IGNORED = dict.fromkeys(
    map(ord, "/[]. ‿\u0361\u035c")
)  # slashes, brackets, syllable ends and tie bars say nothing here
#: A phoneme is tried between vowels, between consonants and alone: many change at a word's end.
_SURROUNDINGS = (("a|", "|a"), ("p|", "|t"), ("", ""))
_ENTRY = 16  # bytes of a phoneme in ``phontab``; its name is the first four
_HEADER = 36  # bytes of a table's header: count, included table, two spare, name of 32


class UnknownSoundError(ValueError):
    """A symbol of the IPA is no sound of the voice."""


def with_sounds(text: str, sounds: Sequence[tuple[int, int, str]], voice: str) -> str:
    """The text with eSpeak's phonemes in double brackets in place of some of its words.

    Args:
        text: plain text; double brackets of its own are taken apart.
        sounds: first character, last character (exclusive) and IPA, in order, not overlapping.
        voice: a voice identifier.

    Raises:
        UnknownSoundError: as `phonemes`.
    """
    parts: list[str] = []
    at = 0
    for start, end, ipa in sounds:
        parts += [_plain(text[at:start]), f"[[{phonemes(ipa, voice)}]]"]
        at = end
    return "".join([*parts, _plain(text[at:])])


def _plain(text: str) -> str:
    return text.replace("[[", "[ [").replace("]]", "] ]")


def phonemes(ipa: str, voice: str) -> str:
    """The IPA as names of the voice's phonemes.

    A symbol that is unknown with its length mark or diacritic is tried without.

    Raises:
        UnknownSoundError: names the symbol, and the sounds that the voice has.
    """
    known = _sounds(voice.partition("+")[0])
    longest = max(map(len, known), default=1)
    left = unicodedata.normalize("NFC", ipa).translate(_IGNORED).replace("g", "ɡ").replace(":", "ː")
    names: list[str] = []
    while left:
        if left[0] in _STRESS:
            names.append(_STRESS[left[0]])
            left = left[1:]
            continue
        size = next((size for size in range(min(longest, len(left)), 0, -1) if left[:size] in known), 0)
        if size:
            names.append(known[left[:size]])
        elif not names or not (left[0] == "ː" or unicodedata.combining(left[0])):
            raise UnknownSoundError(f"{voice} has no sound {left[0]!r} (of {ipa!r}); it has {' '.join(sorted(known))}")
        left = left[size or 1 :]
    return "".join(_apart(names))


def _apart(names: list[str]) -> Iterator[str]:
    """Names that would read as another one when they touch are kept apart by eSpeak's separator."""
    for index, name in enumerate(names):
        yield name
        if index + 1 < len(names) and name not in _STRESS.values():
            yield "|"


@lru_cache(maxsize=16)
def _sounds(voice: str) -> dict[str, str]:
    """IPA to the shortest name that says it, in the first of the surroundings in which one does."""
    heard: list[tuple[int, int, str, str]] = []
    with libespeak.loaded() as (library, _):
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            return {}
        for name in _names():
            for rank, (before, after) in enumerate(_SURROUNDINGS):
                _, marks = libespeak.speak(library, f"[[{before}{name}{after}]]", phonemes=True)
                symbols = [mark.symbol for mark in marks if mark.kind == libespeak.EVENT_PHONEME and mark.symbol]
                ipa = symbols[bool(before)].lstrip("ˈˌ") if len(symbols) == 1 + bool(before) + bool(after) else ""
                if ipa and not ipa.isdigit():
                    heard.append((rank, len(name), name, unicodedata.normalize("NFC", ipa)))
    found: dict[str, str] = {}
    for _rank, _length, name, ipa in sorted(heard):
        found.setdefault(ipa, name)
    return found


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    """Every phoneme name in eSpeak's data, of whatever language."""
    data = (libespeak.data_path() / "phontab").read_bytes()
    names: set[str] = set()
    at = 4
    for _ in range(data[0]):
        count = data[at]
        at += _HEADER
        for _ in range(count):
            names.add(data[at : at + 4].split(b"\0")[0].decode("latin-1"))
            at += _ENTRY
    return frozenset(
        name for name in names if name.isascii() and name.isprintable() and name and name[0] not in "_'[]|,"
    )

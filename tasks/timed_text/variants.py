"""Scripts of the variants: for the deaf and hard of hearing, and of the words in the picture alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tasks.records.script import Line, Passage, Script
from tasks.words.spacing import one_row

_NOTES = "♩♪♫♬🎵🎶"
_MARKS = re.compile(r"[\[\](){}*（）［］【】〔〕]|(?<!\w)#|#(?!\w)")
#: Texts in the dub's language, in the order of those that are handed over.
Translate = Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True)
class _Sound:
    passage: Passage
    words: str
    sung: bool

    def shown(self, words: str) -> str:
        if self.sung:
            return f"♪ {words} ♪" if words else "♪"
        return f"[{words}]"


def for_the_deaf(dub: Script, source: Sequence[Passage], translate: Translate) -> Script:
    """A dub's script with the sounds and songs of the source, and who speaks where that changes.

    Lines that the dub leaves in the original, because they are in its language already, are shown too.

    Args:
        dub: its script.
        source: sounds and songs as the source's subtitles have them.
        translate: brings their words into the dub's language.
    """
    sounds = [_sound(passage) for passage in source]
    worded = [sound for sound in sounds if sound.words]
    words = iter(translate([sound.words for sound in worded]))
    shown = [sound.shown(next(words) if sound.words else "") for sound in sounds if sound.words or sound.sung]
    passages = [sound.passage for sound in sounds if sound.words or sound.sung]
    known = set(source)
    there = [passage for passage in dub.kept if passage not in known]
    first = max((line.id for line in dub.lines), default=-1) + 1
    added = [
        Line(id=number, start_ms=passage.start_ms, end_ms=passage.end_ms, text=text)
        for number, (passage, text) in enumerate(
            [*zip(passages, shown, strict=True), *((one, one.text) for one in there)], start=first
        )
    ]
    lines = sorted((*_named(dub.lines), *added), key=lambda line: (line.start_ms, line.id))
    return dub.model_copy(update={"lines": tuple(lines), "kept": ()})


def on_screen(language: str, signs: Iterable[Passage], translate: Translate) -> Script:
    """A script of the words in the picture, in the dub's language.

    Args:
        language: BCP-47 tag of it.
        signs: as the source has them.
        translate: brings their words into that language.
    """
    shown = [sign for sign in signs if sign.text.strip()]
    texts = translate([one_row(sign.text) for sign in shown])
    lines = (
        Line(id=number, start_ms=sign.start_ms, end_ms=sign.end_ms, text=text)
        for number, (sign, text) in enumerate(zip(shown, texts, strict=True))
    )
    return Script(language=language, lines=tuple(lines))


def _sound(passage: Passage) -> _Sound:
    sung = any(note in passage.text for note in _NOTES) or passage.text.lstrip().startswith("#")
    bare = "".join(" " if sign in _NOTES else sign for sign in passage.text)
    words = " ".join(_MARKS.sub(" ", bare).split())
    return _Sound(passage, words.lower() if words.isupper() and not sung else words, sung)


def _named(lines: Sequence[Line]) -> Iterable[Line]:
    """Lines with their speaker's name in front, where it is known and another spoke before."""
    before = ""
    for line in lines:
        names = line.named and line.speaker != before
        before = line.speaker
        yield line.model_copy(update={"text": f"[{line.speaker}] {line.text}"}) if names and line.text else line


def names_nobody(dub: Script, source: Sequence[Passage]) -> bool:
    """Whether nothing is known that a variant for the deaf would add."""
    return not source and not any(line.named for line in dub.lines)


def chosen_signs(found: Mapping[str, Sequence[Passage]], language: str, source: str) -> tuple[Sequence[Passage], bool]:
    """The words in the picture that serve a language, and whether they must be translated.

    Args:
        found: by language; empty for the source's.
        language: of the dub.
        source: of the title.
    """
    if own := found.get(language):
        return own, False
    return found.get(source) or found.get("") or (), True

"""Which installed fonts hold the letters of a text: asked of fontconfig before anything is drawn.

A letter that no font has would be drawn as a box; libass takes those that the first font lacks from others.
"""

from __future__ import annotations

import shutil
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from configs.subtitle_fonts import fonts_of
from tasks.machine import process
from tasks.records.errors import MissingBackendError


@dataclass(frozen=True)
class Font:
    """An installed font: its family, and the letters that it has, as (first, last) code points in order."""

    family: str
    letters: tuple[tuple[int, int], ...]

    def has(self, letter: str) -> bool:
        """Whether it can draw a letter."""
        place = bisect_right(self.letters, (ord(letter), 0x110000)) - 1
        return place >= 0 and self.letters[place][0] <= ord(letter) <= self.letters[place][1]


def family_for(language: str, text: str = "") -> tuple[str, float]:
    """The family in which a language is drawn: the first installed one of its script, else one that has most of a text.

    Beside it the factor of its letters' size, for scripts to look equally large.

    Args:
        language: BCP-47 tag.
        text: that is drawn.

    Raises:
        MissingBackendError: as `installed`.
    """
    there = {font.family for font in installed()}
    wanted = fonts_of(language)
    if wanted and (found := next((family for family in wanted.families if family in there), None)):
        return found, wanted.families[found]
    letters = drawn(text)
    plain = sorted((font for font in installed() if "Mono" not in font.family), key=lambda font: font.family)
    best = max(plain, key=lambda font: sum(map(font.has, letters)), default=None)
    return best.family if best else "sans-serif", 1.0


def undrawable(text: str) -> str:
    """The letters of a text that no installed font has, each once, in order.

    Raises:
        MissingBackendError: as `installed`.
    """
    fonts = installed()
    return "".join(letter for letter in drawn(text) if not any(font.has(letter) for font in fonts))


def drawn(text: str) -> str:
    """The letters of a text that are drawn, each once."""
    shown = (one for one in text if unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp"))
    return "".join(dict.fromkeys(one for one in shown if not "\ufe00" <= one <= "\ufe0f"))


def missing_fonts(language: str) -> str:
    """What to install before a language can be drawn; empty where it can, or where only its words can say."""
    wanted = fonts_of(language)
    return wanted.package if wanted and undrawable(wanted.letters) else ""


@cache
def installed() -> tuple[Font, ...]:
    """The fonts of this machine.

    Raises:
        MissingBackendError: fontconfig's programs are not installed.
    """
    if shutil.which("fc-list") is None:
        raise MissingBackendError("The program fc-list is not installed.", "`apt-get install fontconfig`.")
    said = process.capture(["fc-list", "--format", "%{family[0]}\t%{charset}\n"], deadline_s=60).decode(
        "utf-8", "replace"
    )
    rows = (row.split("\t") for row in said.splitlines() if "\t" in row)
    return tuple(Font(family, tuple(sorted(_ranges(charset.split())))) for family, charset in rows)


def _ranges(parts: Iterable[str]) -> Iterable[tuple[int, int]]:
    for part in parts:
        first, _, last = part.partition("-")
        yield int(first, 16), int(last or first, 16)

"""Where words are apart, and where a text may be broken: one rule for languages written with and without spaces.

The script of each sign decides, not the language: in Chinese, Japanese, Thai, Lao, Khmer and Burmese no space stands
between words, and the Latin words among them keep their own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

#: Han, kana and bopomofo with their marks, full-width forms included.
_EAST_ASIAN = (
    "\u2e80-\u2fdf\u3000-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff9f\U00020000-\U0003ffff"
)
#: Thai, Lao, Burmese and Khmer, which put spaces between phrases.
_SOUTHEAST_ASIAN = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f"
_SPACELESS = re.compile(f"[{_EAST_ASIAN}{_SOUTHEAST_ASIAN}]")
_EAST_SPACE = re.compile(f"(?<=[{_EAST_ASIAN}]) (?=[{_EAST_ASIAN}])")

#: What ends a sentence, and what a clause, in any script.
SENTENCE_END = frozenset(".!?…。．｡！？؟।॥۔។៕။")
CLAUSE_END = frozenset(",;:—–、，､；：،؛၊៖")

# Kinsoku (JIS X 4051) and its like: what may not begin a row, and what may not end one.
_CLOSING = frozenset(")]»”’」』）】》〉〕")
_NOT_FIRST = SENTENCE_END | CLAUSE_END | _CLOSING | frozenset("・ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々ゝゞ")
_NOT_LAST = frozenset("(「『（【《〈〔[«“‘")
#: Vowels that are written behind their consonant, and those in front of it; signs that put the next letter below.
_BEHIND = frozenset("ะาำๅๆฯະາຳຽໆຯ")
_BEFORE = frozenset("เแโใไເແໂໃໄ")
_STACKING = frozenset("\u17d2\u1039")
#: A Burmese consonant that only closes the syllable before it.
_FINAL = re.compile("[\u1000-\u1021]\u1037?[\u103a\u1039]")
_LATIN_RUN = re.compile(r"[0-9A-Za-z\u00c0-\u024f]+(?:['’.,-][0-9A-Za-z\u00c0-\u024f]+)*")


def spaceless(sign: str) -> bool:
    """Whether a sign belongs to a script that is written without spaces between words."""
    return _SPACELESS.match(sign) is not None


def joined(parts: Iterable[str]) -> str:
    """Rows, or words that bring no spaces, as one row: one space between two, none beside a script without spaces."""
    text = ""
    for part in (part.strip() for part in parts):
        gap = " " if text and part and not spaceless(text[-1]) and not spaceless(part[0]) else ""
        text += gap + part
    return text


def as_heard(words: Sequence[str]) -> str:
    """Words as a recogniser gives them as one row, with its own spaces where it writes any.

    Those between Chinese or Japanese signs are pauses, and left out.
    """
    if not own_spaces(words):
        return joined(words)
    return _EAST_SPACE.sub("", " ".join("".join(words).split()))


def own_spaces(words: Sequence[str]) -> bool:
    """Whether words bring the spaces that belong between them, as parts of words and single letters do."""
    return any(word[:1].isspace() or word[-1:].isspace() or any(map(spaceless, word)) for word in words)


def one_row(text: str) -> str:
    """A text on several rows as one, without needless white space."""
    return joined(" ".join(row.split()) for row in text.splitlines() if row.strip())


def atoms(text: str) -> list[str]:
    """The words of a text, and where none are apart the least pieces that may stand on rows of their own."""
    return [unit for word in text.split() for unit in (units(word) if _SPACELESS.search(word) else (word,))]


def same_signs(one: str, other: str) -> bool:
    """Whether two texts differ in nothing but white space."""
    return "".join(one.split()) == "".join(other.split())


def units(word: str) -> Iterator[str]:
    """What is never broken, in order: runs of Latin letters, and elsewhere letters with the marks that hang on them."""
    unit, position = "", 0
    while position < len(word):
        run = _LATIN_RUN.match(word, position)
        piece = run.group() if run else word[position]
        if unit and breakable(unit, word[position:]):
            yield unit
            unit = ""
        unit += piece
        position += len(piece)
    if unit:
        yield unit


def breakable(before: str, after: str) -> bool:
    """Whether a text without spaces may be broken between its parts, of which neither is empty."""
    last, first = before[-1], after[0]
    hangs = unicodedata.category(first) in ("Mn", "Me", "Mc", "Cf") or first in _BEHIND or bool(_FINAL.match(after))
    return not hangs and first not in _NOT_FIRST and last not in _NOT_LAST | _BEFORE | _STACKING

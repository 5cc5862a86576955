"""The glossary of a title or a studio: names that stay, and terms with their translations in every language.

YAML::

    keep: [Polydub, Jordi Mas]
    terms:
      - {en: mouth, es: boca, fr: bouche}

CSV: a column for each language, a row for each term; a row with one filled cell is a name that stays::

    en,es,fr
    mouth,boca,bouche
    Polydub,,
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from configs.languages import LanguageError, parse_language, primary
from tasks.records.errors import BadInputError
from tasks.translate import Term
from tasks.translate.tbx import read_tbx, write_tbx

#: Invented capitalised words: translators treat them as names and leave them unchanged.
_PLACEHOLDER = "Zq{}x"
_LARGEST_TBX = 50_000_000  # bytes
_DIGITS = "abdefghijk"


@dataclass(frozen=True)
class Glossary:
    """Names that stay in every language, and terms by language tag."""

    keep: tuple[str, ...] = ()
    terms: tuple[Mapping[str, str], ...] = ()

    def pairs(self, source: str, target: str) -> tuple[Term, ...]:
        """The terms of one language pair, the longest source first; exact tags take precedence over plain ones."""
        found = {word: Term(word, word) for word in self.keep}
        for entry in self.terms:
            here, there = _in(entry, source), _in(entry, target)
            if here and there:
                found[here] = Term(here, there)
        return tuple(sorted(found.values(), key=lambda term: (-len(term.source), term.source)))


def read_glossary(path: Path) -> Glossary:
    """Read a ``.yaml``, ``.csv`` or ``.tbx`` glossary.

    Raises:
        BadInputError: missing, not readable, or not a glossary; names the file and the entry.
    """
    try:
        if path.suffix.lower() == ".tbx":
            return _from_tbx(path)
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"The glossary {path} cannot be read: {getattr(error, 'strerror', None) or error}.",
            "Check translate.glossary.",
        ) from error
    if path.suffix.lower() == ".csv":
        return _from_csv(text, path)
    try:
        values = yaml.safe_load(text) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInputError(f"The glossary {path} is not valid YAML: {' '.join(str(error).split())}.") from error
    keep, terms = (values.get("keep") or [], values.get("terms") or []) if isinstance(values, dict) else (None, None)
    if not isinstance(keep, list) or not isinstance(terms, list) or set(values) - {"keep", "terms"}:
        raise _not_one(path, "it must have the lists `keep` and `terms`")
    if bad := [word for word in keep if not isinstance(word, str) or not word.strip()]:
        raise _not_one(path, f"`keep` has {bad[0]!r}, which is not a word")
    return Glossary(tuple(word.strip() for word in keep), tuple(_entry(term, path) for term in terms))


def matching(terms: Iterable[Term], text: str) -> tuple[Term, ...]:
    """The terms that occur in a source text as whole words, in any case."""
    return tuple(term for term in terms if _pattern(term.source).search(text))


def violated(terms: Iterable[Term], source: str, answer: str) -> tuple[Term, ...]:
    """The terms of a source text that are missing in its translation.

    Args:
        terms: the glossary's terms.
        source: the source text.
        answer: its translation.
    """
    return tuple(term for term in matching(terms, source) if not _pattern(term.target).search(answer))


def protect(text: str, terms: Sequence[Term]) -> str:
    """The text with a placeholder name for every term."""
    for number, term in enumerate(terms):
        text = _pattern(term.source).sub(_placeholder(number), text)
    return text


def restore(text: str, terms: Sequence[Term]) -> str:
    """The translated text with the terms' translations for the placeholder names."""
    for number, term in reversed(list(enumerate(terms))):
        text = re.sub(re.escape(_placeholder(number)), lambda _: term.target, text, flags=re.IGNORECASE)  # noqa: B023
    return text


def _placeholder(number: int) -> str:
    return _PLACEHOLDER.format("".join(_DIGITS[int(digit)] for digit in str(number)))


def _pattern(word: str) -> re.Pattern[str]:
    """A pattern of whole words, without boundaries in scripts without spaces such as Chinese or Thai."""
    left = r"(?<![^\W\d_])" if word[0].isalpha() and not _unspaced(word[0]) else ""
    right = r"(?![^\W\d_])" if word[-1].isalpha() and not _unspaced(word[-1]) else ""
    return re.compile(left + r"\s+".join(map(re.escape, word.split())) + right, re.IGNORECASE)


def _unspaced(letter: str) -> bool:
    code = ord(letter)
    return 0x0E00 <= code <= 0x0EFF or 0x1000 <= code <= 0x109F or 0x1780 <= code <= 0x17FF or 0x3040 <= code <= 0xD7AF


def _in(entry: Mapping[str, str], language: str) -> str:
    return entry.get(language) or entry.get(primary(language)) or ""


def _from_csv(text: str, path: Path) -> Glossary:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise _not_one(path, f"row {reader.line_num}: {error}; check for an unclosed quote") from error
    keep: list[str] = []
    terms: list[Mapping[str, str]] = []
    for number, row in enumerate(rows, 2):
        if None in row:
            raise _not_one(path, f"row {number} has more cells than the header")
        filled = {language: cell.strip() for language, cell in row.items() if cell and cell.strip()}
        if len(filled) == 1:
            keep.extend(filled.values())
        elif filled:
            terms.append(_entry(filled, path))
    return Glossary(tuple(keep), tuple(terms))


def write_glossary(glossary: Glossary, path: Path) -> bytes:
    """A glossary as the file of that name has it: ``.yaml``, ``.csv`` or ``.tbx``.

    Raises:
        BadInputError: its name ends otherwise.
    """
    terms = [dict(entry) for entry in glossary.terms]
    suffix = path.suffix.lower()
    if suffix == ".tbx":
        return write_tbx(glossary.keep, terms)
    if suffix in (".yaml", ".yml"):
        content = {"keep": list(glossary.keep), "terms": terms}
        return yaml.safe_dump(content, allow_unicode=True, sort_keys=False).encode()
    if suffix != ".csv":
        raise BadInputError(
            f"{path} is no glossary: its name ends in {suffix or 'nothing'}.", "Use .yaml, .csv or .tbx."
        )
    languages = list(dict.fromkeys(tag for entry in terms for tag in entry)) or ["en"]
    out = io.StringIO()
    rows = csv.DictWriter(out, languages, lineterminator="\n")
    rows.writeheader()
    rows.writerows([*terms, *({languages[0]: word} for word in glossary.keep)])
    return out.getvalue().encode()


def _from_tbx(path: Path) -> Glossary:
    if path.stat().st_size > _LARGEST_TBX:
        raise _not_one(path, f"it is larger than {_LARGEST_TBX // 1_000_000} MB")
    try:
        keep, terms = read_tbx(path.read_bytes())
    except BadInputError as error:
        raise _not_one(path, error.what.rstrip(".")) from error
    return Glossary(keep, terms)


def _entry(term: Any, path: Path) -> Mapping[str, str]:
    if not isinstance(term, dict) or not all(isinstance(word, str) and word.strip() for word in term.values()):
        raise _not_one(path, f"the term {term!r} is not a table of language to word")
    try:
        return {parse_language(str(language)): word.strip() for language, word in term.items()}
    except LanguageError as error:
        raise _not_one(path, str(error)) from error


def _not_one(path: Path, why: str) -> BadInputError:
    return BadInputError(f"The glossary {path} is not valid: {why}.", "See docs/translation.md for its format.")

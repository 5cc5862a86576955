"""Pronunciations of words: a ``lexicon.yaml`` of the studio or the title, for every backend.

By language, word by word (whole words, in any case); ``"*"`` applies to all languages, an exact tag overrides its
language::

    "*":
      GHz: gigahertz                       # said like this
    es:
      Jordi: {ipa: ˈʒɔɾdi}                 # IPA, if the voice accepts it
      Seattle: {say: siátel, ipa: siˈatel}  # IPA if accepted, else the respelling
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from configs.languages import LanguageError, parse_language, primary
from configs.timed_text import timed_text_limits
from tasks.records.errors import BadInputError
from tasks.records.small_yaml import read_yaml

_ALL = "*"


@dataclass(frozen=True)
class Entry:
    """A word as written, its respelling, and its IPA; one of the latter two may be empty."""

    word: str
    say: str = ""
    ipa: str = ""


@dataclass(frozen=True)
class Pronounced:
    """A line as given to a voice: respelled, with IPA of spans, and the words whose IPA the voice does not accept."""

    text: str
    ipa: tuple[tuple[int, int, str], ...] = ()
    unused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lexicon:
    """Entries by language tag."""

    entries: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)

    def of(self, language: str) -> tuple[Entry, ...]:
        """The entries for a language, the longest word first."""
        found: dict[str, Entry] = {}
        for tag in (_ALL, primary(language), language):
            found |= {entry.word.casefold(): entry for entry in self.entries.get(tag, ())}
        return tuple(sorted(found.values(), key=lambda entry: (-len(entry.word), entry.word)))


def read_lexicon(path: Path) -> Lexicon:
    """Read a lexicon.

    Raises:
        BadInputError: missing, not readable, or not a lexicon; names the file, the language and the word.
    """
    try:
        values = read_yaml(path) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"The lexicon {path} cannot be read: {getattr(error, 'strerror', None) or error}.",
            "Check synthesize.lexicon.",
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInputError(f"The lexicon {path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(values, dict):
        raise _not_one(path, "it must have languages, each with its words")
    entries: dict[str, tuple[Entry, ...]] = {}
    for tag, words in values.items():
        if not isinstance(words, dict):
            raise _not_one(path, f"{tag!r} must be a table of words")
        entries[_language(tag, path)] = tuple(
            _entry(word, how, f"{tag}, {word!r}", path) for word, how in words.items()
        )
    return Lexicon(entries)


def pronounce(text: str, entries: tuple[Entry, ...], language: str, *, ipa: bool) -> Pronounced:
    """A line with a lexicon applied. No word is replaced twice.

    Args:
        text: the line.
        entries: from `Lexicon.of`.
        language: BCP-47 tag; without spaces between words, entries match inside other words.
        ipa: whether the voice accepts IPA.
    """
    if not entries:
        return Pronounced(text)
    by_word = {entry.word.casefold(): entry for entry in entries}
    words = "|".join(re.escape(entry.word) for entry in entries)
    edges = ("", "") if timed_text_limits(language).spaceless else (r"(?<!\w)", r"(?!\w)")
    spans: list[tuple[int, int, str]] = []
    unused: list[str] = []
    spoken, at = "", 0
    for found in re.finditer(f"{edges[0]}(?:{words}){edges[1]}", text, re.IGNORECASE):
        entry = by_word.get(found[0].casefold())
        if entry is None:  # a letter with unusual case folding, such as İ
            continue
        spoken += text[at : found.start()]
        at = found.end()
        if entry.ipa and ipa:
            spans.append((len(spoken), len(spoken) + len(found[0]), entry.ipa))
        elif not entry.say:
            unused.append(entry.word)
        spoken += found[0] if entry.ipa and ipa else entry.say or found[0]
    return Pronounced(spoken + text[at:], tuple(spans), tuple(dict.fromkeys(unused)))


def _language(tag: Any, path: Path) -> str:
    if tag == _ALL:
        return _ALL
    if tag is False:  # YAML 1.1 reads Norwegian's "no" so
        tag = "no"
    try:
        return parse_language(str(tag))
    except LanguageError as error:
        raise _not_one(path, str(error).rstrip(".")) from error


def _entry(word: Any, how: Any, where: str, path: Path) -> Entry:
    if not isinstance(word, str) or not word.strip():
        raise _not_one(path, f"{where}: this is not a word; put it in quotes")
    if isinstance(how, str):
        how = {"say": how}
    if not isinstance(how, dict) or not how or set(how) - {"say", "ipa"}:
        raise _not_one(path, f"{where}: give a respelling, or a table with say and ipa")
    if not all(isinstance(value, str) and value.strip() for value in how.values()):
        raise _not_one(path, f"{where}: say and ipa must be texts")
    return Entry(word.strip(), **{name: value.strip() for name, value in how.items()})


def _not_one(path: Path, why: str) -> BadInputError:
    return BadInputError(f"The lexicon {path} is not valid: {why}.", "See docs/voices.md for its format.")

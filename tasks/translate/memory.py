"""A translation memory, as TMX: what was translated before is said again, where a line is the very same.

TMX 1.4 is what translators' tools exchange.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from configs.languages import LanguageError, parse_language, primary
from tasks.keep.store import text_sha256
from tasks.records.errors import BadInputError
from tasks.words.xml_tree import XML, allowed, tree_of, written

_LARGEST = 200_000_000  # bytes; a memory of half a million units
#: Marks of a tool inside a text: what they hold is its code, and nothing that is said.
_CODES = frozenset({"bpt", "ept", "it", "ph", "ut"})


@dataclass(frozen=True)
class Unit:
    """A text in several languages; ``name``: as the file names it, or empty."""

    texts: Mapping[str, str]
    name: str = ""


@dataclass(frozen=True)
class Memory:
    """Texts with their translations, in the order of the file."""

    units: tuple[Unit, ...] = ()

    @functools.cached_property
    def digest(self) -> str:
        """Of its texts."""
        return text_sha256(json.dumps([sorted(unit.texts.items()) for unit in self.units], ensure_ascii=False))

    def pairs(self, source: str, target: str) -> dict[str, str]:
        """Translations by source text, white space as one blank; of several the last, exact languages first.

        Args:
            source: BCP-47 tag.
            target: BCP-47 tag.
        """
        found: dict[str, tuple[int, str]] = {}
        for unit in self.units:
            (here, exact), (there, also) = _in(unit.texts, source), _in(unit.texts, target)
            key, rank = plain(here), int(exact) + int(also)
            if key and there.strip() and rank >= found.get(key, (0, ""))[0]:
                found[key] = rank, there.strip()
        return {text: said for text, (_, said) in found.items()}


def read_memory(path: Path) -> Memory:
    """Read a ``.tmx`` file.

    Raises:
        BadInputError: missing, too large, or no TMX; names the file.
    """
    try:
        there = path.stat()
        if there.st_size > _LARGEST:
            raise BadInputError(f"The memory {path} is larger than {_LARGEST // 1_000_000} MB.", "Give a part of it.")
        return _read(path, there.st_size, there.st_mtime_ns)
    except OSError as error:
        raise BadInputError(
            f"The memory {path} cannot be read: {error.strerror}.", "Check translate.memory."
        ) from error


@functools.lru_cache(maxsize=4)
def _read(path: Path, _size: int, _changed: int) -> Memory:
    """A file as it was then: a chain of translators is made often, and a memory may be large."""
    try:
        return Memory(tuple(read_tmx(path.read_bytes())))
    except BadInputError as error:
        raise BadInputError(f"The memory {path} is not valid: {error.what}", error.fix) from error


def read_tmx(content: bytes) -> list[Unit]:
    """The units of a TMX file; texts in what is no language are left out.

    Raises:
        BadInputError: it is none.
    """
    root = tree_of(content, ("tmx",))
    if _name(root) != "tmx":
        raise BadInputError(f"It is no TMX ({_name(root)[:80]}).", "Export it as TMX 1.4.")
    units = []
    for one in root.iter():
        if _name(one) != "tu":
            continue
        texts = {}
        for variant in one:
            language = _language(variant.get(f"{XML}lang") or variant.get("lang") or "")
            said = next((_said(part) for part in variant if _name(part) == "seg"), "")
            if _name(variant) == "tuv" and language and said.strip():
                texts[language] = said
        if texts:
            units.append(Unit(texts, one.get("tuid", "")))
    return units


def write_tmx(units: Iterable[Unit], source: str, version: str) -> bytes:
    """Units as TMX 1.4.

    Args:
        units: with their texts.
        source: BCP-47 tag of what was translated.
        version: of this program.
    """
    root = ElementTree.Element("tmx", {"version": "1.4"})
    told = {"creationtool": "Polydub", "creationtoolversion": version, "segtype": "sentence", "o-tmf": "Polydub"}
    told |= {"adminlang": "en", "srclang": source, "datatype": "plaintext"}
    ElementTree.SubElement(root, "header", told)
    body = ElementTree.SubElement(root, "body")
    for unit in units:
        one = ElementTree.SubElement(body, "tu", {"tuid": unit.name} if unit.name else {})
        for language, text in unit.texts.items():
            variant = ElementTree.SubElement(one, "tuv", {f"{XML}lang": language})
            ElementTree.SubElement(variant, "seg").text = allowed(text)
    return written(root)


def plain(text: str) -> str:
    """A text as it is looked for."""
    return " ".join(text.split())


def _in(texts: Mapping[str, str], language: str) -> tuple[str, bool]:
    """A text in a language, or in another form of it, and whether it is the very one."""
    if language in texts:
        return texts[language], True
    others: Sequence[str] = [text for tag, text in texts.items() if primary(tag) == primary(language)]
    return (others[0] if others else ""), False


def _said(element: ElementTree.Element) -> str:
    text = element.text or ""
    for child in element:
        text += ("" if _name(child) in _CODES else _said(child)) + (child.tail or "")
    return text


def _language(tag: str) -> str:
    try:
        return parse_language(tag)
    except LanguageError:
        return ""


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]

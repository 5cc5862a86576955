"""Glossaries as TBX, as terminology tools exchange them: TBX-Basic of 2008 (``martif``), out and in, and of 2019, in.

A name that stays is an entry with one language, ``und``, or with the same word in every language. Of several words for
one thing in a language the first is what is said; the others are understood. Words that are marked as deprecated are
left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from configs.languages import LanguageError, parse_language
from tasks.records.errors import BadInputError
from tasks.words.xml_tree import XML, allowed, tree_of, written

_STAYS = "und"
_ENTRIES, _LANGUAGES = ("termEntry", "conceptEntry"), ("langSet", "langSec")
_DEPRECATED = ("deprecatedTerm", "supersededTerm")

Terms = Sequence[Mapping[str, str]]


def read_tbx(content: bytes) -> tuple[tuple[str, ...], tuple[Mapping[str, str], ...]]:
    """The names that stay, and the terms by language tag.

    Raises:
        BadInputError: it is no TBX, or names a language that is none.
    """
    root = tree_of(content, ("martif", "tbx", "TBX"))
    if _name(root) not in ("martif", "tbx"):
        raise BadInputError(f"It is no TBX ({_name(root)[:80]}).", "Export it as TBX-Basic.")
    keep: dict[str, None] = {}
    terms: list[Mapping[str, str]] = []
    for entry in root.iter():
        if _name(entry) not in _ENTRIES:
            continue
        words = _words(entry)
        firsts = {language: found[0] for language, found in words.items()}
        if len(set(firsts.values())) == 1 and (_STAYS in firsts or len(firsts) == 1 or _same_everywhere(words)):
            keep |= dict.fromkeys(word for found in words.values() for word in found)
            continue
        others = [{**firsts, language: word} for language, found in words.items() for word in found[1:]]
        terms += [*others, firsts] if firsts else []
    return tuple(keep), tuple(terms)


def write_tbx(keep: Sequence[str], terms: Terms) -> bytes:
    """A glossary as TBX-Basic.

    Args:
        keep: names that stay in every language.
        terms: by language tag.
    """
    root = ElementTree.Element("martif", {"type": "TBX-Basic", f"{XML}lang": "en"})
    header = ElementTree.SubElement(root, "martifHeader")
    description = ElementTree.SubElement(ElementTree.SubElement(header, "fileDesc"), "sourceDesc")
    ElementTree.SubElement(description, "p").text = "Glossary of Polydub"
    encoding = ElementTree.SubElement(header, "encodingDesc")
    ElementTree.SubElement(encoding, "p", {"type": "XCSURI"}).text = "TBXBasicXCSV02.xcs"
    body = ElementTree.SubElement(ElementTree.SubElement(root, "text"), "body")
    for number, entry in enumerate([*({_STAYS: word} for word in keep), *terms], start=1):
        concept = ElementTree.SubElement(body, "termEntry", {"id": f"c{number}"})
        for language, word in entry.items():
            section = ElementTree.SubElement(concept, "langSet", {f"{XML}lang": language})
            ElementTree.SubElement(ElementTree.SubElement(section, "tig"), "term").text = allowed(word)
    return written(root)


def _words(entry: ElementTree.Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for section in entry.iter():
        if _name(section) not in _LANGUAGES:
            continue
        language = _language(section.get(f"{XML}lang", ""))
        for group in section:
            word = next((" ".join("".join(one.itertext()).split()) for one in group.iter() if _name(one) == "term"), "")
            if word and not _is_deprecated(group):
                found.setdefault(language, []).append(word)
    return found


def _same_everywhere(words: Mapping[str, Sequence[str]]) -> bool:
    return all(len(found) == 1 for found in words.values())


def _is_deprecated(group: ElementTree.Element) -> bool:
    notes = (one.text or "" for one in group.iter() if _name(one) == "termNote")
    return any(note.startswith(_DEPRECATED) for note in notes)


def _language(tag: str) -> str:
    if tag.lower() in (_STAYS, "mul", "zxx"):
        return _STAYS
    try:
        return parse_language(tag)
    except LanguageError as error:
        raise BadInputError(f"xml:lang: {error}") from error


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]

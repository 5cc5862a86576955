"""A dub's lines as XLIFF 2.1: one unit a line, with its time, speaker and what was decided, and how long it may be.

The limit is what can be read in the line's slot (`configs/timed_text.yaml`), as the size restriction module has it: a
translator's tool warns of what is too long to be said.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from configs.languages import LanguageError, parse_language
from configs.timed_text import timed_text_limits
from tasks.exchange.cells import cell_of, row_of
from tasks.exchange.table import File, Table, is_key
from tasks.records.errors import BadInputError
from tasks.words.xml_tree import XML, allowed, tree_of, written

_X = "{urn:oasis:names:tc:xliff:document:2.0}"
_MDA = "{urn:oasis:names:tc:xliff:metadata:2.0}"
_SLR = "{urn:oasis:names:tc:xliff:sizerestriction:2.0}"
_CATEGORY = "polydub"
_FIELDS = ("id", "start_ms", "end_ms", "speaker", "voice", "take", "level_db", "keep", "mute", "lock", "note")

for _prefix, _space in (("", _X), ("mda", _MDA), ("slr", _SLR)):
    ElementTree.register_namespace(_prefix, _space.strip("{}"))


def write(table: Table) -> bytes:
    """With an empty target where a line is not translated yet."""
    root = ElementTree.Element(
        f"{_X}xliff", {"version": "2.1", "srcLang": table.source_language, "trgLang": table.language}
    )
    file = ElementTree.SubElement(root, f"{_X}file", {"id": "f1", "original": table.title})
    ElementTree.SubElement(file, f"{_SLR}profiles", {"generalProfile": "xliff:codepoints"})
    cps = timed_text_limits(table.language).cps
    for row in table.rows:
        most = max(1, round((row["end_ms"] - row["start_ms"]) / 1000 * cps))
        unit = ElementTree.SubElement(
            file, f"{_X}unit", {"id": table.key(row), f"{_SLR}sizeRestriction": str(most), f"{XML}space": "preserve"}
        )
        group = ElementTree.SubElement(
            ElementTree.SubElement(unit, f"{_MDA}metadata"), f"{_MDA}metaGroup", {"category": _CATEGORY}
        )
        for name in _FIELDS:
            if (cell := cell_of(row.get(name))) not in ("", None):
                ElementTree.SubElement(group, f"{_MDA}meta", {"type": name}).text = allowed(str(cell))
        text = row["text"]
        state = "initial" if text is None else "translated"
        segment = ElementTree.SubElement(unit, f"{_X}segment", {"id": "s1", "state": state})
        ElementTree.SubElement(segment, f"{_X}source").text = allowed(row["source"])
        if text is not None:
            ElementTree.SubElement(segment, f"{_X}target").text = allowed(text)
    return written(root)


def read(content: bytes) -> File:
    """Of ours, or another tool's: a unit of another name is found by its times, which the metadata holds.

    Raises:
        BadInputError: it is no XLIFF 2.
    """
    root = tree_of(content)
    if root.tag != f"{_X}xliff":
        version = root.get("version", "")
        raise BadInputError(f"It is no XLIFF 2 ({root.tag[:80]} {version[:10]}).", "Save it as XLIFF 2.1.")
    rows, where, notes = [], [], []
    for unit in root.iter(f"{_X}unit"):
        name = unit.get("id", "")
        where.append(f"unit {name[:80]}")
        cells: dict[str, Any] = {
            meta.get("type", ""): meta.text or ""
            for group in unit.iter(f"{_MDA}metaGroup")
            if group.get("category") == _CATEGORY
            for meta in group.iter(f"{_MDA}meta")
        }
        if unknown := [field for field in cells if field not in _FIELDS]:
            raise BadInputError(f"{where[-1]}: {unknown[0][:80]!r} is not a field of a line.")
        row = row_of({**cells, "key": name} if is_key(name) else cells, where[-1])
        row |= _texts(unit)
        marked = [one for one in unit.iter() if one.tag in (f"{_X}pc", f"{_X}ph", f"{_X}sc", f"{_X}ec")]
        if marked:
            notes.append(f"{where[-1]}: its mark-up is left out; its words are taken.")
        rows.append(row)
    language = root.get("trgLang", "")
    try:
        language = parse_language(language) if language else ""
    except LanguageError as error:
        raise BadInputError(f"trgLang: {error}") from error
    return File(rows, where, language, notes=tuple(notes))


def _texts(unit: ElementTree.Element) -> dict[str, str]:
    """What a unit says, all its segments and what is between them as one."""
    parts = [one for one in unit if one.tag in (f"{_X}segment", f"{_X}ignorable")]
    found = {}
    for field, tag in (("source", "source"), ("text", "target")):
        said = [part.find(f"{_X}{tag}") for part in parts]
        if tag == "target":  # what is not translated stands between the segments as it is in the source
            said = [
                one if one is not None or part.tag == f"{_X}segment" else part.find(f"{_X}source")
                for one, part in zip(said, parts, strict=True)
            ]
            if all(part.find(f"{_X}target") is None for part in parts):
                continue
        found[field] = "".join(_plain(one) for one in said if one is not None)
    return found


def _plain(element: ElementTree.Element) -> str:
    text = element.text or ""
    for child in element:
        if child.tag == f"{_X}cp":
            text += _sign(child.get("hex", ""))
        else:
            text += _plain(child)
        text += child.tail or ""
    return text


def _sign(code: str) -> str:
    """A sign that XML cannot hold, by its number; what stands for none in a text is left out."""
    if not re.fullmatch("[0-9A-Fa-f]{1,6}", code):
        raise BadInputError(f"cp: {code[:40]!r} is not the number of a sign.", "Write it as hex, such as 001A.")
    number = int(code, 16)
    return chr(number) if number < 0xD800 else ""

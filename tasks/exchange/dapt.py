"""A dub's lines as a DAPT script (W3C Dubbing and Audio description Profiles of TTML2): one script event a line.

An event holds its original text and its translation; who says it is a character of the script.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from configs.languages import LanguageError, parse_language
from tasks.exchange.table import File, Table, is_key
from tasks.records.errors import BadInputError
from tasks.words.xml_tree import XML, allowed, tree_of, written

_TT = "{http://www.w3.org/ns/ttml}"
_TTP = "{http://www.w3.org/ns/ttml#parameter}"
_TTM = "{http://www.w3.org/ns/ttml#metadata}"
_DAPTM = "{http://www.w3.org/ns/ttml/profile/dapt#metadata}"
_PROFILE = "http://www.w3.org/ns/ttml/profile/dapt1.0/content"
_CLOCK = re.compile(r"(?:(\d{2,}):(\d{2}):(\d{2}(?:\.\d+)?)|(\d+(?:\.\d+)?)(h|m|s|ms))")
_UNITS = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}

for _prefix, _space in (("tt", _TT), ("ttp", _TTP), ("ttm", _TTM), ("daptm", _DAPTM)):
    ElementTree.register_namespace(_prefix, _space.strip("{}"))


def write(table: Table) -> bytes:
    """Every line; one without a translation yet has its original text alone."""
    root = ElementTree.Element(
        f"{_TT}tt",
        {
            f"{XML}lang": table.language,
            f"{_TTP}contentProfiles": _PROFILE,
            f"{_TTP}timeBase": "media",
            f"{_DAPTM}scriptRepresents": "audio.dialogue",
            f"{_DAPTM}scriptType": "translatedTranscript",
            f"{_DAPTM}langSrc": table.source_language,
            f"{XML}space": "preserve",
        },
    )
    metadata = ElementTree.SubElement(ElementTree.SubElement(root, f"{_TT}head"), f"{_TT}metadata")
    speakers = list(dict.fromkeys(row["speaker"] for row in table.rows))
    agents = {who: f"character_{number}" for number, who in enumerate(speakers, start=1)}
    for who, name in agents.items():
        agent = ElementTree.SubElement(metadata, f"{_TTM}agent", {"type": "character", f"{XML}id": name})
        ElementTree.SubElement(agent, f"{_TTM}name", {"type": "alias"}).text = allowed(who)
    body = ElementTree.SubElement(root, f"{_TT}body")
    for row in table.rows:
        event = ElementTree.SubElement(
            body,
            f"{_TT}div",
            {
                f"{XML}id": table.key(row),
                "begin": f"{row['start_ms'] / 1000:.3f}s",
                "end": f"{row['end_ms'] / 1000:.3f}s",
                f"{_TTM}agent": agents[row["speaker"]],
                f"{_DAPTM}represents": "audio.dialogue",
            },
        )
        original = {f"{XML}lang": table.source_language}
        ElementTree.SubElement(event, f"{_TT}p", original).text = allowed(row["source"])
        if row["text"] is not None:
            translated = {f"{XML}lang": table.language, f"{_DAPTM}langSrc": table.source_language}
            ElementTree.SubElement(event, f"{_TT}p", translated).text = allowed(row["text"])
    return written(root)


def is_dapt(content: bytes) -> bool:
    """Whether an XML file says that it is a DAPT script; other timed text has the same ending."""
    try:
        return _says_so(tree_of(content))
    except BadInputError:
        return False


def read(content: bytes) -> File:
    """Of ours, or another tool's, whose events are found by their times.

    Raises:
        BadInputError: it is no DAPT script, or a time is none.
    """
    root = tree_of(content)
    if not _says_so(root):
        raise BadInputError("It is no DAPT script: its root does not name the profile.", "Save it as DAPT 1.0.")
    language = _language(root.get(f"{XML}lang", ""))
    names = {
        agent.get(f"{XML}id", ""): "".join(name.itertext())
        for agent in root.iter(f"{_TTM}agent")
        for name in list(agent.iter(f"{_TTM}name"))[:1]
    }
    rows, where = [], []
    for event in root.iter(f"{_TT}div"):
        if event.get("begin") is None or event.get("end") is None:
            continue
        name = event.get(f"{XML}id", "")
        where.append(f"event {name[:80]}")
        row: dict[str, object] = {"key": name} if is_key(name) else {}
        row |= {"start_ms": _ms(event.get("begin", ""), where[-1]), "end_ms": _ms(event.get("end", ""), where[-1])}
        if (agent := event.get(f"{_TTM}agent", "")) in names:
            row["speaker"] = names[agent]
        for paragraph in event.iter(f"{_TT}p"):
            is_translated = f"{_DAPTM}langSrc" in paragraph.attrib or _is(paragraph.get(f"{XML}lang"), language)
            row["text" if is_translated else "source"] = _words(paragraph)
        rows.append(row)
    return File(rows, where, language)


def _says_so(root: ElementTree.Element) -> bool:
    return root.tag == f"{_TT}tt" and "dapt" in root.get(f"{_TTP}contentProfiles", "")


def _words(paragraph: ElementTree.Element) -> str:
    """Its text, a break of rows as one; what is in its metadata is no text."""
    text = paragraph.text or ""
    for child in paragraph:
        if child.tag == f"{_TT}br":
            text += "\n"
        elif child.tag == f"{_TT}span":
            text += _words(child)
        text += child.tail or ""
    return text


def _language(tag: str) -> str:
    try:
        return parse_language(tag)
    except LanguageError as error:
        raise BadInputError(f"xml:lang: {error}") from error


def _is(tag: str | None, language: str) -> bool:
    return tag is None or tag.lower() == language.lower()


def _ms(text: str, where: str) -> int:
    found = _CLOCK.fullmatch(text)
    if found is None or len(text) > 40:
        raise BadInputError(f"{where}: {text[:40]!r} is not a time that is read.", "Write 00:01:02.500 or 62.5s.")
    hours, minutes, seconds, count, unit = found.groups()
    if count is not None:
        return round(float(count) * _UNITS[unit])
    return round(((int(hours) * 60 + int(minutes)) * 60 + float(seconds)) * 1000)

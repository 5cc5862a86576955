"""Decodes a script: Unicode if it is valid, else a legacy code page of the language.

A code page is accepted only if the result looks like the language: its own letters, in complete words.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

import langcodes

from configs.languages import display_name, primary
from tasks.records.errors import BadInputError
from tasks.transcribe.code_pages import (
    BLOCKS,
    BY_SCRIPT,
    CENTRAL,
    CHINESE,
    FREQUENT,
    LETTERS,
    NAMES,
    PAGES,
    SIGNS,
    TONES,
    WESTERN,
)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LINE_END = re.compile("\r+\n|[\r\x0b\x0c\x85\u2028\u2029]")
_PLAUSIBLE = 0.6  # of the letters beyond ASCII, as `_likeness` weighs them
_STRANGE = 0.3  # weight of a letter of the right kind that the language does not have


def decoded(data: bytes, name: str, language: str | None) -> tuple[str, str]:
    """The text with normalised line ends, and a note if its encoding was guessed (else empty).

    Args:
        data: a complete file.
        name: of the file, for messages.
        language: BCP-47 tag of the text; None to assume a Western language.

    Raises:
        BadInputError: neither Unicode nor a known code page of the language.
    """
    text, note = _text(data, name, language)
    if "\0" in text:
        raise BadInputError(f"The script {name!r} is not text.", "Save it as UTF-8.")
    return _LINE_END.sub("\n", text), note


def _text(data: bytes, name: str, language: str | None) -> tuple[str, str]:
    marked = next((codec for mark, codec in _MARKS if data.startswith(mark)), None)
    try:
        if marked:
            return data.decode(marked), ""
        if b"\0" in data:
            codec = "utf-16-le" if data[1::2].count(0) >= data[::2].count(0) else "utf-16-be"
            return data.decode(codec), "Subtitles: read as UTF-16, although the file has no byte order mark."
        if b"\x1b$" not in data or language is None or primary(language) != "ja":
            return data.decode("utf-8"), ""
        first = data.index(b"\x1b$")
    except UnicodeDecodeError as error:
        first = error.start
        if marked or b"\0" in data:
            raise BadInputError(f"The script {name!r} is not text (byte {first}).", "Save it as UTF-8.") from error
    if _mostly_utf8(data):
        row = data.count(b"\n", 0, first) + 1
        raise BadInputError(
            f"The script {name!r} is UTF-8 except for byte {first} (line {row}).", "Save it again as UTF-8."
        )
    pages = ("iso2022_jp",) if b"\x1b$" in data else _pages(language)
    return _by_language(data, name, language, pages, first)


def _mostly_utf8(data: bytes) -> bool:
    text = data.decode("utf-8", "surrogateescape")
    broken = sum("\udc80" <= letter <= "\udcff" for letter in text)
    return sum(letter > "\x7f" for letter in text) - broken > 3 * broken


def _by_language(data: bytes, name: str, language: str | None, pages: tuple[str, ...], first: int) -> tuple[str, str]:
    """Decode in the code page whose result looks most like the language; the first of equals."""
    read = {page: text for page in pages if (text := _strictly(data, page)) is not None}
    likeness = {page: _likeness(text, language) for page, text in read.items()}
    best = max(likeness, key=lambda page: likeness[page], default=None)
    if best is None or likeness[best] < _PLAUSIBLE:
        what = f" as {display_name(language)} could be" if language else ""
        tried = f", and makes no sense in {', '.join(map(_title, pages))}{what}" if pages else ""
        raise BadInputError(f"The script {name!r} is not UTF-8 text (byte {first}){tried}.", "Save it as UTF-8.")
    why = f", in which {display_name(language)} was written" if language else ""
    return read[best], f"Subtitles: not UTF-8, read as {_title(best)}{why}; check the accents."


def _pages(language: str | None) -> tuple[str, ...]:
    if language is None:
        return WESTERN
    script = _script(language)
    if primary(language) == "zh":
        return CHINESE.get(script, ())
    if primary(language) == "sr" and script == "Latn":
        return CENTRAL
    return PAGES.get(primary(language)) or BY_SCRIPT.get(script, ())


def _script(language: str) -> str:
    return langcodes.Language.get(language).maximize().script or ""


def _title(page: str) -> str:
    return NAMES.get(page) or page.replace("cp", "Windows-", 1).replace("iso8859_", "ISO 8859-").replace(
        "Windows-866", "DOS 866"
    )


def _strictly(data: bytes, page: str) -> str | None:
    try:
        return unicodedata.normalize("NFC", data.decode(page))
    except UnicodeDecodeError:
        return None


def _likeness(text: str, language: str | None) -> float:
    """Share of the non-ASCII letters that the language uses, 0 to 1; 1 if there are only quotes."""
    beyond = [letter for letter in text.lower() if letter > "\x7f" and letter not in SIGNS]
    if not beyond:
        return 1.0
    script = _script(language) if language else "Latn"
    if script == "Latn" or (script == "Cyrl" and not any("\u0400" <= letter <= "\u052f" for letter in beyond)):
        accented = [word for word in _words(text) if len(word) > 2]
        whole = sum(any(letter <= "\x7f" for letter in word) for word in accented) / len(accented) if accented else 1.0
        return whole * sum(_weight(letter, language) for letter in beyond) / len(beyond)
    if script in ("Hans", "Hant"):
        frequent = FREQUENT["Hans"] + FREQUENT["Hant"]
        han = sum("\u4e00" <= letter <= "\u9fff" for letter in beyond) / len(beyond)
        return han * (0.7 + 0.3 * min(1.0, 4 * sum(letter in frequent for letter in beyond) / len(beyond)))
    own = re.compile(f"[{BLOCKS.get(script, '')}]" if script in BLOCKS else r"(?!)")
    share = sum(bool(own.match(letter)) for letter in beyond) / len(beyond)
    words = _words(text)
    whole = sum(_regular(word) for word in words) / len(words) if words else 1.0
    usual = FREQUENT.get(script)
    common = min(1.0, 2 * sum(letter in usual for letter in beyond) / len(beyond)) if usual else 1.0
    return share * whole * (0.7 + 0.3 * common)


def _words(text: str) -> list[str]:
    """Words with letters beyond ASCII."""
    return [word for word in re.findall(r"[^\W\d_]+", text) if any(letter > "\x7f" for letter in word)]


def _regular(word: str) -> bool:
    """Whether a word has one alphabet, and capitals only at its start or throughout: a wrong code page mixes them."""
    mixed = any(letter <= "\x7f" for letter in word)
    return not mixed and (word.isupper() or word[1:] == word[1:].lower())


def _weight(letter: str, language: str | None) -> float:
    """Of one letter in a Latin text: 1 where the language has it, 0 where it is none."""
    spoken = primary(language) if language else ""
    if spoken == "vi":
        return float(unicodedata.category(letter) == "Mn" or set(unicodedata.normalize("NFD", letter)[1:]) <= TONES)
    if letter in LETTERS.get(spoken, "ªº¿¡"):
        return 1.0
    if not unicodedata.name(letter, "").startswith("LATIN") or not letter.isalpha():
        return 0.0
    return _STRANGE if spoken in LETTERS else 1.0

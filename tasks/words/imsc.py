"""Timed text in XML: IMSC 1.1 Text (W3C) and EBU-TT-D (EBU Tech 3380), for services and broadcasters.

Both are subsets of TTML with one region for subtitles, below the middle of the picture and inside its title-safe area.
Times are media times in milliseconds; positions and sizes are shares of the picture, so that any size of it will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from xml.etree import ElementTree

import langcodes

from tasks.words.cues import DEFAULT_RATE, Cue
from tasks.words.xml_tree import XML, allowed, written

TT = "{http://www.w3.org/ns/ttml}"
TTP = "{http://www.w3.org/ns/ttml#parameter}"
TTM = "{http://www.w3.org/ns/ttml#metadata}"
_TTS = "{http://www.w3.org/ns/ttml#styling}"
_ITTP = "{http://www.w3.org/ns/ttml/profile/imsc1#parameter}"
_ITTS = "{http://www.w3.org/ns/ttml/profile/imsc1#styling}"
_EBUTTS = "{urn:ebu:tt:style}"
_EBUTTM = "{urn:ebu:tt:metadata}"
_IMSC_11 = "http://www.w3.org/ns/ttml/profile/imsc1.1/text"
_EBU_TT_D = ("urn:ebu:tt:distribution:2018-04", "http://www.w3.org/ns/ttml/profile/imsc1/text")
_PREFIXES = {"tt": TT, "ttp": TTP, "ttm": TTM, "tts": _TTS, "ittp": _ITTP, "itts": _ITTS}
for _prefix, _space in (*_PREFIXES.items(), ("ebutts", _EBUTTS), ("ebuttm", _EBUTTM)):
    ElementTree.register_namespace(_prefix, _space.strip("{}"))

#: Rows of the grid that a font size in percent is taken from (the default of TTML).
_GRID_ROWS = 15
#: Height of a letter's box against the picture's height, and against its width where that is less (portrait).
_OF_HEIGHT, _OF_WIDTH = 0.0533, 0.042
_RIGHT_TO_LEFT = frozenset({"Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg"})
_SAFE = "10% 10%", "80% 80%"


@dataclass(frozen=True)
class _Kind:
    """In what the two formats differ."""

    root: dict[str, str]
    paragraph: dict[str, str]
    words: dict[str, str]
    standards: tuple[str, ...] = ()


def write_imsc(
    cues: Sequence[Cue],
    language: str,
    frame_rate: Fraction = DEFAULT_RATE,
    size: tuple[int, int] = (1920, 1080),
    *,
    title: str = "",
    forced: bool = False,
) -> bytes:
    """An IMSC 1.1 Text document of cues, in UTF-8.

    Args:
        cues: in order of time.
        language: BCP-47 tag of their text.
        frame_rate: of the picture, named in the document.
        size: of the picture as it is shown, for the letters' size.
        title: of the work.
        forced: they are shown even where a viewer has subtitles off.
    """
    whole = ceil(frame_rate)
    rate = {f"{TTP}frameRate": str(whole)}
    if frame_rate != whole:
        part = frame_rate / whole
        rate[f"{TTP}frameRateMultiplier"] = f"{part.numerator} {part.denominator}"
    kind = _Kind(
        root={f"{TTP}contentProfiles": _IMSC_11, **rate},
        paragraph={f"{_TTS}textOutline": "#000000ff 5%"},
        words={},
    )
    return _document(kind, cues, language, size, title, {f"{_ITTS}forcedDisplay": "true"} if forced else {})


def write_ebuttd(
    cues: Sequence[Cue],
    language: str,
    frame_rate: Fraction = DEFAULT_RATE,
    size: tuple[int, int] = (1920, 1080),
    *,
    title: str = "",
    forced: bool = False,
) -> bytes:
    """An EBU-TT-D 1.0.1 document of cues, in UTF-8: on a box, as broadcasters show them.

    Args:
        cues: in order of time.
        language: BCP-47 tag of their text.
        frame_rate: not used: the format has none.
        size: of the picture as it is shown, for the letters' size.
        title: of the work.
        forced: not used: the format has no mark for it; the file's name says it.
    """
    del frame_rate, forced
    kind = _Kind(
        root={f"{TTP}cellResolution": f"32 {_GRID_ROWS}"},
        paragraph={f"{_EBUTTS}linePadding": "0.5c", f"{_EBUTTS}multiRowAlign": "center"},
        words={f"{_TTS}backgroundColor": "#000000c2"},
        standards=_EBU_TT_D,
    )
    return _document(kind, cues, language, size, title, {})


def runs_right_to_left(language: str) -> bool:
    """Whether a language is written from right to left."""
    return langcodes.Language.get(language).maximize().script in _RIGHT_TO_LEFT


def _document(
    kind: _Kind, cues: Sequence[Cue], language: str, size: tuple[int, int], title: str, shown: dict[str, str]
) -> bytes:
    root = ElementTree.Element(
        f"{TT}tt", {f"{XML}lang": language, f"{TTP}timeBase": "media", **kind.root, f"{XML}space": "default"}
    )
    _head(root, kind, language, size, title)
    body = ElementTree.SubElement(ElementTree.SubElement(root, f"{TT}body", shown), f"{TT}div")
    for number, cue in enumerate(cues, start=1):
        timed = {"begin": clock(cue.start_ms), "end": clock(cue.end_ms)}
        paragraph = ElementTree.SubElement(
            body, f"{TT}p", {f"{XML}id": f"cue{number}", **timed, "region": "below", "style": "paragraph"}
        )
        for place, row in enumerate(cue.rows):
            if place:
                ElementTree.SubElement(paragraph, f"{TT}br")
            ElementTree.SubElement(paragraph, f"{TT}span", {"style": "words"}).text = allowed(row)
    return written(root)


def _head(root: ElementTree.Element, kind: _Kind, language: str, size: tuple[int, int], title: str) -> None:
    head = ElementTree.SubElement(root, f"{TT}head")
    metadata = ElementTree.SubElement(head, f"{TT}metadata")
    if title:
        ElementTree.SubElement(metadata, f"{TTM}title").text = allowed(title)
    if kind.standards:
        about = ElementTree.SubElement(metadata, f"{_EBUTTM}documentMetadata")
        for standard in kind.standards:
            ElementTree.SubElement(about, f"{_EBUTTM}conformsToStandard").text = standard
    styling, layout = ElementTree.SubElement(head, f"{TT}styling"), ElementTree.SubElement(head, f"{TT}layout")
    aside = {f"{_TTS}direction": "rtl", f"{_TTS}unicodeBidi": "embed"} if runs_right_to_left(language) else {}
    paragraph = {
        f"{XML}id": "paragraph",
        f"{_TTS}fontFamily": "proportionalSansSerif",
        f"{_TTS}fontSize": f"{_letters(size):.0f}%",
        f"{_TTS}lineHeight": "125%",
        f"{_TTS}textAlign": "center",
        f"{_TTS}wrapOption": "noWrap",
        **kind.paragraph,
        **aside,
    }
    ElementTree.SubElement(styling, f"{TT}style", paragraph)
    words = {f"{XML}id": "words", f"{_TTS}color": "#ffffffff", **kind.words}
    ElementTree.SubElement(styling, f"{TT}style", words)
    origin, extent = _SAFE
    region = {f"{XML}id": "below", f"{_TTS}origin": origin, f"{_TTS}extent": extent, f"{_TTS}displayAlign": "after"}
    ElementTree.SubElement(layout, f"{TT}region", {**region, f"{_TTS}overflow": "visible"})


def letter_height(size: tuple[int, int]) -> float:
    """Height of the letters' boxes in pixels, so that a full row fits the safe area of any shape of picture."""
    width, height = size
    return min(_OF_HEIGHT * height, _OF_WIDTH * width)


def _letters(size: tuple[int, int]) -> float:
    """The same in percent of a row of the grid."""
    return 100 * letter_height(size) * _GRID_ROWS / size[1]


def clock(time_ms: int) -> str:
    """A media time, ``01:02:03.456``."""
    seconds, thousandths = divmod(max(0, time_ms), 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{thousandths:03d}"

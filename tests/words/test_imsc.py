"""IMSC 1.1 Text and EBU-TT-D: what a document says, for services and broadcasters that read nothing else."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from tasks.words.cues import Cue
from tasks.words.imsc import TT, TTP, write_ebuttd, write_imsc
from tasks.words.xml_tree import XML, tree_of

TTS = "{http://www.w3.org/ns/ttml#styling}"
ITTS = "{http://www.w3.org/ns/ttml/profile/imsc1#styling}"
Writer = Callable[..., bytes]
CUES = (
    Cue(0, 1500, ("¿Qué <b>dices</b> & por qué?", "¡No lo sé!"), 0),
    Cue(3_723_004, 3_725_000, ("{\\an8}\x0b --> fin",), 1),
)


def paragraphs(content: bytes) -> list[tuple[str | None, str | None, list[str]]]:
    root = tree_of(content)
    spans = [[span.text or "" for span in one.iter(f"{TT}span")] for one in root.iter(f"{TT}p")]
    return [(p.get("begin"), p.get("end"), rows) for p, rows in zip(root.iter(f"{TT}p"), spans, strict=True)]


def style(content: bytes, name: str) -> ElementTree.Element:
    return next(one for one in tree_of(content).iter(f"{TT}style") if one.get(f"{XML}id") == name)


@pytest.mark.parametrize("write", [write_imsc, write_ebuttd])
def test_a_cue_is_a_paragraph_with_its_times_and_rows_and_text_is_no_markup(write: Writer) -> None:
    assert paragraphs(write(CUES, "es")) == [
        ("00:00:00.000", "00:00:01.500", ["¿Qué <b>dices</b> & por qué?", "¡No lo sé!"]),
        ("01:02:03.004", "01:02:05.000", ["{\\an8} --> fin"]),
    ]
    root = tree_of(write(CUES, "es"))
    assert (root.tag, root.get(f"{XML}lang"), root.get(f"{TTP}timeBase")) == (f"{TT}tt", "es", "media")


@pytest.mark.parametrize("write", [write_imsc, write_ebuttd])
def test_no_cues_are_a_document_too(write: Writer) -> None:
    assert paragraphs(write((), "fr")) == []


@pytest.mark.parametrize(
    ("rate", "frames", "multiplier"),
    [
        (Fraction(25), "25", None),
        (Fraction(24000, 1001), "24", "1000 1001"),
        (Fraction(60000, 1001), "60", "1000 1001"),
        (Fraction(25, 2), "13", "25 26"),
    ],
)
def test_imsc_names_the_pictures_rate(rate: Fraction, frames: str, multiplier: str | None) -> None:
    root = tree_of(write_imsc(CUES, "es", rate))
    assert (root.get(f"{TTP}frameRate"), root.get(f"{TTP}frameRateMultiplier")) == (frames, multiplier)
    assert root.get(f"{TTP}contentProfiles") == "http://www.w3.org/ns/ttml/profile/imsc1.1/text"


def test_ebu_tt_d_names_its_standard_and_no_frames() -> None:
    root = tree_of(write_ebuttd(CUES, "es", Fraction(24000, 1001)))
    said = [one.text for one in root.iter("{urn:ebu:tt:metadata}conformsToStandard")]
    assert "urn:ebu:tt:distribution:2018-04" in said
    assert root.get(f"{TTP}cellResolution") == "32 15"
    assert not [name for name in root.attrib if "frameRate" in name or name == f"{TTS}extent"]


@pytest.mark.parametrize("write", [write_imsc, write_ebuttd])
@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("he", "rtl"), ("fa", "rtl"), ("es", None)])
def test_right_to_left_is_said_of_what_is_written_so(write: Writer, language: str, direction: str | None) -> None:
    assert style(write(CUES, language), "paragraph").get(f"{TTS}direction") == direction


@pytest.mark.parametrize(
    ("size", "least", "most"), [((1920, 1080), 75, 85), ((1080, 1920), 30, 40), ((640, 640), 60, 70)]
)
def test_letters_are_as_large_as_a_row_of_the_picture_allows(size: tuple[int, int], least: int, most: int) -> None:
    written = style(write_imsc(CUES, "es", size=size), "paragraph").get(f"{TTS}fontSize", "")
    assert least <= float(written.removesuffix("%")) <= most


def test_forced_cues_are_marked_as_such() -> None:
    bodies = [next(tree_of(write_imsc(CUES, "es", forced=forced)).iter(f"{TT}body")) for forced in (True, False)]
    assert [body.get(f"{ITTS}forcedDisplay") for body in bodies] == ["true", None]

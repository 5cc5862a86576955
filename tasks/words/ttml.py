"""TTML read: IMSC, EBU-TT, EBU-TT-D, SMPTE-TT, DFXP and iTunes Timed Text, as far as they hold text.

Times nest: an element's counts from the start of the one around it, or in a sequence from the end of the one before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from xml.etree import ElementTree

from tasks.records.errors import BadInputError
from tasks.words.xml_tree import XML, tree_of

_SPACES = (
    "http://www.w3.org/ns/ttml",
    "http://www.w3.org/2006/10/ttaf1",
    "http://www.w3.org/2006/04/ttaf1",
    "http://www.w3.org/2006/02/ttaf1",
    "",
)
_CLOCK = re.compile(r"(\d{2,4}):([0-5]\d):([0-5]\d|60)(?:(\.\d{1,9})|[:;](\d{1,3})(?:\.(\d{1,3}))?)?")
_OFFSET = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(h|m|s|ms|f|t)")
_SECONDS = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}
_NO_TEXT = frozenset({"metadata", "set", "animate", "image"})
_NO_RUBY = frozenset({"text", "textContainer", "delimiter"})
_LONGEST_S = 10_000 * 3600  # that a player's clock shows


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text that is shown together; ``end_ms`` is None where the document does not say when it goes."""

    start_ms: int
    end_ms: int | None
    text: str
    where: str
    speaker: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class TimedText:
    """A document: its language as written (empty: none), and its paragraphs in the order of the file."""

    language: str
    paragraphs: tuple[Paragraph, ...]


def read_ttml(content: bytes) -> TimedText:
    """The text of a document; a break of rows is a newline.

    Args:
        content: of the file.

    Raises:
        BadInputError: it is no XML, declares entities, is no TTML, or has a time that cannot be read.
    """
    root = tree_of(content, ("tt",))
    space, name = _parts(root.tag)
    if name != "tt" or space not in _SPACES:
        raise BadInputError(f"It is no TTML: its first element is {name[:40]!r}.", "Export it as TTML, IMSC or SRT.")
    body = next((one for one in root if _parts(one.tag)[1] == "body"), None)
    language = root.get(f"{XML}lang", "").strip()
    if body is None:
        return TimedText(language, ())
    agents = {
        one.get(f"{XML}id", ""): " ".join("".join(one.itertext()).split())
        for one in root.iter()
        if _parts(one.tag)[1] == "agent"
    }
    reading = _Reading(_Clock.of(root), agents, language)
    found = list(reading.element(body, _Around(Fraction(0), None, root.get(f"{XML}space") == "preserve", "", "")))
    return TimedText(language, tuple(reading.paragraphs(found)))


@dataclass(frozen=True)
class _Clock:
    """How the document counts."""

    rate: Fraction
    nominal: int
    ticks: Fraction
    smpte: bool
    dropped: bool

    @classmethod
    def of(cls, root: ElementTree.Element) -> _Clock:
        said = {_parts(name)[1]: value.strip() for name, value in root.attrib.items()}
        nominal = int(_number(said.get("frameRate", "30"), "frameRate"))
        parts = re.split(r"[\s:]+", said.get("frameRateMultiplier", "1 1"))
        top, bottom = (_number(part, "frameRateMultiplier") for part in (*parts, "1")[:2])
        rate = nominal * top / bottom
        ticks = _number(said["tickRate"], "tickRate") if "tickRate" in said else rate
        if "tickRate" not in said and "frameRate" not in said:
            ticks = Fraction(1)
        return cls(rate, nominal, ticks, said.get("timeBase") == "smpte", said.get("dropMode") == "dropNTSC")

    def seconds(self, text: str, where: str) -> Fraction:
        """A time expression in seconds."""
        if found := _OFFSET.fullmatch(text):
            count, unit = Fraction(found[1]), found[2]
            time = count / self.rate if unit == "f" else count / self.ticks if unit == "t" else count * _SECONDS[unit]
        elif found := _CLOCK.fullmatch(text):
            time = self._of_clock(*found.groups())
        else:
            raise BadInputError(f"{where}: {text[:40]!r} is not a time.", "Write 00:01:02.500 or 62.5s.")
        if time > _LONGEST_S:
            raise BadInputError(f"{where}: {text[:40]!r} is beyond any film.", "Correct its times.")
        return time

    def _of_clock(
        self, hours: str, minutes: str, seconds: str, fraction: str | None, frames: str | None, _sub: str | None
    ) -> Fraction:
        whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
        if not self.smpte:
            return whole + Fraction(fraction or 0) + Fraction(int(frames or 0)) / self.rate
        counted = Fraction(whole * self.nominal + int(frames or 0)) + Fraction(fraction or 0) * self.nominal
        if self.dropped:
            passed = int(hours) * 60 + int(minutes)
            counted -= 2 * (passed - passed // 10)
        return counted / self.rate


@dataclass(frozen=True)
class _Around:
    """What an element has from those around it."""

    start: Fraction
    end: Fraction | None
    preserve: bool
    speaker: str
    language: str


@dataclass(frozen=True)
class _Piece:
    """A text with its time, of the paragraph of that number."""

    paragraph: int
    around: _Around
    text: str


class _Reading:
    def __init__(self, clock: _Clock, agents: dict[str, str], language: str) -> None:
        self._clock, self._agents, self._language = clock, agents, language
        self._count = 0
        self._where: list[str] = [""]

    def element(self, one: ElementTree.Element, outer: _Around, after: Fraction | None = None) -> Iterator[_Piece]:
        """The pieces of text of an element; ``after``: when the one before it ended, in a sequence."""
        name = _parts(one.tag)[1]
        if name == "p":
            self._count += 1
            label = one.get(f"{XML}id", "")
            self._where.append(f"paragraph {self._count}" + (f" ({label[:40]})" if label else ""))
        around = self._within(one, outer, after)
        if one.text:
            yield from self._text(name, around, one.text)
        in_sequence, last = one.get("timeContainer") == "seq", around.start
        for child in one:
            kind = _parts(child.tag)[1]
            if kind == "br":
                yield _Piece(self._count, around, "\n")
            elif kind not in _NO_TEXT and kind in ("div", "p", "span") and not _is_aid(child):
                yield from self.element(child, around, last if in_sequence else None)
                if in_sequence:
                    last = self._within(child, around, last).end or last
            if child.tail:
                yield from self._text(name, around, child.tail)

    def _text(self, name: str, around: _Around, text: str) -> Iterator[_Piece]:
        if name in ("p", "span"):
            yield _Piece(self._count, around, text if around.preserve else re.sub(r"[ \t\r\n]+", " ", text))

    def _within(self, one: ElementTree.Element, outer: _Around, after: Fraction | None) -> _Around:
        where = self._where[-1]
        base = outer.start if after is None else after
        begin, end, lasts = (one.get(key) for key in ("begin", "end", "dur"))
        start = base + (self._clock.seconds(begin.strip(), where) if begin is not None else 0)
        ends = [outer.end] if outer.end is not None else []
        if end is not None:
            ends.append(base + self._clock.seconds(end.strip(), where))
        if lasts is not None:
            ends.append(start + self._clock.seconds(lasts.strip(), where))
        spaced = one.get(f"{XML}space")
        named = next((value for key, value in one.attrib.items() if _parts(key)[1] == "agent"), "")
        who = self._agents.get(named.split()[0], "") if named.split() else ""
        return _Around(
            start,
            min(ends) if ends else None,
            outer.preserve if spaced is None else spaced == "preserve",
            who or outer.speaker,
            one.get(f"{XML}lang", outer.language),
        )

    def paragraphs(self, pieces: list[_Piece]) -> Iterator[Paragraph]:
        """Pieces of one paragraph that are shown at the same time, together; those without a word are left out."""
        together: dict[tuple[int, Fraction, Fraction | None], list[_Piece]] = {}
        for piece in pieces:
            together.setdefault((piece.paragraph, piece.around.start, piece.around.end), []).append(piece)
        for (number, start, end), parts in together.items():
            rows = (" ".join(row.split()) for row in "".join(part.text for part in parts).split("\n"))
            if not (text := "\n".join(row for row in rows if row)):
                continue
            around = parts[0].around
            own = around.language if around.language != self._language else ""
            ends_ms = None if end is None else _ms(end)
            yield Paragraph(_ms(start), ends_ms, text, self._where[number], around.speaker, own)


def _is_aid(one: ElementTree.Element) -> bool:
    """Whether it only says how other text is read."""
    return any(_parts(name)[1] == "ruby" and value in _NO_RUBY for name, value in one.attrib.items())


def _ms(seconds: Fraction) -> int:
    return round(seconds * 1000)


def _number(text: str, name: str) -> Fraction:
    if not re.fullmatch(r"\d{1,12}", text) or not int(text):
        raise BadInputError(f"Its {name} is {text[:40]!r}, which is no rate.", "Export the file again.")
    return Fraction(int(text))


def _parts(name: str) -> tuple[str, str]:
    """Namespace and local name."""
    space, _, local = name.rpartition("}")
    return space.removeprefix("{"), local

"""SubRip and WebVTT: times, rows, voices, and word times where a row carries them. All of it in one pass."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from tasks.records.errors import BadInputError
from tasks.records.script import Change, Word
from tasks.transcribe.cues import VOICES, Cue, checked

OUTSIDE = "left out: words that stand in no cue"

_TIME = r"(-?)(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMES = re.compile(rf"{_TIME}\s*-->\s*{_TIME}(?:\s.*)?")
_MEANT_AS_TIMES = re.compile(r"-?[\d:.,]+\s*-->")
_STAMP = re.compile(r"<(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})>")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?(?:\s([^<>]*))?>|</v>", re.IGNORECASE)
_READING_AID = re.compile(r"<rt(?:\.[^<>]*)?>[^<>]*(?:</rt>)?", re.IGNORECASE)
_BREAK = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)
#: What both formats know as markup; anything else between angles or braces is words.
_TAG = re.compile(
    r"</?(?:i|b|u|s|c|v|em|strong|font|span|lang|ruby|rt|tt|big|small|sub|sup|strike|del|center|p|div)"
    r"(?:[\s.][^<>]*)?/?>",
    re.IGNORECASE,
)
_OVERRIDE = re.compile(r"\{\\[^{}\n]*\}|\{/?[ibus]\}|\{y:[ibus,]{1,8}\}|\{c:\$[0-9a-f]{6}\}", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_NO_CUES = ("NOTE", "STYLE", "REGION", "WEBVTT")
_LANGUAGE = re.compile(r"^Language:\s*(\S+)", re.IGNORECASE)


def read_srt(text: str, name: str) -> list[Cue]:
    """The cues of a SubRip file; blank rows and numbers between them are not needed.

    Raises:
        BadInputError: no cue, times that cannot be read, or a cue that ends early or is far too long.
    """
    rows = text.split("\n")
    spots = [number for number, row in enumerate(rows) if "-->" in row and _are_times(rows, number, name)]
    if not spots:
        raise BadInputError(f"The subtitles {name!r} contain no cue.", "Check the file.")
    cues: list[Cue] = []
    for count, (spot, following) in enumerate(pairwise([*spots, len(rows)]), start=2):
        words = rows[spot + 1 : following]
        if following < len(rows):
            _drop_number(words, count)
        cues.extend(_cues(rows[spot], words, f"line {spot + 1}", name))
    return cues


def read_vtt(text: str, name: str) -> tuple[list[Cue], list[Change]]:
    """The cues of a WebVTT file, and words that stand outside of them. Only an empty row ends a cue.

    Raises:
        BadInputError: as `read_srt`.
    """
    cues: list[Cue] = []
    outside: list[Change] = []
    for first, block in _blocks(text):
        spots = [at for at, row in enumerate(block) if "-->" in row and _in_block(block, at, first, name)]
        if not spots:
            if first > 1 and not block[0].startswith(_NO_CUES):
                text = " ".join(" ".join(block).split())
                outside += [Change(where=f"line {first}", start_ms=0, text=text, reason=OUTSIDE)] if text else []
            continue
        if spots[0] > 1 and block[0].startswith(_NO_CUES[:3]):
            continue  # a cue that was put into a note
        for spot, following in pairwise([*spots, len(block)]):
            words = block[spot + 1 : following]
            if following < len(block):
                _drop_number(words, len(cues) + 2)
            cues.extend(_cues(block[spot], words, f"line {first + spot}", name))
    if not cues:
        raise BadInputError(f"The subtitles {name!r} contain no cue.", "Check the file.")
    return cues, [*outside, *_split(cues)]


def _split(cues: list[Cue]) -> Iterator[Change]:
    """A record of each cue that became one for each voice in it."""
    for _, voices in itertools.groupby(cues, key=lambda cue: cue.where):
        first, *others = voices
        if others:
            text = " / ".join(" ".join(cue.text.split()) for cue in (first, *others))
            yield Change(where=first.where, start_ms=first.start_ms, text=text, became=text, reason=VOICES)


def language_of_vtt(text: str) -> str | None:
    """What the header says, before the first empty row."""
    for row in text.split("\n", 20)[:20]:
        if not row:
            return None
        if found := _LANGUAGE.match(row):
            return found[1]
    return None


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows between empty ones, with the line number of the first."""
    block: list[str] = []
    number = 0
    for number, row in enumerate(text.split("\n"), start=1):
        if row:
            block.append(row)
        elif block:
            yield number - len(block), block
            block = []
    if block:
        yield number + 1 - len(block), block


def _are_times(rows: list[str], at: int, name: str) -> bool:
    """Whether a row with an arrow is a pair of times. One that stands where times belong must be."""
    row = rows[at].strip()
    if _TIMES.fullmatch(row):
        return True
    before = at - 1 if at and rows[at - 1].strip().isdigit() else at
    if _MEANT_AS_TIMES.match(row) or before == 0 or not rows[before - 1].strip():
        raise _no_times(row, at + 1, name)
    return False


def _in_block(block: list[str], at: int, first: int, name: str) -> bool:
    row = block[at].strip()
    if _TIMES.fullmatch(row):
        return True
    inside = any("-->" in earlier for earlier in block[:at][:2]) or block[0].startswith(_NO_CUES)
    if _MEANT_AS_TIMES.match(row) or not inside:
        raise _no_times(row, first + at, name)
    return False


def _no_times(row: str, line: int, name: str) -> BadInputError:
    return BadInputError(
        f"The subtitles {name!r}, line {line}: {row[:80]!r} is not a pair of times.",
        "Times look like 00:01:02,500 --> 00:01:04,000 (WebVTT: 00:01:02.500).",
    )


def _drop_number(words: list[str], count: int) -> None:
    """Take off the number of the cue that follows: directly above its times, or the very one that comes next."""
    adjacent = bool(words) and bool(words[-1].strip())
    while words and not words[-1].strip():
        words.pop()
    if words and words[-1].strip().isdigit() and (adjacent or words[-1].strip() == str(count)):
        words.pop()


def _cues(times: str, rows: list[str], where: str, name: str) -> Iterator[Cue]:
    """The cue, or one for each voice in it."""
    found = _TIMES.fullmatch(times.strip())
    assert found is not None
    start_ms, end_ms = _ms(found.groups()[:5]), _ms(found.groups()[5:])
    raw = _BREAK.sub("\n", "\n".join(rows))
    cue = checked(Cue(start_ms, end_ms, raw, where), name)
    voices = [(who, plain) for who, part in _voices(raw) if (plain := _plain(part)).strip()]
    if len(voices) < 2:
        who = voices[0][0] if voices else ""
        yield replace(cue, text=_plain(raw).strip("\n"), speaker=who, words=_timed_words(raw, start_ms, end_ms))
        return
    parts = cue.shared([part for _, part in voices])
    for part, (who, _) in zip(parts, voices, strict=True):
        yield replace(part, speaker=who)


def _ms(groups: tuple[str | None, ...]) -> int:
    sign, hours, minutes, seconds, fraction = groups
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    return (whole * 1000 + int((fraction or "0").ljust(3, "0"))) * (-1 if sign else 1)


def _voices(raw: str) -> Iterator[tuple[str, str]]:
    """Who says what, in order; nobody's name is empty."""
    who, at = "", 0
    for found in _VOICE.finditer(raw):
        if found.start() > at:
            yield who, raw[at : found.start()]
        who, at = html.unescape(" ".join((found[1] or "").split())), found.end()
    yield who, raw[at:]


def _plain(raw: str) -> str:
    """Words without markup."""
    text = _READING_AID.sub("", raw)
    text = _OVERRIDE.sub("", _TAG.sub("", _STAMP.sub("", text)))
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


def _timed_words(raw: str, start_ms: int, end_ms: int) -> tuple[Word, ...]:
    """Words with times, where rows carry them; those of rows above a mark are there already and take no time."""
    stamps = list(_STAMP.finditer(raw))
    if not stamps:
        return ()
    marks = [start_ms, *(_ms(("", *stamp.groups())) for stamp in stamps), end_ms]
    edges = [0, *(stamp.start() for stamp in stamps), len(raw)]
    words: list[Word] = []
    for (begin, end), (since, until) in zip(pairwise(edges), pairwise(marks), strict=True):
        if not start_ms <= since <= until <= end_ms:
            return ()
        above, _, row = _plain(raw[begin:end]).rpartition("\n")
        words += [Word(text=word, start_ms=max(0, since), end_ms=max(0, since)) for word in above.split()]
        spoken = row.split()
        times = (
            [max(0, since + (until - since) * number // len(spoken)) for number in range(len(spoken) + 1)]
            if spoken
            else []
        )
        words += [Word(text=word, start_ms=a, end_ms=b) for word, (a, b) in zip(spoken, pairwise(times), strict=True)]
    return tuple(words)

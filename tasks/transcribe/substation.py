"""Advanced SubStation Alpha and SSA (events read by pysubs2): which are spoken, sung, or signs in the picture.

Only events that surely are no speech are left out: a style named for signs or songs, karaoke among lines without it, or
a place and a look of its own among lines that have none. Where all lines are placed, or all have karaoke, it says
nothing.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tasks.records.errors import BadInputError
from tasks.records.script import Change
from tasks.transcribe.cues import Cue, checked
from tasks.words.spacing import one_row

SIGN = "left out: a sign in the picture, not speech"
DRAWING = "left out: a drawing, no words"

_EVENTS = ("Dialogue:", "Comment:")
_SIGNS = frozenset(
    {"sign", "signs", "typeset", "typesetting", "title", "titles", "credit", "credits", "screen", "note", "notes"}
)
_SONGS = frozenset({"song", "songs", "lyric", "lyrics", "karaoke", "kara", "romaji", "opening", "ending", "insert"})
_NAME_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_PLACED = re.compile(r"\\(?:pos|move)\s*\(")
_SET = re.compile(r"\\(?:move\(|org\(|i?clip\(|t\(|fr[xyz]?-?\d|fa[xy]-?[\d.]|fs\d|fsc[xy]\d|fn|blur\d)")
_KARAOKE = re.compile(r"\\(?:k|K|kf|ko)\d")
_DRAWN = re.compile(r"\\p(\d)")
_SENTENCE = re.compile(r"[.?!…。！？][\"”’»)]*$")


@dataclass(frozen=True)
class _Event:
    cue: Cue
    style: str
    effect: str
    tags: str
    drawn: bool

    @property
    def placed(self) -> bool:
        return bool(_PLACED.search(self.tags))

    @property
    def karaoke(self) -> bool:
        return bool(_KARAOKE.search(self.tags))

    @property
    def styled(self) -> str:
        """``sign`` or ``song``, as the style or the effect is named; empty where it is neither."""
        parts = _NAME_PARTS.findall(self.style)
        plain = {part.lower() for part in parts}
        if plain & _SONGS or {"OP", "ED"} & set(parts) or self.style in ("op", "ed"):
            return "song"
        if plain & _SIGNS or "TS" in parts or self.effect.startswith(("Banner", "Scroll")):
            return "sign"
        return "song" if self.effect.lower().startswith(("fx", "karaoke")) else ""


def read_substation(text: str, suffix: str, name: str) -> tuple[list[Cue], list[Change]]:
    """The cues that are spoken or sung (the latter between notes), and the events that were left out.

    Args:
        text: of the file.
        suffix: ``.ass`` or ``.ssa``.
        name: of the file, for messages.

    Raises:
        BadInputError: an event that cannot be read, ends before it starts, or is far too long; names file and line.
    """
    worded, signs, changes = _sorted_out(text, suffix, name)
    cues = [_sung(event.cue) if role == "song" else event.cue for event, role in worded if role != "sign"]
    return cues, [*changes, *(event.cue.changed(SIGN) for event in signs)]


def signs_of(text: str, suffix: str, name: str) -> list[Cue]:
    """The words in the picture, which `read_substation` leaves out.

    Args:
        text: of the file.
        suffix: ``.ass`` or ``.ssa``.
        name: of the file, for messages.

    Raises:
        BadInputError: as `read_substation`.
    """
    return [event.cue for event in _sorted_out(text, suffix, name)[1]]


def _sorted_out(text: str, suffix: str, name: str) -> tuple[list[tuple[_Event, str]], list[_Event], list[Change]]:
    """Events with what they are (``sign``, ``song``; empty: speech), the signs, and drawings that are left out."""
    events = [_event(parsed, number, name) for number, parsed in _parsed(text, suffix, name)]
    changes = [event.cue.changed(DRAWING) for event in events if event.drawn and not event.cue.text.strip()]
    worded = [event for event in events if event.cue.text.strip() or not event.drawn]
    plain = [event for event in worded if not event.styled]
    unsung = [event for event in plain if not event.karaoke]
    placed = sum(event.placed for event in unsung) * 2 <= len(unsung)
    sorted_out: list[tuple[_Event, str]] = []
    for event in worded:
        role = event.styled or ("song" if event.karaoke and unsung else "")
        if not role and placed and event.placed and _is_sign(event, unsung):
            role = "sign"
        sorted_out.append((event, role))
    return sorted_out, [event for event, role in sorted_out if role == "sign"], changes


def _is_sign(event: _Event, spoken: Sequence[_Event]) -> bool:
    """A placed one among others that are not: unless it is named, or ends like a sentence while nobody else speaks."""
    if _SET.search(event.tags):
        return True
    if event.cue.speaker or not event.cue.text.strip():
        return False
    others = (one.cue for one in spoken if not one.placed)
    at_once = any(one.start_ms < event.cue.end_ms and event.cue.start_ms < one.end_ms for one in others)
    return at_once or not _SENTENCE.search(event.cue.text.strip())


def _sung(cue: Cue) -> Cue:
    text = one_row(cue.text)
    return Cue(cue.start_ms, cue.end_ms, f"♪ {text} ♪" if text else "", cue.where)


def _parsed(text: str, suffix: str, name: str) -> list[tuple[int, Any]]:
    """The events with their line numbers. Nothing else is handed on: styles and fonts can be broken or huge."""
    import pysubs2

    rows = [(number, row.lstrip()) for number, row in enumerate(text.split("\n"), start=1)]
    rows = [(number, row) for number, row in rows if row.startswith(_EVENTS)]

    def read(chosen: Sequence[tuple[int, str]]) -> Any:
        body = "\n".join(["[Events]", *(row for _, row in chosen)])
        return pysubs2.SSAFile.from_string(body, format_=suffix[1:]).events

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return list(zip((number for number, _ in rows), read(rows), strict=True))
        except (pysubs2.Pysubs2Error, ValueError, TypeError, IndexError, KeyError):
            for row in rows:
                try:
                    read([row])
                except (pysubs2.Pysubs2Error, ValueError, TypeError, IndexError, KeyError) as error:
                    raise BadInputError(
                        f"The subtitles {name!r}, line {row[0]}, cannot be read as {suffix[1:].upper()}: {error}"[:300],
                        "Check the file.",
                    ) from error
            raise


def _event(parsed: Any, number: int, name: str) -> _Event:
    words, tags, drawn = _without_overrides(parsed.text)
    text = "" if parsed.is_comment else words
    cue = checked(Cue(parsed.start, parsed.end, text, f"line {number}", " ".join(parsed.name.split())), name)
    return _Event(cue, parsed.style, parsed.effect, tags, drawn or parsed.is_comment)


def _without_overrides(text: str) -> tuple[str, str, bool]:
    """Words, all overrides together, and whether something was drawn. A brace that never closes is a word's."""
    words: list[str] = []
    tags: list[str] = []
    at, drawing, drawn = 0, False, False
    while at < len(text):
        begin = text.find("{", at)
        end = text.find("}", begin) if begin >= 0 else -1
        if begin > at and text[begin - 1] == "\\":
            words.append("" if drawing else text[at : begin - 1] + "{")
            at = begin + 1
            continue
        words.append("" if drawing else text[at : begin if end >= 0 else len(text)])
        if end < 0:
            break
        tags.append(text[begin + 1 : end])
        for found in _DRAWN.finditer(tags[-1]):
            drawing = found[1] != "0"
            drawn = drawn or drawing
        at = end + 1
    plain = "".join(words).replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ").replace("\\}", "}")
    return plain, "".join(tags), drawn

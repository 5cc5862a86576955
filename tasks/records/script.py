"""A script: who says what, and when, in one language."""

from __future__ import annotations

import re

from tasks.records.record import Milliseconds, Record


class Word(Record):
    """One word with its time in the source."""

    text: str
    start_ms: Milliseconds
    end_ms: Milliseconds


class Line(Record):
    """One utterance: the unit that is translated, spoken, fitted and subtitled.

    ``language``: BCP-47 tag, where the script says of this line that it is in another language than the others.
    """

    id: int
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str
    speaker: str = "S1"
    words: tuple[Word, ...] = ()
    language: str = ""

    @property
    def named(self) -> bool:
        """Whether the subtitles said who speaks; ``S1``, ``S2`` ... are no names."""
        return re.fullmatch(r"S\d*", self.speaker) is None


class Passage(Record):
    """What the original voices do besides speaking, as the subtitles say: ``♪ la la``, ``(laughs)``.

    Of a dub also the lines that are in its language already. A passage is neither translated nor synthesised: its
    original sound stays in the mix.
    """

    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str


class Speaker(Record):
    """Somebody who speaks in the title; ``pitch_hz`` is the median fundamental, 0 where unknown."""

    id: str
    pitch_hz: float = 0.0
    speech_ms: Milliseconds = 0


class Change(Record):
    """A cue of a script that was left out or changed on its way to lines, and why.

    Attributes:
        where: its place in the file: ``line 12``, ``segment 3``.
        start_ms: as the file has it; may be negative.
        text: as the file has it, without markup.
        became: what is spoken of it; empty where nothing is.
        reason: to be read after "3 cues".
    """

    where: str
    start_ms: int
    text: str
    became: str = ""
    reason: str


class Script(Record):
    """All lines of one language, in order of time.

    Attributes:
        language: BCP-47 tag of the text.
        lines: ordered by ``start_ms``.
        speakers: who speaks; empty before diarization.
        origin: where the text comes from: a backend's name, or ``"subtitles"``.
        notes: fallbacks and limits to tell the user.
        kept: songs and sounds (and, in a dub, lines) that stay as they are in the original, in order of time; they may
            overlap lines.
        changes: what of the user's script was left out or changed, cue by cue; of a dub none.
    """

    language: str
    lines: tuple[Line, ...]
    speakers: tuple[Speaker, ...] = ()
    kept: tuple[Passage, ...] = ()
    origin: str = ""
    notes: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

"""What a person wants of how a line is spoken."""

from __future__ import annotations

from tasks.records.record import Record


class Direction(Record):
    """How one line is spoken.

    Attributes:
        line: its id.
        voice: the backend's name of the voice; empty: its speaker's.
        take: number of the reading, from 1; 0: the best.
        recording: name of the take that somebody recorded, and that is heard instead of a voice; empty: none.
        pronunciation: ``(word, respelling, IPA)``, the last two may be empty; before the lexicon.
    """

    line: int
    voice: str = ""
    take: int = 0
    pronunciation: tuple[tuple[str, str, str], ...] = ()
    recording: str = ""

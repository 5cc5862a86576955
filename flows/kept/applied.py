"""A source script as people's edits make it, and what they want of the dub of each line. Pure and deterministic.

Edits are applied in the order in which they were made; those that were taken back are none. What does not fit is left
out, and listed with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flows.kept.edit import FIELDS, Change, Edit, Saying
from tasks.records.direction import Direction
from tasks.records.script import Line, Script, Speaker

_SHOWN = 60  # characters of a text in a note
#: What a locked line still takes.
_ALWAYS = frozenset({"lock", "note"})
_ON_THE_SOURCE = ("source", "start_ms", "end_ms", "speaker")
_ON_THE_DUB = ("text", "voice", "take", "level_db", "pronunciation", "keep", "mute", "recording")


@dataclass(frozen=True)
class Place:
    """Where an edit's line is in a script.

    Attributes:
        line: it; None where it is gone or in doubt.
        why: it is not there.
        moved_ms: how much later it begins than where the edit was made.
    """

    line: Line | None
    why: str = ""
    moved_ms: int = 0


@dataclass(frozen=True)
class Row:
    """A line as people want it.

    Attributes:
        line: in the source, with its time and speaker.
        of: the script's line that it is, or that it was split from or put beside.
        part: as `Edit.part`.
        text: what is spoken, where a person said so.
        voice: as `Change.voice`; empty: the speaker's.
        take: as `Change.take`; 0: the best.
        level_db: as `Change.level_db`.
        pronunciation: as `Change.pronunciation`.
        keep: the original is heard.
        recording: as `Change.recording`; empty: none.
        mute: nothing is spoken.
        lock: nothing is changed any more.
        edits: that are in force on it, oldest first.
    """

    line: Line
    of: Line
    part: int = 0
    text: str | None = None
    voice: str = ""
    take: int = 0
    level_db: float = 0.0
    pronunciation: tuple[Saying, ...] = ()
    keep: bool = False
    recording: str = ""
    mute: bool = False
    lock: bool = False
    edits: tuple[Edit, ...] = ()

    @property
    def note(self) -> str:
        """What somebody noted last."""
        return next((edit.change.note for edit in reversed(self.edits) if edit.change.note is not None), "")

    @property
    def is_reshaped(self) -> bool:
        """Whether it was split, merged or put in."""
        return bool(self.part) or any(edit.change.split or edit.change.merge for edit in self.edits)

    @property
    def direction(self) -> Direction | None:
        """How it is spoken, where a person said so."""
        said = tuple((one.word, one.say, one.ipa) for one in self.pronunciation)
        found = Direction(
            line=self.line.id, voice=self.voice, take=self.take, pronunciation=said, recording=self.recording
        )
        return None if found == Direction(line=self.line.id) else found


@dataclass(frozen=True)
class Applied:
    """The lines of a source script as people want them.

    Attributes:
        rows: in order of time.
        stray: edits that fit no line, in the order in which they were made, each with the reason.
        damaged: records that cannot be read.
        unreadable: why none of them can be; empty where they can.
    """

    rows: tuple[Row, ...] = ()
    stray: tuple[tuple[Edit, str], ...] = ()
    damaged: tuple[str, ...] = ()
    unreadable: str = ""

    @property
    def texts(self) -> dict[str, str]:
        """What is spoken where a person said so, by line id; empty where nothing is."""
        texts = {row.line.id: "" if row.mute else row.text for row in self.rows if row.mute or row.text is not None}
        return {str(line): text for line, text in sorted(texts.items()) if text is not None}

    @property
    def kept(self) -> tuple[int, ...]:
        """Ids of the lines whose original is heard."""
        return tuple(row.line.id for row in self.rows if row.keep)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """How lines are spoken, where a person said so."""
        return tuple(found for row in self.rows if (found := row.direction) is not None)

    @property
    def levels(self) -> dict[int, float]:
        """Decibels by line id, where a person said so."""
        return {row.line.id: row.level_db for row in self.rows if row.level_db}

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not applied, and why."""
        return (*self.damaged, *(note_of(edit, why) for edit, why in self.stray))

    @property
    def facts(self) -> dict[str, Any]:
        """All that the dub depends on, for its key; of texts alone as versions before had it."""
        source = [row.line.model_dump(mode="json", exclude={"words"}) for row in self.rows if row.line != row.of]
        created = [row.line.id for row in self.rows if row.part]
        found: dict[str, Any] = {
            "source": source,
            "lines": [row.line.id for row in self.rows] if created or self._merged else [],
            "kept": list(self.kept),
            "directions": [
                one.model_dump(mode="json", exclude=None if one.recording else {"recording"}) for one in self.directions
            ],
            "levels": {str(line): level for line, level in self.levels.items()},
            "not applied": [*self.notes, self.unreadable] if self.unreadable else list(self.notes),
        }
        told = {name: value for name, value in found.items() if value}
        return {"texts": self.texts, **told} if told else dict(self.texts)

    @property
    def is_spoken_otherwise(self) -> bool:
        """Whether a line is spoken otherwise than the machine would have it, or another one."""
        return bool(self.facts.keys() - {"levels", "not applied", "texts"} or self.texts)

    @property
    def _merged(self) -> bool:
        return any(edit.change.merge for row in self.rows for edit in row.edits)

    def on(self, script: Script) -> Script:
        """The source script with these lines; itself where nothing of it is changed."""
        lines = tuple(row.line for row in self.rows)
        if lines == script.lines:
            return script
        known = {speaker.id for speaker in script.speakers}
        new = dict.fromkeys(line.speaker for line in lines if line.speaker not in known)
        speakers = (*script.speakers, *(Speaker(id=who) for who in new)) if script.speakers else script.speakers
        return script.model_copy(update={"lines": lines, "speakers": speakers})


@dataclass
class _Open:
    """A line while edits are applied; what is decided on its own, by name, beside what a split or a merge left."""

    line: Line
    of: Line
    part: int = 0
    decided: dict[str, Any] = field(default_factory=dict)
    by: dict[str, Edit] = field(default_factory=dict)
    locked: int = 0
    edits: list[Edit] = field(default_factory=list)

    @property
    def now(self) -> Line:
        """As it is in the source."""
        names = {"source": "text", "start_ms": "start_ms", "end_ms": "end_ms", "speaker": "speaker"}
        update = {names[name]: self.decided[name] for name in _ON_THE_SOURCE if name in self.decided}
        if not update:
            return self.line
        timed = {"words": ()} if update.keys() & {"text", "start_ms", "end_ms"} else {}
        return self.line.model_copy(update={**update, **timed})

    def settled(self) -> None:
        """What was decided of the source is what it is from now on."""
        self.line = self.now
        for name in _ON_THE_SOURCE:
            self.decided.pop(name, None)

    def row(self) -> Row:
        wanted = {name: self.decided[name] for name in _ON_THE_DUB if name in self.decided}
        return Row(line=self.now, of=self.of, part=self.part, lock=bool(self.locked), edits=tuple(self.edits), **wanted)


class _Refusal(Exception):
    """Why an edit is not applied."""


class _Applying:
    def __init__(
        self,
        lines: Sequence[Line],
        place: Callable[[Edit], Place],
        same: Callable[[Edit, Edit], bool],
        until_ms: int,
    ) -> None:
        self._open = {line.id: _Open(line, line) for line in lines}
        self._made: dict[int, int] = {}  # by the number of the edit that made a line, its id
        self._gone: dict[int, str] = {}
        self._next = max(self._open, default=0) + 1
        self._place, self._same, self._until_ms = place, same, until_ms
        self.stray: list[tuple[Edit, str]] = []

    def take(self, edit: Edit) -> None:
        self._overtaken(edit)
        place = self._place(edit)
        try:
            self._apply(edit, self._line(edit, place), place.moved_ms)
        except _Refusal as refusal:
            if edit.change.decided - set(edit.change.reset):
                self.stray.append((edit, str(refusal)))

    def rows(self) -> tuple[Row, ...]:
        found = (one.row() for one in self._open.values())
        return tuple(sorted(found, key=lambda row: (row.line.start_ms, row.line.end_ms, row.line.id)))

    def _overtaken(self, edit: Edit) -> None:
        """An edit that fits no line is not mentioned any more once a later one of its line decides the same."""
        self.stray = [
            (one, why)
            for one, why in self.stray
            if not (one.change.decided <= edit.change.decided and one.part == edit.part and self._same(one, edit))
        ]

    def _line(self, edit: Edit, place: Place) -> _Open:
        if edit.part:
            number = self._made.get(edit.part)
            if number is None:
                raise _Refusal(f"edit {edit.part}, which made its line, was taken back or does not fit")
        elif place.line is None:
            raise _Refusal(place.why)
        else:
            number = place.line.id
        if number not in self._open:
            raise _Refusal(self._gone.get(number, "the line is gone"))
        return self._open[number]

    def _apply(self, edit: Edit, one: _Open, moved_ms: int) -> None:
        change = edit.change
        if one.locked and change.lock is not False and change.decided - _ALWAYS:
            raise _Refusal(f"the line is locked (edit {one.locked})")
        decided = self._decided(change, one, moved_ms)
        if change.split is not None:
            self._split(edit, one, moved_ms)
        elif change.merge is not None:
            self._merge(edit, one)
        elif change.insert is not None:
            self._insert(edit, one, moved_ms)
        self._displaced(edit, one)
        one.decided = {name: value for name, value in one.decided.items() if name not in change.reset} | decided
        one.by |= dict.fromkeys(change.decided, edit)
        if change.lock is not None:
            one.locked = edit.number if change.lock else 0
        one.edits.append(edit)

    def _decided(self, change: Change, one: _Open, moved_ms: int) -> dict[str, Any]:
        found: dict[str, Any] = {name: value for name in FIELDS if (value := getattr(change, name)) is not None}
        for name in ("start_ms", "end_ms"):
            if name in found:
                found[name] += moved_ms
        if found.keys() & {"start_ms", "end_ms"} or {"start_ms", "end_ms"} & set(change.reset):
            kept = {name: value for name, value in one.decided.items() if name not in change.reset}
            after = replace(one, decided={**kept, **found}).now
            found |= self._bounded(after.start_ms, after.end_ms, found)
        return found

    def _bounded(self, start_ms: int, end_ms: int, found: dict[str, Any]) -> dict[str, Any]:
        """The end, where it is decided, not behind the title's."""
        if start_ms < 0 or start_ms >= end_ms:
            raise _Refusal(f"the line would last from {start_ms} to {end_ms} ms")
        if self._until_ms and start_ms >= self._until_ms:
            raise _Refusal(f"the line would begin ({start_ms} ms) after the end ({self._until_ms} ms)")
        if self._until_ms and "end_ms" in found:
            return {"end_ms": min(end_ms, self._until_ms)}
        return {}

    def _displaced(self, edit: Edit, one: _Open) -> None:
        """Edits of another line that the same words meant until this one came."""
        for name in edit.change.decided:
            before = one.by.get(name)
            if before is None or before.part or edit.part or self._same(before, edit):
                continue
            if all(entry[0] is not before for entry in self.stray):
                self.stray.append((before, "another edit took its line"))
            one.edits = [other for other in one.edits if other is not before]

    def _split(self, edit: Edit, one: _Open, moved_ms: int) -> None:
        split = edit.change.split
        assert split is not None
        at_ms, whole = split.at_ms + moved_ms, one.now
        if not whole.start_ms < at_ms < whole.end_ms:
            raise _Refusal(f"the line has no {at_ms} ms: it lasts from {whole.start_ms} to {whole.end_ms} ms")
        one.settled()
        first, second = (
            whole.model_copy(
                update={"text": text, "start_ms": start, "end_ms": end, "words": _within(whole, start, end)}
            )
            for text, start, end in zip(split.source, (whole.start_ms, at_ms), (at_ms, whole.end_ms), strict=True)
        )
        rest = {name: value for name, value in one.decided.items() if name not in ("text", "recording")}
        texts = split.text or (None, None)
        one.line = first
        one.decided = rest | ({} if texts[0] is None else {"text": texts[0]})
        made = self._new(edit, second, one)
        made.decided = rest | ({} if texts[1] is None else {"text": texts[1]})

    def _merge(self, edit: Edit, one: _Open) -> None:
        merge = edit.change.merge
        assert merge is not None
        asked = edit.model_copy(update={"line": merge.line, "part": merge.part})
        other = self._line(asked, self._place(asked))
        follows = next((row.line.id for row in self.rows() if _after(row.line, one.now)), None)
        if other is one or other.now.id != follows:
            raise _Refusal("the line after it is another one now")
        if other.locked:
            raise _Refusal(f"the line after it is locked (edit {other.locked})")
        one.settled()
        end_ms = max(one.line.end_ms, other.now.end_ms)
        one.line = one.line.model_copy(update={"text": merge.source, "end_ms": end_ms, "words": ()})
        one.decided.pop("text", None)
        one.decided.pop("recording", None)
        if merge.text is not None:
            one.decided["text"] = merge.text
        del self._open[other.line.id]
        self._gone[other.line.id] = f"it was merged with the line before it (edit {edit.number})"

    def _insert(self, edit: Edit, one: _Open, moved_ms: int) -> None:
        insert = edit.change.insert
        assert insert is not None
        start_ms, end_ms = insert.start_ms + moved_ms, insert.end_ms + moved_ms
        end_ms = self._bounded(start_ms, end_ms, {"end_ms": end_ms}).get("end_ms", end_ms)
        speaker = insert.speaker or one.now.speaker
        line = Line(id=0, start_ms=start_ms, end_ms=end_ms, text=insert.source, speaker=speaker)
        made = self._new(edit, line, one)
        if insert.text is not None:
            made.decided["text"] = insert.text

    def _new(self, edit: Edit, line: Line, beside: _Open) -> _Open:
        made = _Open(line.model_copy(update={"id": self._next}), beside.of, edit.number, edits=[edit])
        self._open[self._next] = made
        self._made[edit.number] = self._next
        self._next += 1
        return made


def applied(
    lines: Sequence[Line],
    edits: Sequence[Edit],
    place: Callable[[Edit], Place],
    same: Callable[[Edit, Edit], bool],
    until_ms: int = 0,
) -> Applied:
    """The lines of a source script as edits make them.

    Args:
        lines: in order of time.
        edits: numbered, oldest first.
        place: where an edit's line is in this script.
        same: whether two edits are of the same line of the script that each was made against.
        until_ms: where the title ends; 0 where that is not known.
    """
    applying = _Applying(lines, place, same, until_ms)
    for edit in in_force(edits):
        applying.take(edit)
    return Applied(applying.rows(), tuple(sorted(applying.stray, key=lambda one: one[0].number)))


def in_force(edits: Sequence[Edit]) -> list[Edit]:
    """Edits that were not taken back; taking back a taking back puts an edit in force again."""
    undone: set[int] = set()
    for edit in reversed(edits):
        if edit.undoes and edit.number not in undone:
            undone.add(edit.undoes)
    return [edit for edit in edits if edit.number not in undone and not edit.undoes]


def note_of(edit: Edit, why: str) -> str:
    """A note about an edit that is not applied."""
    of = short(edit.words) if edit.words else f"line {edit.line}"
    to = f" to {short(edit.text)}" if edit.text is not None else f" ({', '.join(sorted(edit.change.decided))})"
    return f"The edit of {of}{to} is not applied: {why}."


def short(text: str) -> str:
    """The beginning of a text, quoted, in one row."""
    text = " ".join(text.split())
    return f'"{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"}"'


def _after(line: Line, one: Line) -> bool:
    return (line.start_ms, line.end_ms, line.id) > (one.start_ms, one.end_ms, one.id)


def _within(line: Line, start_ms: int, end_ms: int) -> tuple[Any, ...]:
    return tuple(word for word in line.words if start_ms <= word.start_ms and word.end_ms <= end_ms)

"""One decision of a person about one line of a dub, as it is kept. Every way to edit makes this record.

A record comes from a page, a command or a translator's file, and is read again years later: `Edit` checks it each time.
"""

from __future__ import annotations

import getpass
import json
import math
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from tasks.records.record import Milliseconds, Record

LONGEST = 20_000
"""Characters of a text; a line that is spoken in ten minutes has fewer."""
LOUDEST_DB = 24.0


def sayable(text: str) -> str:
    """A text that can be kept and shown: no lone surrogate, no control character but a line break."""
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ValueError("it has half a character (a lone surrogate)")
    if any(sign < " " and sign not in "\n\t" for sign in text):
        raise ValueError("it has a control character")
    return text


def _decibels(value: float) -> float:
    if not math.isfinite(value) or abs(value) > LOUDEST_DB:
        raise ValueError(f"it must be between -{LOUDEST_DB:g} and {LOUDEST_DB:g} dB")
    return value


Text = Annotated[str, Field(max_length=LONGEST), AfterValidator(sayable)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(sayable)]
Decibels = Annotated[float, AfterValidator(_decibels)]
Whole = Annotated[int, Field(ge=0, lt=1 << 31)]


class Saying(Record):
    """How a word of a line is pronounced: as another word (``say``), in ``ipa``, or both."""

    word: Name
    say: Text = ""
    ipa: Text = ""

    @model_validator(mode="after")
    def _said(self) -> Saying:
        if not (self.say.strip() or self.ipa.strip()):
            raise ValueError(f"how {self.word!r} is said is missing")
        return self


class Split(Record):
    """A line becomes two.

    Attributes:
        at_ms: where the second begins.
        source: what each says in the source.
        text: what each says in the dub; None where it is to be translated.
    """

    at_ms: Milliseconds
    source: tuple[Text, Text]
    text: tuple[Text, Text] | None = None


class Merge(Record):
    """A line takes in the next one.

    Attributes:
        line: id of the next one, in the same script.
        part: as `Edit.part`, of the next one.
        source: what both say together in the source.
        text: what they say in the dub; None where it is to be translated.
    """

    line: Whole
    part: Whole = 0
    source: Text
    text: Text | None = None


class Insert(Record):
    """A line that the script does not have, beside the edit's own.

    Attributes:
        start_ms: where it begins.
        end_ms: where it ends.
        source: what it says in the source; empty where it only is in the dub.
        text: what it says in the dub; None where it is to be translated.
        speaker: who says it; empty: as the edit's own line.
    """

    start_ms: Milliseconds
    end_ms: Milliseconds
    source: Text = ""
    text: Text | None = None
    speaker: Annotated[str, Field(max_length=200), AfterValidator(sayable)] = ""

    @model_validator(mode="after")
    def _sounds(self) -> Insert:
        if self.start_ms >= self.end_ms:
            raise ValueError("it would end before it begins")
        if self.text is None and not self.source.strip():
            raise ValueError("it says nothing: give a text, or its source")
        return self


FieldName = Literal[
    "text",
    "source",
    "start_ms",
    "end_ms",
    "speaker",
    "voice",
    "take",
    "level_db",
    "pronunciation",
    "keep",
    "mute",
    "recording",
]
FIELDS: tuple[FieldName, ...] = FieldName.__args__  # type: ignore[attr-defined]
"""What of a line is decided on its own, and can go back to what the machine made."""


class Change(Record):
    """What an edit decides; what is None stays as it is.

    Attributes:
        text: what is spoken; empty: nothing.
        source: what the line says in the source, which is then translated.
        start_ms: where it begins.
        end_ms: where it ends.
        speaker: who says it.
        voice: the backend's name of the voice that says it, of any speaker.
        take: number of the reading, from 1, of a voice that reads a line in several ways.
        level_db: louder (above 0) or softer than the mix would have it.
        pronunciation: of words in this line.
        keep: the original is heard instead of a dub.
        recording: name of the recorded take that is heard instead of a voice (`tasks.synthesize.recorded`).
        mute: nothing is spoken; the text stays.
        lock: nothing of the line is changed any more, by a person or the machine.
        note: to those who read it; changes nothing.
        split: into two.
        merge: with the next one.
        insert: another line.
        reset: what goes back to what the machine made.
    """

    text: Text | None = None
    source: Text | None = None
    start_ms: Milliseconds | None = None
    end_ms: Milliseconds | None = None
    speaker: Name | None = None
    voice: Name | None = None
    take: Annotated[int, Field(ge=1, le=99)] | None = None
    level_db: Decibels | None = None
    pronunciation: Annotated[tuple[Saying, ...], Field(max_length=100)] | None = None
    keep: bool | None = None
    mute: bool | None = None
    recording: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    lock: bool | None = None
    note: Text | None = None
    split: Split | None = None
    merge: Merge | None = None
    insert: Insert | None = None
    reset: tuple[FieldName, ...] = ()

    @model_validator(mode="after")
    def _possible(self) -> Change:
        if self.start_ms is not None and self.end_ms is not None and self.start_ms >= self.end_ms:
            raise ValueError(f"it would end ({self.end_ms} ms) before it begins ({self.start_ms} ms)")
        if sum(one is not None for one in (self.split, self.merge, self.insert)) > 1:
            raise ValueError("a line is split, merged or joined by another one at a time")
        if twice := [name for name in self.reset if getattr(self, name) is not None]:
            raise ValueError(f"{', '.join(twice)}: set and taken back at once")
        return self

    @property
    def decided(self) -> frozenset[str]:
        """Names of what it sets or takes back."""
        return frozenset(self.model_dump(exclude_none=True, exclude={"reset"})) | set(self.reset)


class Edit(Record):
    """A decision about a line.

    Attributes:
        number: in the order of a title's and language's edits, from 1; given when it is added.
        who: the user's name.
        when: ISO 8601, UTC.
        why: as they said; may be empty.
        source: how it came here.
        script: digest of the source script that ``line`` counts in; empty where that is not known.
        line: id of the line there.
        part: number of the edit that made the line, by a split or an insertion; 0: the script has it.
        words: what the line says in the source.
        machine: the text that stood there before any edit; None where that is not known.
        change: what is decided.
        undoes: number of the edit that is taken back; 0: none.
    """

    number: Whole = 0
    who: Annotated[str, Field(max_length=200)] = ""
    when: Annotated[str, Field(max_length=40)] = ""
    why: Annotated[str, Field(max_length=LONGEST)] = ""
    source: Literal["import", "earlier version", "command", "page"] = "import"
    script: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""
    line: Whole
    part: Whole = 0
    words: str = ""
    machine: str | None = None
    change: Change = Change()
    undoes: Whole = 0

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, stored: Any) -> Any:
        """Until 0.1 an edit was a text, or None where an earlier one was taken back."""
        if isinstance(stored, dict) and "text" in stored and "change" not in stored:
            text = stored["text"]
            change = {"reset": ["text"]} if text is None else {"text": text}
            return {**{name: value for name, value in stored.items() if name != "text"}, "change": change}
        return stored

    @property
    def text(self) -> str | None:
        """What is spoken; None where the edit does not say."""
        return self.change.text


def in_words(edit: Edit) -> str:
    """What an edit decides, in one row."""
    line = f"line {edit.line}" + (f" (made by edit {edit.part})" if edit.part else "")
    if edit.undoes:
        return f"edit {edit.undoes} taken back"
    given = edit.change.model_dump(mode="json", exclude_defaults=True)
    said = [f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in given.items()]
    return f"{line}: {', '.join(said)}"


def signed(why: str = "") -> dict[str, Any]:
    """User name, time and reason for an `Edit`."""
    try:
        who = getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        who = ""
    return {"who": who, "when": datetime.now(UTC).isoformat(timespec="seconds"), "why": why}

"""Edits that the page sends: made against the state that it saw, and refused where somebody changed that meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from flows.kept.applied import Row
from flows.kept.dub_lines import DubLines, changed
from flows.kept.edit import Change, Edit, Insert, Text
from flows.kept.edits import ChangedMeanwhileError
from flows.review.lines import key_of, parsed_key, revision_of
from tasks.records.errors import BadInputError

_MOST = 500
Opened = Callable[[], DubLines]


class Wanted(BaseModel):
    """A decision about a line.

    Attributes:
        line: its ``key``; empty for an insertion.
        change: fields of `flows.kept.edit.Change`: ``text``, ``source``, ``start_ms``, ``end_ms``, ``speaker``,
            ``voice``, ``take``, ``level_db``, ``pronunciation``, ``keep``, ``mute``, ``lock``, ``note``, ``insert``,
            ``reset``.
        split_at_ms: where the line becomes two.
        split_texts: what each of the two says in the dub; None: the words are shared out.
        merge_with_next: it takes in the next line, and says what both say.
    """

    model_config = ConfigDict(extra="forbid")

    line: Annotated[str, Field(max_length=40)] = ""
    change: dict[str, Any] = {}
    split_at_ms: int | None = None
    split_texts: tuple[Text, Text] | None = None
    merge_with_next: bool = False


class WantedEdits(BaseModel):
    """Decisions that are kept together or not at all, against the state that was seen (``revision``)."""

    model_config = ConfigDict(extra="forbid")

    revision: Annotated[str, Field(max_length=80)]
    edits: Annotated[list[Wanted], Field(min_length=1, max_length=_MOST)]
    why: Text = ""


class Undo(BaseModel):
    """An edit that is taken back, by its number."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[int, Field(ge=1, lt=1 << 31)]
    why: Text = ""


@dataclass
class OvertakenError(Exception):
    """Somebody changed the same line since it was seen: nothing was kept.

    Attributes:
        dub: as it is now.
        lines: keys of the lines that were changed.
        since: the edits that did.
    """

    dub: DubLines
    lines: tuple[str, ...]
    since: tuple[Edit, ...]


def keep(opened: Opened, wanted: WantedEdits, sign: dict[str, Any]) -> tuple[DubLines, tuple[Edit, ...]]:
    """Keep edits; returns the lines as they are then, and the edits with their numbers.

    Args:
        opened: reads the lines as they are now.
        wanted: the edits.
        sign: who, when and why.

    Raises:
        OvertakenError: somebody changed one of the lines since.
        BadInputError: an edit does not fit.
    """
    while True:
        dub = opened()
        edits, seen = decided(dub, wanted, sign), dub.edits.count
        try:
            return dub, dub.add(edits, seen)
        except ChangedMeanwhileError:
            continue


def decided(dub: DubLines, wanted: WantedEdits, sign: dict[str, Any]) -> list[Edit]:
    """The edits, to be kept.

    Args:
        dub: the lines as they are now.
        wanted: the edits.
        sign: who, when and why.

    Raises:
        OvertakenError: somebody changed one of the lines since.
        BadInputError: an edit does not fit.
    """
    since = _since(dub, wanted.revision)
    touched = _touched(dub, since)
    edits, overtaken = [], []
    for one in wanted.edits:
        place = parsed_key(one.line)
        if place is not None and (place in touched or (since and dub.row_at(*place) is None)):
            overtaken.append(one.line)
            continue
        row, change = _change(dub, one)
        if (row.of.id, row.part) in touched and change.insert is not None:
            overtaken.append(key_of(row))
            continue
        if change.merge is not None and (change.merge.line, change.merge.part) in touched:
            overtaken.append(f"{change.merge.line}-{change.merge.part}")
            continue
        edits.append(dub.edit(row, change, sign))
    if overtaken:
        raise OvertakenError(dub, tuple(overtaken), since)
    return edits


def _since(dub: DubLines, revision: str) -> tuple[Edit, ...]:
    """The edits that were kept after a state.

    Raises:
        OvertakenError: it was of another script.
    """
    script, _, count = revision.partition(".")
    if not (count.isascii() and count.isdigit() and len(count) < 10):
        raise BadInputError("The revision is none.", "Send the one that came with the lines.")
    if script != revision_of(dub).partition(".")[0]:
        raise OvertakenError(dub, (), ())
    return tuple(edit for edit in dub.edits.records if edit.number > int(count))


def _touched(dub: DubLines, edits: Sequence[Edit]) -> set[tuple[int, int]]:
    """The lines that edits are about."""
    onto, found = dub.edits.onto(dub.lines), set()
    for edit in edits:
        place = onto(edit).line
        line = place.id if place is not None else edit.line
        found.add((line, edit.part))
        if edit.change.merge is not None:
            found.add((edit.change.merge.line, edit.change.merge.part))
        if edit.change.split is not None or edit.change.insert is not None:
            found.add((line, edit.number))
    return found


def _change(dub: DubLines, one: Wanted) -> tuple[Row, Change]:
    fields = dict(one.change)
    shapes = (one.split_at_ms is not None, one.merge_with_next, "insert" in fields)
    if fields.keys() & {"split", "merge"}:
        raise BadInputError("A split or merge is asked for by split_at_ms or merge_with_next.")
    if sum(shapes) > 1:
        raise BadInputError("A line is split, merged or joined by another one, one at a time.")
    if "insert" in fields:
        change = changed(fields, "insert")
        if change.decided != {"insert"} or not isinstance(change.insert, Insert):
            raise BadInputError("An insertion stands alone.")
        return dub.insert(change.insert)
    place = parsed_key(one.line)
    row = dub.row_at(*place) if place is not None else None
    if row is None:
        raise BadInputError(f"There is no line {one.line[:40]!r}.", "Look at the lines again.")
    shape: dict[str, Any] = {}
    if one.split_at_ms is not None:
        shape = dub.split(row, one.split_at_ms, one.split_texts).model_dump(exclude_defaults=True)
    elif one.merge_with_next:
        shape = dub.merge(row, as_seen=True).model_dump(exclude_defaults=True)
    change = changed({**dub.locking(row, fields), **shape}, f"line {row.line.id}")
    if not change.decided:
        raise BadInputError("Nothing to change was given.")
    return row, change

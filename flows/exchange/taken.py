"""What a file that comes back changes: its lines are found, compared with what went out, and become edits.

Everything that differs is taken, or refused with line and field; then nothing is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.exchange.exported import exported, strays_of
from flows.kept.applied import Row, short
from flows.kept.dub_lines import DubLines, changed
from flows.kept.edit import FIELDS, Change, Edit
from tasks.exchange.table import KIND, File
from tasks.records.errors import BadInputError
from tasks.records.script import Line

_SHOWN = 20  # refusals that are listed
#: Fields of a line that are not decided in a file.
_FIXED = ("id", "machine", "of", "part")
#: Fields that a line only has where they were decided.
_OPTIONAL = frozenset({"voice", "take", "level_db", "pronunciation", "keep", "mute", "lock", "note"})
_OVERLAP = 0.5


@dataclass(frozen=True)
class Taken:
    """What a file changes.

    Attributes:
        edits: to be added.
        changes: each in a row of words.
        notes: what of the file is not taken.
    """

    edits: tuple[Edit, ...]
    changes: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def taken_back(self) -> int:
        """How many of them only take something back."""
        return sum(edit.change.decided == set(edit.change.reset) for edit in self.edits)


@dataclass(frozen=True)
class _Found:
    """A line of the file: whose it is, as it is now, and as it went out."""

    row: Row
    now: dict[str, Any]
    before: dict[str, Any]
    as_exported: bool


def take(dub: DubLines, file: File, sign: dict[str, Any]) -> Taken:
    """What a file changes in a dub; nothing is kept yet.

    Args:
        dub: its lines.
        file: as read.
        sign: author, time and reason of the edits.

    Raises:
        BadInputError: it is of another dub, or changes what cannot be changed; names every line and field.
    """
    refused = _of_another(dub, file)
    lines = _Lines(dub)
    edits, changes = [], []
    seen: Counter[int] = Counter()
    for given, where in zip(file.rows, file.where, strict=True):
        found = lines.find(given, where, refused)
        if found is None:
            continue
        seen[found.row.line.id] += 1
        if seen[found.row.line.id] > 1:
            refused.append(f"{where}: line {found.row.line.id} occurs {seen[found.row.line.id]} times")
            continue
        wanted = _changes(given, found, where, refused, loose=file.loose)
        if not wanted:
            continue
        try:
            edit = dub.edit(found.row, changed(_as_change(wanted, found), where), sign)
        except BadInputError as error:
            refused.append(error.what.rstrip("."))
            continue
        edits.append(edit)
        changes += [_in_words(found, name, value) for name, value in wanted.items()]
    back, told = _strays(dub, file, sign, refused)
    _refuse(refused)
    dub.tried(edits)
    return Taken((*edits, *back), (*changes, *told), file.notes)


def _of_another(dub: DubLines, file: File) -> list[str]:
    ours = {"title": (file.title, dub.title), "language": (file.language, dub.language)}
    return [f"{name} is {given!r}, not {own!r}" for name, (given, own) in ours.items() if given and given != own]


class _Lines:
    """Finds a file's lines: by the identity that went out with them, else by number, else by time."""

    def __init__(self, dub: DubLines) -> None:
        self._dub = dub
        self._now = {row.line.id: (row, exported(dub, row)) for row in dub.rows}
        self._rows = {(row.part, 0 if row.part else row.line.id): row for row in dub.applied.rows}
        self._exports: dict[str, Any] = {}
        self._onto = dub.edits.onto(dub.lines)

    def find(self, given: Mapping[str, Any], where: str, refused: list[str]) -> _Found | None:
        if given.get("key"):
            return self._by_key(str(given["key"]), where, refused)
        if "id" in given:
            found = self._now.get(given["id"])
            if found is None:
                refused.append(f"{where} is not a line of the dub")
                return None
            return _Found(found[0], found[1], found[1], as_exported=False)
        return self._by_time(given, where, refused)

    def _by_key(self, key: str, where: str, refused: list[str]) -> _Found | None:
        export, _, number = key.removeprefix("u").rpartition("-")
        if export not in self._exports:
            self._exports[export] = _export(self._dub, export)
        sent = self._exports[export]
        if sent is None:
            refused.append(f"{where}: {short(key)} is not a line that was exported from this store")
            return None
        before = sent["by number"].get(number)
        if before is None:
            refused.append(f"{where} is not a line of the dub")
            return None
        row = self._placed(sent["script"], before)
        if isinstance(row, str):
            refused.append(f"{where}, line {number} of the export: {row}")
            return None
        return _Found(row, exported(self._dub, row), before, as_exported=True)

    def _placed(self, script: str, before: Mapping[str, Any]) -> Row | str:
        asked = Edit(script=script, line=before["of"], part=before["part"])
        place = self._onto(asked)
        if place.line is None:
            return place.why
        return self._rows.get((before["part"], 0 if before["part"] else place.line.id), "the line is gone")

    def _by_time(self, given: Mapping[str, Any], where: str, refused: list[str]) -> _Found | None:
        start, end = given.get("start_ms"), given.get("end_ms")
        if not isinstance(start, int) or not isinstance(end, int):
            refused.append(f"{where} names no line, and has no time")
            return None
        same = [one for one in self._now.values() if (one[0].line.start_ms, one[0].line.end_ms) == (start, end)]
        if len(same) == 1:
            return _Found(*same[0], same[0][1], as_exported=True)
        over = [(_overlap(row.line, start, end), row.line.id) for row, _ in self._now.values()]
        best = sorted(over, reverse=True)[:2]
        if not best or best[0][0] < _OVERLAP or (len(best) > 1 and best[1][0] >= _OVERLAP):
            refused.append(f"{where} ({_clock(start)}): no line of the dub is clearly there")
            return None
        row, now = self._now[best[0][1]]
        return _Found(row, now, now, as_exported=True)


def _export(dub: DubLines, export: str) -> Any:
    """What went out under a name; the store may be written by others."""
    sent: Any = dub.store.read_note(KIND, export) if re.fullmatch(r"[0-9a-f]{32}", export) else None
    try:
        for line in sent["lines"]:
            int(line["id"]), int(line["of"]), int(line["part"])
        known = {"by number": {str(line["id"]): line for line in sent["lines"]}}
        return {**sent, **known} if isinstance(sent["script"], str) else None
    except (TypeError, KeyError, ValueError):
        return None


def _changes(given: Mapping[str, Any], found: _Found, where: str, refused: list[str], *, loose: bool) -> dict[str, Any]:
    """The fields that the file has otherwise than they went out."""
    wanted: dict[str, Any] = {}
    for name, value in given.items():
        if name == "text" and value == "" and found.before.get(name) is None:
            continue
        if name == "key" or (name == "text" and value is None and found.row.text is None):
            continue
        before, now = found.before.get(name), found.now.get(name)
        if _same(name, value, before, loose=loose) or _same(name, value, now, loose=loose):
            continue
        if name in _FIXED:
            refused.append(f"{where}: {name} is {value!r}, not {before!r}")
        elif name not in (*FIELDS, "lock", "note"):
            refused.append(f"{where}: {name} is not a field of a line")
        elif not found.as_exported and name in ("start_ms", "end_ms", "speaker", "source") and "id" in given:
            refused.append(f"{where}: {name} is {value!r}, not {now!r} (export the script again to change it)")
        elif not _same(name, before, now, loose=loose):
            who = _who(found.row, name)
            refused.append(f"{where}: {name} was changed meanwhile{who}, to {now!r}; the file says {value!r}")
        else:
            wanted[name] = value
    return wanted


def _as_change(wanted: Mapping[str, Any], found: _Found) -> dict[str, Any]:
    """Fields as a change: what the machine would have anyway goes back to it."""
    of = found.row.of
    machine: dict[str, Any] = {"voice": "", "take": 0, "level_db": 0, "pronunciation": []}
    if not found.row.is_reshaped:
        machine |= {"start_ms": of.start_ms, "end_ms": of.end_ms, "speaker": of.speaker, "source": of.text}
    machine |= {"text": found.now.get("machine")} if "machine" in found.now else {}
    reset = [
        name
        for name, value in wanted.items()
        if name in FIELDS and (value is None or (name in machine and _same(name, value, machine[name], loose=True)))
    ]
    kept = {name: value for name, value in wanted.items() if name not in reset}
    texts = {name: value.strip() for name, value in kept.items() if name == "text" and isinstance(value, str)}
    return {**kept, **texts, "reset": reset}


def _strays(dub: DubLines, file: File, sign: dict[str, Any], refused: list[str]) -> tuple[list[Edit], list[str]]:
    """Edits that fit no line, and that the file takes back."""
    own = {row["id"]: row for row in strays_of(dub)}
    edits, told = [], []
    for number, times in Counter(int(row["id"]) for row in file.strays).items():
        if times > 1:
            refused.append(f"no_longer_fitting {number} occurs {times} times")
    for given in file.strays:
        number = int(given["id"])
        if number not in own:
            refused.append(f"no_longer_fitting {number} is not an edit of the dub")
            continue
        for name, value in given.items():
            if name not in own[number]:
                refused.append(f"no_longer_fitting {number}: {name} is not a field of an edit")
            elif name != "text" and value != own[number][name]:
                refused.append(f"no_longer_fitting {number}: {name} is {value!r}, not {own[number][name]!r}")
        if given.get("text") not in (None, own[number]["text"]):
            refused.append(f"no_longer_fitting {number}: text can only become null")
        elif given.get("text") is None and own[number]["text"] is not None:
            edits.append(_taking_back(dub.applied.stray[number - 1][0], sign))
            told.append(f"the edit of {short(own[number]['source'])}, which fits no line, is taken back")
    return edits, told


def _taking_back(edit: Edit, sign: dict[str, Any]) -> Edit:
    """The edit that takes one back, and with it those before it that decided the same."""
    kept = edit.model_dump(include={"script", "line", "part", "words"})
    fields = tuple(name for name in FIELDS if name in edit.change.decided)
    if edit.change.decided - set(fields):
        return Edit(**{**kept, **sign}, undoes=edit.number)
    return Edit(**{**kept, **sign}, change=Change(reset=fields))


def _refuse(refused: Sequence[str]) -> None:
    if refused:
        rest = len(refused) - _SHOWN
        more = f"; and {rest} more" if rest > 0 else ""
        raise BadInputError(
            f"The file cannot be imported: {'; '.join(refused[:_SHOWN])}{more}.",
            "Nothing of it was taken. After another run, export the script again.",
        )


def _in_words(found: _Found, name: str, value: Any) -> str:
    line, before = found.row.line.id, found.now.get(name)
    if value is None:
        return f"line {line}: {name} goes back to the machine's"
    return f"line {line}: {name} {_said(before)} -> {_said(value)}"


def _said(value: Any) -> str:
    return short(value) if isinstance(value, str) else "nothing" if value is None else str(value)


def _who(row: Row, name: str) -> str:
    edit = next((edit for edit in reversed(row.edits) if name in edit.change.decided), None)
    return f" by {edit.who or 'somebody'} (edit {edit.number})" if edit else ""


def _same(name: str, one: Any, other: Any, *, loose: bool) -> bool:
    """Whether two values of a field are one; of what is only there where it was decided, nothing is nothing."""
    if name in _OPTIONAL and not (one or other):
        return True
    if isinstance(one, str) and isinstance(other, str):
        return one.split() == other.split() if loose else one == other
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _overlap(line: Line, start_ms: int, end_ms: int) -> float:
    both = min(line.end_ms, end_ms) - max(line.start_ms, start_ms)
    return both / max(1, max(line.end_ms, end_ms) - min(line.start_ms, start_ms))


def _clock(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"

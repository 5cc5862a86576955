"""The edits of a title in one language, kept as append-only records, and the lines of a script that they belong to.

An edit belongs to a title (its source under its name), a language, and one line of the source script that it was made
against. That script is kept; in a later one the line is found again by `flows.kept.same_lines`. An edit whose line is
gone, in doubt, or says something else now is not applied, and listed. Taking an edit back is a record too. No Prefect.
"""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flows.ask.naming import folded
from flows.kept.applied import Applied, Place, applied, short
from flows.kept.edit import Change, Edit
from flows.kept.same_lines import Alignment
from tasks.keep.store import Store, step_key, text_sha256
from tasks.records.errors import BadInputError, PermanentError
from tasks.records.script import Line
from tasks.synthesize.recorded import KIND as RECORDED_TAKE

_KIND = "title-edits"
_PREVIEW = ".preview"
_EXPORTED = ("id", "start_ms", "end_ms", "text", "speaker")
_MOST = 50_000
"""Records of a title in a language; more come of no person."""


class ChangedMeanwhileError(BadInputError):
    """Somebody else edited since the edits were looked at; nothing was kept."""


class Edits:
    """All edits of one title in one language.

    Args:
        store: where it is kept.
        name: the title's plain name.
        sha256: digest of its video.
        language: BCP-47 tag of the dub.
        folder: the title's folder; resolves edits of earlier versions, which only have line numbers.
    """

    def __init__(self, store: Store, name: str, sha256: str, language: str, folder: Path) -> None:
        self._store, self._name, self._sha256, self._language = store, name, sha256, language
        self._folder = folder
        self._key = _edits_key(name, sha256, language)
        self._scripts: dict[str, list[Line]] = {}
        self._starts: dict[str, dict[int, int]] = {}
        self._between: dict[tuple[str, str], Alignment] = {}
        self._aligned: tuple[Sequence[Line], dict[str, Alignment]] = (), {}
        self._read: tuple[list[Any], list[Edit | str]] = [], []

    def again(self) -> Edits:
        """The same as they are now; what was read already is not read again."""
        found = copy.copy(self)
        found.__dict__.pop("_kept", None)
        return found

    @property
    def records(self) -> tuple[Edit, ...]:
        """Every record that can be read, oldest first."""
        return self._kept[0]

    @property
    def damaged(self) -> tuple[str, ...]:
        """What is kept and cannot be read."""
        return self._kept[1]

    @property
    def count(self) -> int:
        """Number of all records, those that cannot be read among them."""
        return self._kept[3]

    def are_current(self) -> bool:
        """Whether what is kept at this moment is what was read."""
        return self._kept[4] == hash(self._store.note_content(_KIND, self._key))

    def add(self, edits: Sequence[Edit], seen: int | None = None) -> tuple[Edit, ...]:
        """Add records, all or none; returns them with their numbers.

        Args:
            edits: in order.
            seen: number of records that were there when they were decided (`count`); None: any.

        Raises:
            PermanentError: what is kept cannot be read.
            ChangedMeanwhileError: there are more records than were seen.
            BadInputError: there are too many, or one takes back an edit that is none.
        """
        added: list[Edit] = []

        def grown(there: Any | None) -> list[Any]:
            before = self._of_earlier_version() if there is None else there
            if not isinstance(before, list):
                raise PermanentError(f"The edits of {self._name} in {self._language} are not kept as a list.")
            if seen is not None and len(before) != seen:
                raise ChangedMeanwhileError(f"{self._name} was edited meanwhile in {self._language}.", "Look again.")
            added[:] = [edit.model_copy(update={"number": n}) for n, edit in enumerate(edits, len(before) + 1)]
            if len(before) + len(added) > _MOST:
                raise BadInputError(f"{self._name} has {len(before)} edits in {self._language}: no more can be kept.")
            if wrong := [edit.undoes for edit in added if edit.undoes >= edit.number]:
                raise BadInputError(f"There is no edit {wrong[0]}.", "`polydub edit --history` lists them.")
            return [*before, *(edit.model_dump(mode="json", exclude_defaults=True) for edit in added)]

        try:
            self._store.change_note(_KIND, self._key, grown)
        finally:
            self.__dict__.pop("_kept", None)
        return tuple(added)

    def numbered(self, more: Sequence[Edit]) -> tuple[Edit, ...]:
        """The records, and edits that are not kept yet with the numbers that they would have."""
        last = max((edit.number for edit in self.records), default=0)
        new = (edit.model_copy(update={"number": number}) for number, edit in enumerate(more, last + 1))
        return (*self.records, *new)

    def keep_script(self, lines: Sequence[Line]) -> str:
        """Remember the source script that edits are made against; returns its digest."""
        rows = [line.model_dump(mode="json", include=set(_EXPORTED)) for line in lines]
        digest = text_sha256(json.dumps(rows, sort_keys=True, ensure_ascii=False))
        self._store.write_note("edited-script", digest, rows)
        return digest

    def on(
        self,
        lines: Sequence[Line],
        until_ms: int = 0,
        from_ms: int = 0,
        ends_ms: int = 0,
        more: Sequence[Edit] = (),
        first: int | None = None,
    ) -> Applied:
        """A source script as the edits in force make it.

        Args:
            lines: of the script, in order of time.
            until_ms: where a preview ends: lines behind it are not mentioned; 0 for all.
            from_ms: where it begins: lines before it are not mentioned.
            ends_ms: where the title ends; 0 where that is not known.
            more: edits that are not kept yet.
            first: only so many of the records; None: all.
        """
        edits = tuple(edit for edit in self.numbered(more) if first is None or edit.number <= first)
        made = applied(lines, edits, self.onto(lines), self._is_same_line, until_ms or ends_ms)
        stray = [(edit, why) for edit, why in made.stray if not until_ms or from_ms <= self._start_ms(edit) < until_ms]
        return Applied(made.rows, tuple(stray), self.damaged, self._kept[2])

    def histories(self, lines: Sequence[Line]) -> dict[int, list[Edit]]:
        """Every record about the lines of a script, by line id, oldest first."""
        onto, found = self.onto(lines), defaultdict[int, list[Edit]](list)
        for edit in self.records:
            if (line := onto(edit).line) is not None:
                found[line.id].append(edit)
        return found

    def _is_same_line(self, one: Edit, other: Edit) -> bool:
        if one.script == other.script:
            return one.line == other.line
        pair = one.script, other.script
        if pair not in self._between:
            self._between[pair] = Alignment(self._script(one.script), self._script(other.script))
        found = self._between[pair].of(one.line)
        return found is not None and found.id == other.line

    def onto(self, lines: Sequence[Line]) -> Callable[[Edit], Place]:
        """From an edit to its place in a script.

        Args:
            lines: of the script, in order of time.
        """
        if self._aligned[0] is not lines:
            self._aligned = lines, {}
        known = self._aligned[1]

        def place(edit: Edit) -> Place:
            if (aligned := known.get(edit.script)) is None:
                aligned = known[edit.script] = Alignment(self._script(edit.script), lines)
            line, why = _place(edit, aligned)
            return Place(line, why, line.start_ms - self._start_ms(edit) if line else 0)

        return place

    def _script(self, digest: str) -> list[Line]:
        if digest not in self._scripts:
            rows = self._store.read_note("edited-script", digest) if digest else None
            self._scripts[digest] = _lines(rows)
        return self._scripts[digest]

    def _start_ms(self, edit: Edit) -> int:
        if edit.script not in self._starts:
            self._starts[edit.script] = {line.id: line.start_ms for line in reversed(self._script(edit.script))}
        return self._starts[edit.script].get(edit.line, 0)

    @cached_property
    def _kept(self) -> tuple[tuple[Edit, ...], tuple[str, ...], str, int, int]:
        """The records, what of them is damaged, why none can be read, how many there are, and a mark of them."""
        mark = hash(self._store.note_content(_KIND, self._key))
        there = self._store.read_note(_KIND, self._key)
        if there is None and (damage := self._store.damage_of(_KIND, self._key)):
            return (), (), damage, 0, mark
        if there is None:
            there = self._of_earlier_version()
            if there:
                self._store.change_note(_KIND, self._key, lambda since: there if since is None else since)
        if not isinstance(there, list):
            return (), (), "They are not kept as a list.", 0, mark
        return (*self._checked(there), "", len(there), mark)

    def _checked(self, there: list[Any]) -> tuple[tuple[Edit, ...], tuple[str, ...]]:
        """Records as they are kept, each checked: the store may be written by others."""
        records, found = self._read
        same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(records, there, strict=False))))
        found = [*found[:same], *(_checked(record, number) for number, record in enumerate(there[same:], same + 1))]
        self._read = there, found
        return (
            tuple(one for one in found if isinstance(one, Edit)),
            tuple(one for one in found if isinstance(one, str)),
        )

    def _of_earlier_version(self) -> list[Any]:
        """Edits that were kept by the video's digest and a line's number; they are left where they are.

        The script that the numbers count in is the one that was last delivered. It is kept now: the next delivery
        replaces it.
        """
        old = self._store.read_note("edits", earlier_key(self._sha256, self._language))
        if not isinstance(old, dict):
            return []
        lines = self._delivered_lines()
        said = {line.id: line.text for line in lines}
        script = self.keep_script(lines) if lines else ""
        numbered = sorted((int(number), text) for number, text in old.items() if str(number).isdecimal())
        edits = (
            Edit(
                source="earlier version",
                script=script if number in said else "",
                line=number,
                words=said.get(number, ""),
                change=Change(text=text),
            )
            for number, text in numbered
        )
        return [edit.model_dump(mode="json", exclude_defaults=True) for edit in edits]

    def _delivered_lines(self) -> list[Line]:
        folder = self._folder.with_name(self._folder.name.removesuffix(_PREVIEW))
        try:
            title = json.loads((folder / "title.json").read_bytes())
            return lines_of(title) if title["source"]["sha256"] == self._sha256 else []
        except (OSError, ValueError, KeyError, TypeError):
            return []


def _edits_key(name: str, sha256: str, language: str) -> str:
    return step_key("title-edits", 1, inputs={"name": folded(name), "video": sha256, "language": language})


def kept_edits(store: Store, name: str, sha256: str, language: str) -> list[tuple[str, str]]:
    """Kind and key of the records in a store that hold a title's edits, and of the scripts that they were made against.

    Args:
        store: where they are kept.
        name: the title's name, as its folder has it.
        sha256: digest of its video.
        language: BCP-47 tag of the dub.
    """
    key = _edits_key(name.removesuffix(f"-{sha256[:8]}"), sha256, language)
    records = store.read_note(_KIND, key)
    kept = [edit for edit in records if isinstance(edit, dict)] if isinstance(records, list) else []
    scripts = dict.fromkeys(str(edit["script"]) for edit in kept if edit.get("script"))
    changes = [edit["change"] for edit in kept if isinstance(edit.get("change"), dict)]
    recordings = dict.fromkeys(str(change["recording"]) for change in changes if change.get("recording"))
    return [
        (_KIND, key),
        *(("edited-script", script) for script in scripts),
        *((RECORDED_TAKE, name) for name in recordings),
    ]


def _checked(record: Any, number: int) -> Edit | str:
    """An edit as it is kept, or what is wrong with it."""
    try:
        edit = Edit.model_validate(record).model_copy(update={"number": number})
    except (ValidationError, RecursionError) as error:
        return f"Edit {number} is not applied: it is damaged ({reason_of(error)})."
    if max(edit.undoes, edit.part) >= number:
        return f"Edit {number} is not applied: it names an edit that comes after it."
    return edit


def reason_of(error: Exception) -> str:
    """What a record has that it may not have, in one row."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"] if part != "change")
    message = str(first["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


def _place(edit: Edit, alignment: Alignment) -> tuple[Line | None, str]:
    """The line that an edit belongs to; where there is none, why."""
    if not edit.script:
        return None, "an earlier version kept it under a line's number, and which words it meant is not known"
    if (line := alignment.of(edit.line)) is not None:
        return line, ""
    if alignment.says(edit.line):
        return None, "these words are said elsewhere or several times now, and which line is meant is in doubt"
    if (line := alignment.alike(edit.line)) is not None:
        return None, f"the line says {short(line.text)} now (line {line.id})"
    return None, "the line is gone"


def lines_of(title: dict[str, Any]) -> list[Line]:
    """The source script's lines in a ``title.json``.

    Raises:
        ValueError, KeyError, TypeError: it has none, or they are broken.
    """
    try:
        return [Line.model_validate({name: line[name] for name in _EXPORTED}) for line in title["script"]["lines"]]
    except ValidationError as error:
        raise ValueError(str(error)) from error


def _lines(rows: Any) -> list[Line]:
    try:
        return [Line.model_validate(line) for line in rows or ()]
    except (ValidationError, TypeError):
        return []


def earlier_key(sha256: str, language: str) -> str:
    """Where an earlier version kept the edits of all titles of a video."""
    return step_key("edits", 1, inputs={"video": sha256, "language": language})


def check_readable(found: Applied) -> None:
    """Nothing is dubbed without the edits that somebody made.

    Raises:
        PermanentError: they cannot be read.
    """
    if found.unreadable:
        raise PermanentError(
            f"The edits of this dub cannot be read. {found.unreadable}",
            "Restore them from a backup of the store: nothing is dubbed without them.",
        )

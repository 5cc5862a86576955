"""The lines of one language of a delivered title, as its folder and the edits have them: what people look at and edit.

A page, the command line and translators' files all read lines here, and make edits here.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from configs.language_names import language_of
from configs.languages import LanguageError
from flows.kept.applied import Applied, Row, note_of
from flows.kept.decisions import Decisions, is_locked
from flows.kept.deliver import REVIEW
from flows.kept.edit import Change, Edit, Insert, Merge, Split, signed
from flows.kept.edits import Edits, lines_of, reason_of
from tasks.keep.store import store_at, store_place
from tasks.records.errors import BadInputError
from tasks.records.script import Line
from tasks.synthesize.recorded import recording
from tasks.words.spacing import atoms, joined

_PREVIEW = ".preview"
_OPEN_WHEN_LOCKED = frozenset({"lock", "note"})


class DubLines:
    """One language of a delivered title, with the edits of its lines.

    Args:
        folder: the title's folder.
        language: of the dub, by tag or name.

    Attributes:
        title: its name.
        name: the same before a part was added to make it unique.
        sha256: digest of its video.
        language: BCP-47 tag of the dub.
        source_language: BCP-47 tag of the source.
        duration_ms: of the title; 0 where that is not known.
        made_by: name of the profile, and of each step's backend.
        folder: the title's folder.
        store: where edits are kept.
        edits: every edit of it.
        decisions: every approval and rejection of it.
        lines: of the source script.

    Raises:
        BadInputError: the folder or the language does not exist.
    """

    def __init__(self, folder: Path, language: str) -> None:
        try:
            self.language = language_of(language)
        except LanguageError as error:
            raise BadInputError(str(error)) from error
        self.folder = folder
        self._files = _written(folder, self.language)
        missing = BadInputError(f"{folder} has no dub in {language}.", "Run `polydub run` first.")
        try:
            title = json.loads((folder / "title.json").read_bytes())
            source, self.lines = title["source"], lines_of(title)
            name, sha256 = str(source.get("name") or title["title"]), str(source["sha256"])
            self.source_language = str(title["script"].get("language") or "und")
            self.made_by = _makers(title.get("provenance"))
            self.duration_ms = int((title.get("facts") or {}).get("duration_ms") or 0)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise missing from error
        self.title, self.name, self.sha256 = str(title["title"]), name, sha256
        self.store = store_at(store_place())
        self.edits = Edits(self.store, name, sha256, self.language, folder)
        self.decisions = Decisions(self.store, name, sha256, self.language)
        held, delivered = (folder / self.language / place for place in (f"{REVIEW}/script.json", "script.json"))
        spoken = _spoken(held)
        spoken = _spoken(delivered) if spoken is None else spoken
        if spoken is None and not self.edits.records:
            raise missing
        self._spoken = spoken or {}
        self.look()

    def is_of_its_files(self) -> bool:
        """Whether what was delivered, and waits, is what it was read from."""
        return self._files == _written(self.folder, self.language)

    def again(self) -> DubLines:
        """The same with the edits and decisions that are kept now; its files, which have not changed, are not read."""
        found = copy.copy(self)
        found.edits = self.edits.again()
        found.look()
        return found

    def look(self) -> None:
        """Apply the edits that are kept now."""
        self.applied = self._with(())
        self._histories = self.edits.histories(self.lines)
        self._at = {(row.of.id, row.part): row for row in self.applied.rows}
        rows, last = {row.line.id: row for row in self.applied.rows}, max((line.id for line in self.lines), default=0)
        known = [(rows.get(spoken.id), spoken) for spoken in self._spoken.values() if spoken.id <= last]
        beyond = [spoken for spoken in self._spoken.values() if spoken.id > last]
        made = any(edit.change.split or edit.change.insert for edit in self.edits.records)
        self._is_of_script = (
            bool(known) and (made or not beyond) and all(row is None or self._was(row, spoken) for row, spoken in known)
        )

    @property
    def is_delivered(self) -> bool:
        """Whether there is a dub of it, delivered or waiting."""
        return bool(self._spoken)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The lines that are dubbed, in order of time; all where the dub has another script or does not exist yet."""
        return tuple(row for row in self.applied.rows if self._is_dubbed(row))

    def row(self, line: int) -> Row:
        """The line of that number.

        Raises:
            BadInputError: there is none.
        """
        for row in self.applied.rows:
            if row.line.id == line:
                return row
        raise BadInputError(
            f"{self.title} has no line {line}.",
            f"`polydub script export {self.folder} --language {self.language}` lists them.",
        )

    def row_at(self, line: int, part: int) -> Row | None:
        """The line that is that one of the script, or that edit number ``part`` made beside it; None: it is gone."""
        return self._at.get((line, part))

    def text(self, row: Row) -> str | None:
        """What the line says in the dub, also where it is muted; None where that is not known yet."""
        return row.text if row.text is not None else self.machine(row)

    @property
    def spoken(self) -> dict[int, Line]:
        """The lines of the dub that was delivered, or waits, by id."""
        return self._spoken

    def delivered_text(self, row: Row) -> str | None:
        """What the delivered dub says; None where it has no such line."""
        found = self._spoken.get(row.line.id)
        return found.text if found is not None and self._was(row, found) else None

    def machine(self, row: Row) -> str | None:
        """What it says without edits of its text: as delivered, or as it was before them."""
        delivered = self.delivered_text(row)
        history = self.history_of(row) if row.part == 0 else list(row.edits)
        said = {edit.text for edit in history if edit.part == row.part} | ({""} if _muted(history) else set())
        if row.part or any(edit.change.split or edit.change.merge for edit in history):
            said |= {row.text}
        if delivered is not None and delivered not in said:
            return delivered
        made = max([row.part, *(edit.number for edit in row.edits if edit.change.split or edit.change.merge)])
        since = [edit for edit in history if edit.number > made]  # before that it was another line
        return next((edit.machine for edit in reversed(since) if edit.machine is not None), None)

    def history_of(self, row: Row) -> list[Edit]:
        """Every edit of the script's line that it is, or was made from."""
        return self._histories.get(row.of.id, [])

    def edit(self, row: Row, change: Change, sign: dict[str, Any], **more: Any) -> Edit:
        """A decision about a line, to be added.

        Args:
            row: the line.
            change: what is decided.
            sign: who, when and why (`flows.kept.edit.signed`).
            more: further fields of the `Edit`.

        Raises:
            BadInputError: the line is locked, or cannot become that.
        """
        self.check_open()
        if change.recording and recording(self.store, change.recording) is None:
            raise BadInputError("There is no such recorded take in this store.", "Send it first.")
        if row.lock and change.lock is not False and change.decided - _OPEN_WHEN_LOCKED:
            raise BadInputError(f"Line {row.line.id} of {self.title} is locked.", "Unlock it first (--unlock).")
        return Edit(
            **sign,
            script=self.script,
            line=row.of.id,
            part=row.part,
            words=row.of.text,
            machine=self.machine(row),
            change=change,
            **more,
        )

    def check_open(self) -> None:
        """Nothing is edited in a language that somebody locked.

        Raises:
            BadInputError: it is locked.
        """
        if locked := is_locked(self.decisions.in_force):
            raise BadInputError(
                f"{self.title} is locked in {self.language} by {locked.who or 'somebody'} (decision {locked.number}).",
                f"`polydub approve {self.folder} {self.language} --undo {locked.number}` takes that back.",
            )

    def tried(self, edits: Sequence[Edit]) -> Applied:
        """The lines as they would be with edits that are not kept yet.

        Raises:
            BadInputError: one of them does not fit.
        """
        made = self._with(edits)
        last = len(self.edits.numbered(())) and self.edits.numbered(())[-1].number
        if refused := [note_of(edit, why) for edit, why in made.stray if edit.number > last]:
            raise BadInputError(" ".join(refused))
        return made

    def after(self, count: int) -> Applied:
        """The lines as the first edits made them."""
        return self._with((), count)

    def add(self, edits: Sequence[Edit], seen: int | None = None) -> tuple[Edit, ...]:
        """Keep edits, all or none; returns them with their numbers.

        Args:
            edits: in order.
            seen: as of `Edits.add`.

        Raises:
            ChangedMeanwhileError: as `Edits.add`.
            BadInputError: one of them does not fit.
        """
        if not edits:
            return ()
        self.check_open()
        self.tried(edits)
        added = self.edits.add(edits, seen)
        self.look()
        return added

    def undo(self, number: int, sign: dict[str, Any]) -> Edit:
        """Take an edit back, by an edit that is added; raises as `undoing`."""
        (added,) = self.edits.add([self.undoing(number, sign)])
        self.look()
        return added

    def history(self, line: int | None = None) -> tuple[Edit, ...]:
        """Every edit, or every one about a line, oldest first.

        Raises:
            BadInputError: there is no such line.
        """
        if line is None:
            return self.edits.records
        row = self.row(line)
        found = self.history_of(row) if not row.part else self.edits.records
        return tuple(edit for edit in found if edit.part == row.part or (row.part and edit.number == row.part))

    def undoing(self, number: int, sign: dict[str, Any]) -> Edit:
        """The edit that takes another one back.

        Raises:
            BadInputError: there is none of that number, or it is taken back already.
        """
        self.check_open()
        by_number = {edit.number: edit for edit in self.edits.records}
        if (edit := by_number.get(number)) is None:
            raise BadInputError(f"{self.title} has no edit {number} in {self.language}.", "--history lists them.")
        if undone := undone_by(self.edits.records).get(number):
            raise BadInputError(f"Edit {number} is taken back by edit {undone}.", f"--undo {undone} restores it.")
        kept = edit.model_dump(include={"script", "line", "part", "words"})
        return Edit(**{**kept, **sign}, undoes=number)

    def locking(self, row: Row, decided: dict[str, Any]) -> dict[str, Any]:
        """What is decided; where that locks the line or has a recording of it, with the text that was seen."""
        if (
            (decided.get("lock") or decided.get("recording"))
            and "text" not in decided
            and row.text is None
            and (now := self.machine(row)) is not None
        ):
            return {**decided, "text": now}
        return decided

    def split(self, row: Row, at_ms: int, texts: tuple[str, str] | None = None) -> Change:
        """What splits a line; its words are shared out by length where they are not given.

        Args:
            row: the line.
            at_ms: where the second begins.
            texts: what each says in the dub; None: shared out too, where a person worded it.

        Raises:
            BadInputError: the line is not spoken then.
        """
        line = row.line
        if not line.start_ms < at_ms < line.end_ms:
            raise BadInputError(
                f"Line {line.id} lasts from {line.start_ms} to {line.end_ms} ms: it cannot be split at {at_ms} ms."
            )
        share = (at_ms - line.start_ms) / (line.end_ms - line.start_ms)
        text = row.text
        if texts is None and text is not None:
            texts = shared(text, share)
        return Change(split=Split(at_ms=at_ms, source=shared(line.text, share), text=texts))

    def merge(self, row: Row, *, as_seen: bool = False) -> Change:
        """What merges a line with the next one.

        Args:
            row: the line.
            as_seen: it says what both say in the dub; False: only where a person worded one of them.

        Raises:
            BadInputError: there is none.
        """
        after = [one for one in self.applied.rows if _place(one) > _place(row)]
        if not after:
            raise BadInputError(f"Line {row.line.id} is the last one.")
        other = after[0]
        source = joined([row.line.text, other.line.text])
        edited = as_seen or row.text is not None or other.text is not None
        texts = [self.text(row), self.text(other)]
        text = joined([one or "" for one in texts]) if edited and None not in texts else None
        return Change(merge=Merge(line=other.of.id, part=other.part, source=source, text=text))

    def insert(self, insert: Insert) -> tuple[Row, Change]:
        """What puts a line beside the nearest one that there is; returns that one too.

        Raises:
            BadInputError: the script has no lines.
        """
        if not self.applied.rows:
            raise BadInputError(f"{self.title} has no lines.")
        before = [row for row in self.applied.rows if row.line.start_ms <= insert.start_ms]
        return (before or list(self.applied.rows))[-1 if before else 0], Change(insert=insert)

    @cached_property
    def script(self) -> str:
        """Digest of the source script, which is kept."""
        return self.edits.keep_script(self.lines)

    def _with(self, more: Sequence[Edit], first: int | None = None) -> Applied:
        until_ms = self.duration_ms if self.title.endswith(_PREVIEW) else 0
        return self.edits.on(self.lines, until_ms, ends_ms=self.duration_ms, more=more, first=first)

    def _was(self, row: Row, spoken: Line) -> bool:
        """Whether a delivered line is this one, by its times now, before any edit, or as some edit had them."""
        starts, ends = {row.line.start_ms, row.of.start_ms}, {row.line.end_ms, row.of.end_ms}
        for edit in (*self.history_of(row), *row.edits):
            change, insert = edit.change, edit.change.insert
            starts |= {one for one in (change.start_ms, insert.start_ms if insert else None) if one is not None}
            ends |= {one for one in (change.end_ms, insert.end_ms if insert else None) if one is not None}
            if change.split:
                starts, ends = starts | {change.split.at_ms}, ends | {change.split.at_ms}
            if change.merge:
                ends |= {line.end_ms for line in self.lines}
        return spoken.start_ms in starts and spoken.end_ms in ends

    def _is_dubbed(self, row: Row) -> bool:
        spoken = self._spoken.get(row.line.id)
        said = spoken is not None and self._was(row, spoken)
        return said or not self._is_of_script or row.text is not None or row.keep or row.mute or bool(row.edits)


def undone_by(edits: Sequence[Edit]) -> dict[int, int]:
    """Edits that are taken back, each with the number of the edit that did."""
    undone: dict[int, int] = {}
    for edit in reversed(edits):
        if edit.undoes and edit.number not in undone:
            undone[edit.undoes] = edit.number
    return undone


def changed(what: dict[str, Any], where: str) -> Change:
    """A checked `Change`.

    Raises:
        BadInputError: it is none; says what is wrong with it.
    """
    try:
        return Change.model_validate(what)
    except (ValidationError, RecursionError) as error:
        raise BadInputError(f"{where}: {reason_of(error)}.") from error


def signature(why: str = "") -> dict[str, Any]:
    """Who edits now, by a command."""
    return {**signed(why), "source": "command"}


def shared(text: str, share: float) -> tuple[str, str]:
    """A text as two, the first with about that share of its signs; never within a word."""
    words = atoms(text)
    if len(words) < 2:
        return text, ""
    whole = sum(map(len, words))
    best = min(range(1, len(words)), key=lambda count: abs(sum(map(len, words[:count])) - share * whole))
    return joined(words[:best]), joined(words[best:])


def _place(row: Row) -> tuple[int, int, int]:
    return row.line.start_ms, row.line.end_ms, row.line.id


def _makers(provenance: Any) -> tuple[str, dict[str, str]]:
    told = provenance if isinstance(provenance, dict) else {}
    backends = (told.get("backends") or {}).items()
    return str((told.get("profile") or {}).get("name", "")), {step: str(one["name"]) for step, one in backends}


def _written(folder: Path, language: str) -> list[tuple[int, int]]:
    """When each file that shows a language was written, and which it is; zeros for one that is not there."""
    places = ("title.json", *(f"{language}/{name}" for name in ("script.json", f"{REVIEW}/script.json", "qc.json")))
    found = []
    for place in places:
        try:
            stat = (folder / place).stat()
            found.append((stat.st_mtime_ns, stat.st_ino))
        except OSError:
            found.append((0, 0))
    return found


def _muted(history: Sequence[Edit]) -> bool:
    return any(edit.change.mute for edit in history)


def _spoken(path: Path) -> dict[int, Line] | None:
    """The lines of a delivered dub by id; None if there is no dub."""
    try:
        lines = json.loads(path.read_bytes())["lines"]
        kept = ({name: line[name] for name in ("id", "start_ms", "end_ms", "text")} for line in lines)
        return {line["id"]: Line.model_validate(line) for line in kept}
    except (OSError, ValueError, KeyError, TypeError):
        return None

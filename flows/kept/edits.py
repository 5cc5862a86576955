"""A person's edits of a dub's lines, as append-only records, and the lines of a script that they belong to.

An edit belongs to a title (its source under its name), a language, and one line of the source script that it was made
against. That script is kept; in a later one the line is found again by `flows.kept.same_lines`. An edit whose line is
gone, in doubt, or says something else now is not applied, and listed. Taking an edit back is a record too. No Prefect.
"""

from __future__ import annotations

import getpass
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from flows.ask.naming import folded
from flows.kept.same_lines import Alignment
from tasks.keep.store import Store, step_key, text_sha256
from tasks.records.record import Record
from tasks.records.script import Line

_PREVIEW = ".preview"
_SHOWN = 60  # characters of a text in a note


class Edit(Record):
    """What a person decided about one line.

    Attributes:
        who: the user's name on their machine.
        when: ISO 8601, UTC.
        why: as they said; may be empty.
        source: how it came here.
        script: digest of the source script that ``line`` counts in; empty where that is not known.
        line: id of the line there.
        words: what the line says in the source.
        text: what is spoken; None where an earlier edit is taken back.
        machine: the text that stood there before any edit; None where that is not known.
    """

    who: str = ""
    when: str = ""
    why: str = ""
    source: Literal["import", "earlier version"] = "import"
    script: str = ""
    line: int
    words: str = ""
    text: str | None
    machine: str | None = None


@dataclass(frozen=True)
class Placed:
    """The edits in force on a script's lines.

    Attributes:
        lines: by line id.
        stray: those that fit no line, in the order they were made, each with the reason.
    """

    lines: dict[int, Edit] = field(default_factory=dict)
    stray: tuple[tuple[Edit, str], ...] = ()

    @property
    def texts(self) -> dict[str, str]:
        """What is spoken, by line id."""
        return {str(line): edit.text for line, edit in sorted(self.lines.items()) if edit.text is not None}

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not applied, and why."""
        return tuple(note_of(edit, why) for edit, why in self.stray)


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
        self._store, self._sha256, self._language, self._folder = store, sha256, language, folder
        self._key = _edits_key(name, sha256, language)
        self._scripts: dict[str, list[Line]] = {}
        self._between: dict[tuple[str, str], Alignment] = {}

    @cached_property
    def records(self) -> tuple[Edit, ...]:
        """Every record, oldest first."""
        kept = self._kept()
        return self._of_earlier_version() if kept is None else kept

    def add(self, edits: Sequence[Edit]) -> None:
        """Add records, all or none."""
        with self._store.claim(self._key):
            kept = self._kept()
            before = self._of_earlier_version() if kept is None else kept
            records = [edit.model_dump(mode="json") for edit in (*before, *edits)]
            self._store.write_note("title-edits", self._key, records)
        self.__dict__.pop("records", None)

    def keep_script(self, lines: Sequence[Line]) -> str:
        """Remember the source script that edits are made against; returns its digest."""
        rows = [line.model_dump(mode="json", include=set(_EXPORTED)) for line in lines]
        digest = text_sha256(json.dumps(rows, sort_keys=True, ensure_ascii=False))
        self._store.write_note("edited-script", digest, rows)
        return digest

    def on(self, lines: Sequence[Line], until_ms: int = 0, from_ms: int = 0) -> Placed:
        """Where the edits in force belong in a source script.

        Args:
            lines: of the script, in order of time.
            until_ms: where a preview ends: lines behind it are not mentioned; 0 for all.
            from_ms: where it begins: lines before it are not mentioned.
        """
        placed: dict[int, Edit] = {}
        stray: list[tuple[Edit, str]] = []
        onto = self._onto(lines)
        for edit in self._in_force():
            line, why = _place(edit, onto(edit.script))
            if line is not None:
                if line.id in placed:
                    stray.append((placed[line.id], "another edit took its line"))
                placed[line.id] = edit
            elif not (until_ms and not from_ms <= self._start_ms(edit) < until_ms):
                stray.append((edit, why))
        return Placed(placed, tuple(stray))

    def histories(self, lines: Sequence[Line]) -> dict[int, list[Edit]]:
        """Every record about the lines of a script, by line id, oldest first."""
        onto, found = self._onto(lines), defaultdict[int, list[Edit]](list)
        for edit in self.records:
            if (line := _place(edit, onto(edit.script))[0]) is not None:
                found[line.id].append(edit)
        return found

    def _in_force(self) -> list[Edit]:
        """The latest edit of each line, from any script."""
        standing: list[Edit] = []
        for edit in self.records:
            standing = [one for one in standing if not self._is_same_line(one, edit)]
            if edit.text is not None:
                standing.append(edit)
        return standing

    def _is_same_line(self, one: Edit, other: Edit) -> bool:
        if one.script == other.script:
            return one.line == other.line
        pair = one.script, other.script
        if pair not in self._between:
            self._between[pair] = Alignment(self._script(one.script), self._script(other.script))
        found = self._between[pair].of(one.line)
        return found is not None and found.id == other.line

    def _onto(self, lines: Sequence[Line]) -> Callable[[str], Alignment]:
        """From a kept script, by its digest, to these lines."""
        return cache(lambda script: Alignment(self._script(script), lines))

    def _script(self, digest: str) -> list[Line]:
        if digest not in self._scripts:
            rows = self._store.read_note("edited-script", digest) if digest else None
            self._scripts[digest] = [Line.model_validate(line) for line in rows or ()]
        return self._scripts[digest]

    def _start_ms(self, edit: Edit) -> int:
        return next((line.start_ms for line in self._script(edit.script) if line.id == edit.line), 0)

    def _kept(self) -> tuple[Edit, ...] | None:
        records = self._store.read_note("title-edits", self._key)
        return None if records is None else tuple(Edit.model_validate(record) for record in records)

    def _of_earlier_version(self) -> tuple[Edit, ...]:
        """Edits that were kept by the video's digest and a line's number; they are left where they are.

        The script that the numbers count in is the one that was last delivered. It is kept now: the next delivery
        replaces it.
        """
        old = self._store.read_note("edits", earlier_key(self._sha256, self._language))
        if not old:
            return ()
        lines = self._delivered_lines()
        said = {line.id: line.text for line in lines}
        script = self.keep_script(lines) if lines else ""
        edits = tuple(
            Edit(
                source="earlier version",
                script=script if int(number) in said else "",
                line=int(number),
                words=said.get(int(number), ""),
                text=text,
            )
            for number, text in sorted(old.items(), key=lambda item: int(item[0]))
        )
        self._store.write_note("title-edits", self._key, [edit.model_dump(mode="json") for edit in edits])
        return edits

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
    records = store.read_note("title-edits", key) or []
    return [("title-edits", key), *(("edited-script", edit["script"]) for edit in records if edit["script"])]


def _place(edit: Edit, alignment: Alignment) -> tuple[Line | None, str]:
    """The line that an edit belongs to; where there is none, why."""
    if not edit.script:
        return None, "an earlier version kept it under a line's number, and which words it meant is not known"
    if (line := alignment.of(edit.line)) is not None:
        return line, ""
    if alignment.says(edit.line):
        return None, "these words are said elsewhere or several times now, and which line is meant is in doubt"
    if (line := alignment.alike(edit.line)) is not None:
        return None, f"the line says {_short(line.text)} now (line {line.id})"
    return None, "the line is gone"


_EXPORTED = ("id", "start_ms", "end_ms", "text", "speaker")


def lines_of(title: dict[str, Any]) -> list[Line]:
    """The source script's lines in a ``title.json``.

    Raises:
        ValueError, KeyError, TypeError: it has none, or they are broken.
    """
    try:
        return [Line.model_validate({name: line[name] for name in _EXPORTED}) for line in title["script"]["lines"]]
    except ValidationError as error:
        raise ValueError(str(error)) from error


def earlier_key(sha256: str, language: str) -> str:
    """Where an earlier version kept the edits of all titles of a video."""
    return step_key("edits", 1, inputs={"video": sha256, "language": language})


def signed(why: str = "") -> dict[str, Any]:
    """User name, time and reason for an `Edit`."""
    try:
        who = getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        who = ""
    return {"who": who, "when": datetime.now(UTC).isoformat(timespec="seconds"), "why": why}


def note_of(edit: Edit, why: str) -> str:
    """A note about an edit that is not applied."""
    of = _short(edit.words) if edit.words else f"line {edit.line}"
    return f"The edit of {of} to {_short(edit.text or '')} is not applied: {why}."


def _short(text: str) -> str:
    text = " ".join(text.split())
    return f'"{text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"}"'

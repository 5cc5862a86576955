"""Export of a dub's script for editing, and its import: edited lines take precedence over the translator's."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.language_names import language_of
from configs.languages import LanguageError
from flows.kept.edits import Edit, Edits, Placed, lines_of, signed
from tasks.keep.store import store_at, store_place
from tasks.records.errors import BadInputError
from tasks.records.script import Line

_TAKEN = "text"  # the only editable field of a line


@dataclass(frozen=True)
class Imported:
    """The changes of an edited script: edited lines, reverted edits, and edits that match no line."""

    edited: int
    taken_back: int
    notes: tuple[str, ...]


def export_script(folder: Path, language: str) -> str:
    """The lines of a dub with their source text and the edits in force, as JSON.

    An edited line also has the machine's text (``machine``) if it is known. Edits that match no line are listed
    separately.

    Raises:
        BadInputError: the folder or the language does not exist.
    """
    return json.dumps(_Dub(folder, language).exported(), indent=2, ensure_ascii=False)


def import_script(folder: Path, language: str, file: Path, why: str = "") -> Imported:
    """Store the changed lines, and revert the edits whose text is the machine's again, or null.

    Args:
        folder: the title's folder.
        language: BCP-47 tag of the dub.
        file: the edited output of `export_script`.
        why: reason, stored with the edits.

    Raises:
        BadInputError: the file is not a script of this dub, or changes what cannot be changed; nothing is stored.
    """
    dub = _Dub(folder, language)
    try:
        given = json.loads(file.read_text("utf-8"))
        lines, strays = _rows(given, "lines"), _rows(given, "no_longer_fitting", optional=True)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInputError(
            f"{file} is not an edited script: {error!r}.", "Edit the output of `polydub script export`."
        ) from error
    if refused := dub.refused(given, lines, strays):
        raise BadInputError(
            f"{file} cannot be imported: {'; '.join(refused)}.",
            f'Change only "{_TAKEN}" of lines. After another run, export the script again.',
        )
    return dub.take(lines, strays, signed(why))


class _Dub:
    """One language of a delivered title, with the edits of its lines."""

    def __init__(self, folder: Path, language: str) -> None:
        try:
            self._tag = language_of(language)
        except LanguageError as error:
            raise BadInputError(str(error)) from error
        missing = BadInputError(f"{folder} has no dub in {language}.", "Run `polydub run` first.")
        try:
            title = json.loads((folder / "title.json").read_bytes())
            source, self._lines = title["source"], lines_of(title)
            name, sha256 = str(source.get("name") or title["title"]), str(source["sha256"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise missing from error
        self._by_id = {line.id: line for line in self._lines}
        self._title = str(title["title"])
        self._edits = Edits(store_at(store_place()), name, sha256, self._tag, folder)
        self._placed: Placed = self._edits.on(self._lines, self._preview_ms(title))
        self._histories = self._edits.histories(self._lines)
        spoken = _spoken(folder / self._tag / "script.json")
        if spoken is None and not self._edits.records:
            raise missing
        self._spoken = spoken or {}
        known = {(line.id, line.start_ms, line.end_ms) for line in self._lines}
        self._is_of_script = bool(spoken) and set(self._spoken) <= known
        self._rows = {row["id"]: row for row in map(self._row, self._lines) if self._is_dubbed(row)}

    def exported(self) -> dict[str, Any]:
        """The script as a table."""
        strays = {"no_longer_fitting": self._strays()} if self._placed.stray else {}
        return {"title": self._title, "language": self._tag, "lines": list(self._rows.values()), **strays}

    def refused(self, given: dict[str, Any], lines: list[dict[str, Any]], strays: list[dict[str, Any]]) -> list[str]:
        """What in an edited script cannot be imported, by line and field.

        Args:
            given: the edited script.
            lines: its lines.
            strays: its edits that match no line.
        """
        ours = {"title": self._title, "language": self._tag}
        found = [f"{name} is {given[name]!r}, not {own!r}" for name, own in ours.items() if given.get(name, own) != own]
        found += [
            f"{name} is not a field of the script"
            for name in given
            if name not in (*ours, "lines", "no_longer_fitting")
        ]
        found += _changed("line", lines, self._rows)
        own = {row["id"]: row for row in self._strays()}
        kept = [f"no_longer_fitting {row['id']}: text can only become null" for row in strays if _is_other(row, own)]
        return found + _changed("no_longer_fitting", strays, own) + kept

    def take(self, lines: list[dict[str, Any]], strays: list[dict[str, Any]], sign: dict[str, Any]) -> Imported:
        """Store the changes of a checked script.

        Args:
            lines: its lines.
            strays: its edits that match no line.
            sign: author, time and reason of the edits.
        """
        made = [edit for row in lines if (edit := self._decided(row, sign)) is not None]
        unplaced = dict(enumerate((edit for edit, _ in self._placed.stray), start=1))
        dropped = [unplaced[row["id"]] for row in strays if row.get(_TAKEN) is None]
        update = {**sign, "text": None, "source": "import"}
        made += [edit.model_copy(update=update) for edit in dropped]
        if made:
            self._edits.add(made)
        back = sum(edit.text is None for edit in made)
        notes = self._edits.on(self._lines).notes if made else self._placed.notes
        return Imported(len(made) - back, back, notes)

    def _decided(self, row: dict[str, Any], sign: dict[str, Any]) -> Edit | None:
        """The edit that a line of the file makes; None if it changes nothing."""
        line = self._by_id[row["id"]]
        wanted = row.get(_TAKEN)
        wanted = None if wanted is None else wanted.strip()
        edit, machine = self._placed.lines.get(line.id), self._machine(line)
        if wanted is not None and machine is not None and wanted == machine.strip():
            wanted = None
        if wanted == (edit.text if edit else None):
            return None
        script = self._edits.keep_script(self._lines)
        return Edit(**sign, script=script, line=line.id, words=line.text, text=wanted, machine=machine)

    def _row(self, line: Line) -> dict[str, Any]:
        edit, machine = self._placed.lines.get(line.id), self._machine(line)
        row = line.model_dump(include={"id", "start_ms", "end_ms", "speaker"})
        row |= {"source": line.text, "text": edit.text if edit else machine}
        return {**row, "machine": machine} if edit and machine is not None else row

    def _machine(self, line: Line) -> str | None:
        """The machine's text: the delivered text, or the text before the edit if the line was edited."""
        delivered = self._spoken.get((line.id, line.start_ms, line.end_ms))
        history = self._histories.get(line.id, [])
        if history and (delivered is None or delivered in {edit.text for edit in history}):
            return next((edit.machine for edit in reversed(history) if edit.machine is not None), None)
        return delivered

    def _is_dubbed(self, row: dict[str, Any]) -> bool:
        """Whether the line is in the dub; true for all if the dub has another source script or does not exist yet."""
        place = row["id"], row["start_ms"], row["end_ms"]
        return place in self._spoken or not self._is_of_script or row["text"] is not None

    def _strays(self) -> list[dict[str, Any]]:
        stray = enumerate(self._placed.stray, start=1)
        return [{"id": n, "source": edit.words, "text": edit.text, "why": why} for n, (edit, why) in stray]

    def _preview_ms(self, title: dict[str, Any]) -> int:
        return int(title["facts"]["duration_ms"]) if self._title.endswith(".preview") else 0


def _spoken(path: Path) -> dict[tuple[int, int, int], str] | None:
    """The texts of a delivered dub by id and times of their lines; None if there is no dub."""
    try:
        lines = json.loads(path.read_bytes())["lines"]
        return {(line["id"], line["start_ms"], line["end_ms"]): line["text"] for line in lines}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _rows(given: Any, name: str, *, optional: bool = False) -> list[dict[str, Any]]:
    rows = given.get(name, []) if optional else given[name]
    if not isinstance(rows, list) or not all(isinstance(row, dict) and type(row.get("id")) is int for row in rows):
        raise ValueError(f"{name} is not a list of lines with ids")
    return rows


def _changed(what: str, rows: list[dict[str, Any]], ours: dict[int, dict[str, Any]]) -> list[str]:
    found = [f"{what} {number} occurs {times} times" for number, times in _doubled(rows)]
    for row in rows:
        own, text = ours.get(row["id"]), row.get(_TAKEN)
        if own is None:
            found.append(f"{what} {row['id']} is not a line of the dub")
            continue
        for field, value in row.items():
            if field not in own:
                found.append(f"{what} {row['id']}: {field} is not a field of a line")
            elif field != _TAKEN and (type(value), value) != (type(own[field]), own[field]):
                found.append(f"{what} {row['id']}: {field} is {value!r}, not {own[field]!r}")
        if text is not None and not _is_text(text):
            found.append(f"{what} {row['id']}: {_TAKEN} is {text!r}, not a text (null reverts an edit)")
    return found


def _is_other(row: dict[str, Any], own: dict[int, dict[str, Any]]) -> bool:
    return row["id"] in own and row.get(_TAKEN) not in (None, own[row["id"]][_TAKEN])


def _is_text(value: Any) -> bool:
    """Whether it is a text that UTF-8 can encode (no lone surrogate); an empty text makes the line silent."""
    return isinstance(value, str) and not any("\ud800" <= sign <= "\udfff" for sign in value)


def _doubled(rows: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(number, times) for number, times in Counter(row["id"] for row in rows).items() if times > 1]

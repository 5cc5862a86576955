"""The lines of a language as its page shows them: what people decided, what was delivered, and what was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.kept.applied import Row
from flows.kept.dub_lines import DubLines
from flows.kept.edit import Edit, in_words
from flows.review.fit import reading_speed
from tasks.records.natural_speed import NATURAL_SPEED

_MEASURED = ("fit", "stretch", "natural_of_slot", "late_ms", "level_lu", "heard", "error", "understood", "differs")


def key_of(row: Row) -> str:
    """A line's name, that stays when others come and go: its line of the source script, and the edit that made it."""
    return f"{row.of.id}-{row.part}"


def parsed_key(key: str) -> tuple[int, int] | None:
    """Line and part of a line's name; None where it is none."""
    line, dash, part = key.partition("-")
    named = dash and all(one.isascii() and one.isdigit() and len(one) < 10 for one in (line, part))
    return (int(line), int(part)) if named else None


def revision_of(dub: DubLines) -> str:
    """The name of a state of the lines: their script, and how many edits there are."""
    return f"{dub.script[:16]}.{dub.edits.count}"


class Shown:
    """The lines of a language as its page shows them.

    Args:
        dub: the language.
        before: the same with other edits, of the same files; a line of which nothing changed is taken over.

    Attributes:
        measured: figures of the delivered lines, by id.
        by_key: every line by its key, in order of time.
    """

    def __init__(self, dub: DubLines, before: Shown | None = None) -> None:
        self.dub = dub
        self.measured: dict[int, dict[str, Any]] = before.measured if before else measured(dub)
        self._basis = {key_of(row): (row, dub.history_of(row)) for row in dub.rows}
        known, was = (before.by_key, before._basis) if before else ({}, {})
        self.by_key: dict[str, dict[str, Any]] = {
            key: known[key] if was.get(key) == basis else self.line(basis[0]) for key, basis in self._basis.items()
        }

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every line, in order of time."""
        return list(self.by_key.values())

    def line(self, row: Row) -> dict[str, Any]:
        """One line.

        ``machine``: its text without edits; ``recordings``: names of its recorded takes; ``pending``: the delivered
        dub does not say this yet; ``gate``: ``pass``, ``warn``, ``fail`` or empty, from what was measured in the
        delivered dub.
        """
        line, text, machine = row.line, self.dub.text(row), self.dub.machine(row)
        facts = {name: value for name, value in self.measured.get(line.id, {}).items() if name in _MEASURED}
        pending = self._pending(row, text)
        return {
            "key": key_of(row),
            "id": line.id,
            "start_ms": line.start_ms,
            "end_ms": line.end_ms,
            "speaker": line.speaker,
            "source": line.text,
            "text": text,
            "machine": machine,
            "voice": row.voice,
            "take": row.take,
            "level_db": row.level_db,
            "pronunciation": [saying.model_dump(exclude_defaults=True) for saying in row.pronunciation],
            "recording": row.recording,
            "recordings": self._recordings(row),
            "keep": row.keep,
            "mute": row.mute,
            "lock": row.lock,
            "note": row.note,
            "edited": bool(row.edits),
            "pending": pending,
            "cps": reading_speed(text or "", line, self.dub),
            "gate": "" if pending else gate_of(facts, spoken=not (row.keep or row.mute or text == "")),
            **facts,
        }

    def _recordings(self, row: Row) -> list[str]:
        """Every take of it that was recorded, oldest first, also one that is not used any more."""
        of = (edit for edit in (*self.dub.history_of(row), *row.edits) if edit.part == row.part)
        return list(dict.fromkeys(edit.change.recording for edit in of if edit.change.recording))

    def _pending(self, row: Row, text: str | None) -> bool:
        """Whether the delivered dub has the line otherwise."""
        there = self.dub.spoken.get(row.line.id)
        if there is None:
            return not (row.keep or row.mute or text == "")
        return (there.start_ms, there.end_ms, there.text) != (
            row.line.start_ms,
            row.line.end_ms,
            "" if row.mute or row.keep else text,
        )


def gate_of(facts: Mapping[str, Any], *, spoken: bool) -> str:
    """What the figures of a delivered line say of it, in one word."""
    if not spoken or not facts:
        return ""
    fit, share = facts.get("fit"), facts.get("natural_of_slot")
    if fit in ("missing", "overlong") or facts.get("understood") is False:
        return "fail"
    if share is not None and not NATURAL_SPEED[0] <= share <= NATURAL_SPEED[1]:
        return "warn"
    return "pass"


def measured(dub: DubLines) -> dict[int, dict[str, Any]]:
    """The figures of the delivered dub's lines, by id."""
    found = read_json(dub.folder / dub.language / "qc.json")
    rows = found.get("per_line")
    return {row["line"]: row for row in rows if isinstance(row, dict) and "line" in row} if rows else {}


def shown_edit(edit: Edit, undone_by: Mapping[int, int]) -> dict[str, Any]:
    """An edit as a history shows it."""
    return {
        "number": edit.number,
        "who": edit.who,
        "when": edit.when,
        "why": edit.why,
        "source": edit.source,
        "line": f"{edit.line}-{edit.part}",
        "what": in_words(edit),
        "change": edit.change.model_dump(mode="json", exclude_defaults=True),
        "undoes": edit.undoes,
        "undone_by": undone_by.get(edit.number, 0),
    }


def read_json(path: Path) -> dict[str, Any]:
    """A delivered file; nothing where it is not there or not what it should be."""
    try:
        found = json.loads(path.read_bytes())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError, RecursionError):
        return {}

"""Export of a dub's script for editing, and its import: edited lines take precedence over the machine's."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from flows.exchange.exported import table_of
from flows.exchange.formats import format_of, read, written
from flows.exchange.taken import take
from flows.kept.dub_lines import DubLines
from flows.kept.edit import signed


@dataclass(frozen=True)
class Imported:
    """The changes of an edited script: edited lines, edits taken back, and notes on edits that fit no line.

    ``changes``: each in words.
    """

    edited: int
    taken_back: int
    notes: tuple[str, ...]
    changes: tuple[str, ...] = field(default=(), compare=False)


def export_script(folder: Path, language: str, form: str = "json") -> tuple[bytes, tuple[str, ...]]:
    """The lines of a dub with their source text and the edits in force, and notes on edits that fit no line.

    Args:
        folder: the title's folder.
        language: of the dub.
        form: name of the format.

    Raises:
        BadInputError: the folder or the language does not exist.
    """
    dub = DubLines(folder, language)
    return written(table_of(dub), form), dub.applied.notes


def import_script(
    folder: Path, language: str, file: Path, why: str = "", form: str | None = None, *, dry: bool = False
) -> Imported:
    """Keep what an edited script changes, and take back the edits whose text is the machine's again, or null.

    Args:
        folder: the title's folder.
        language: of the dub.
        file: the edited output of `export_script`.
        why: reason, kept with the edits.
        form: name of the format; None: by the file's ending.
        dry: only say what would change.

    Raises:
        BadInputError: the file is not a script of this dub, or changes what cannot be changed; nothing is kept.
    """
    dub = DubLines(folder, language)
    taken = take(dub, read(file, format_of(str(file), form)), signed(why))
    if taken.edits and not dry:
        dub.edits.add(taken.edits)
        dub.look()
    notes = (*taken.notes, *(dub.tried(taken.edits) if dry else dub.applied).notes)
    return Imported(len(taken.edits) - taken.taken_back, taken.taken_back, notes, taken.changes)

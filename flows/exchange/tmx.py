"""A dub's lines as a translation memory (TMX 1.4): what each says in the source and in the dub.

A file of ours that comes back is imported as a script is; any other is a memory for translating (`translate.memory`).
"""

from __future__ import annotations

from tasks.exchange.table import File, Table, is_key
from tasks.records.errors import BadInputError
from tasks.records.registry import package_version
from tasks.translate.memory import Unit, read_tmx, write_tmx


def write(table: Table) -> bytes:
    """Lines that say something in both languages."""
    units = [
        Unit({table.source_language: row["source"], table.language: row["text"]}, table.key(row))
        for row in table.rows
        if row["source"].strip() and (row["text"] or "").strip() and not row.get("keep") and not row.get("mute")
    ]
    return write_tmx(units, table.source_language, package_version("polydub"))


def read(content: bytes) -> File:
    """Of ours: each unit has its line's name.

    Raises:
        BadInputError: it is no TMX, or a memory of another tool.
    """
    units = read_tmx(content)
    if not units or not all(is_key(unit.name) for unit in units):
        raise BadInputError(
            "It is a memory, whose units name no lines of a dub.", "Translate with it: `polydub run --memory FILE`."
        )
    rows = [{"key": unit.name, "text": list(unit.texts.values())[-1]} for unit in units]
    languages = {list(unit.texts)[-1] for unit in units if len(unit.texts) > 1}
    if any(len(unit.texts) < 2 for unit in units) or len(languages) != 1:
        raise BadInputError("Not every unit has its text in the dub's language.", "Export it again.")
    return File(rows, [f"unit {number}" for number, _ in enumerate(units, start=1)], languages.pop(), loose=True)

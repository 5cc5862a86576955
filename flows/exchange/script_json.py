"""A dub's lines as JSON, as `polydub script export` has always written them; the fullest of the formats."""

from __future__ import annotations

import json
from typing import Any

from tasks.exchange.table import File, Table
from tasks.records.errors import BadInputError

_KNOWN = ("title", "language", "export", "lines", "no_longer_fitting")


def write(table: Table) -> bytes:
    """Every field of every line."""
    strays = {"no_longer_fitting": list(table.strays)} if table.strays else {}
    head = {"title": table.title, "language": table.language, "export": table.export}
    return (json.dumps({**head, "lines": list(table.rows), **strays}, indent=2, ensure_ascii=False) + "\n").encode()


def read(content: bytes) -> File:
    """As it was written, or only some of its lines.

    Raises:
        BadInputError: it is no such script.
    """
    try:
        given = json.loads(content.decode("utf-8-sig"))
        lines, strays = _rows(given["lines"], "lines"), _rows(given.get("no_longer_fitting", []), "no_longer_fitting")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInputError(
            f"It is not an edited script: {error!r:.200}.", "Edit the output of `polydub script export`."
        ) from error
    if unknown := [str(name) for name in given if name not in _KNOWN]:
        raise BadInputError(f"{', '.join(unknown)[:200]} is not a field of the script.", "Leave it out.")
    export = given.get("export")
    whole = [{"text": None, **row} for row in lines]  # a line without its text takes an edit of it back
    rows = [{**row, "key": f"u{export}-{row['id']}"} if export else row for row in whole]
    where = [f"line {row['id']}" for row in rows]
    return File(rows, where, str(given.get("language", "")), str(given.get("title", "")), strays)


def _rows(given: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(row, dict) and type(row.get("id")) is int for row in given):
        raise ValueError(f"{name} is not a list of lines with ids")
    return given

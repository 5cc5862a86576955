"""A line as the cells of a table, and back: the order of columns, numbers and yes or no as they are typed."""

from __future__ import annotations

from typing import Any

from tasks.records.errors import BadInputError

COLUMNS = (
    *("key", "id", "start_ms", "end_ms", "speaker", "source", "text", "machine"),
    *("voice", "take", "level_db", "keep", "mute", "lock", "note"),
)
_WHOLE = ("id", "start_ms", "end_ms", "take")
_FLAGS = ("keep", "mute", "lock")
_YES, _NO = ("yes", "true", "1", "x"), ("no", "false", "0", "")


def row_of(cells: dict[str, Any], where: str) -> dict[str, Any]:
    """The fields of a line; a column that is not there says nothing.

    Raises:
        BadInputError: a cell is not what its column holds.
    """
    found: dict[str, Any] = {}
    for name, cell in cells.items():
        text = "" if cell is None else str(cell)
        if name == "machine" or (name == "id" and cells.get("key")):
            continue  # to be read, not to be changed
        if name in _WHOLE or name == "level_db":
            found |= _number(name, text, where)
        elif name in _FLAGS:
            if text.strip().lower() not in (*_YES, *_NO):
                raise BadInputError(f"{where}: {name} is {text[:40]!r}, not yes or no.")
            found[name] = text.strip().lower() in _YES
        else:
            found[name] = text
    return found


def cell_of(value: Any) -> Any:
    """A field as a cell."""
    return "" if value is None else ("yes" if value else "") if isinstance(value, bool) else value


def _number(name: str, text: str, where: str) -> dict[str, Any]:
    if not text.strip():
        return {} if name in ("id", "start_ms", "end_ms") else {name: 0}
    try:
        number = float(text.strip().replace(",", "."))
        if name == "level_db":
            return {name: number}
        if number != int(number):
            raise ValueError(text)
        return {name: int(number)}
    except (ValueError, OverflowError) as error:
        raise BadInputError(f"{where}: {name} is {text[:40]!r}, not a number.") from error

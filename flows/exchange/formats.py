"""The formats of a dub's lines, by name and by the file's ending."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from tasks.exchange.files import read_with
from tasks.exchange.table import File, Table
from tasks.records.errors import BadInputError

#: By the ending of the file: where the format is, what writes and what reads it.
_FORMATS = {
    "json": ("flows.exchange.script_json", "write", "read"),
    "csv": ("tasks.exchange.spreadsheet", "write_csv", "read_csv"),
    "xlsx": ("tasks.exchange.spreadsheet", "write_xlsx", "read_xlsx"),
    "srt": ("flows.exchange.timed_text", "write_srt", "from_srt"),
    "vtt": ("flows.exchange.timed_text", "write_vtt", "from_vtt"),
    "xlf": ("tasks.exchange.xliff", "write", "read"),
    "ttml": ("tasks.exchange.dapt", "write", "read"),
    "tmx": ("flows.exchange.tmx", "write", "read"),
}
_ALSO = {"xliff": "xlf", "dapt": "ttml"}


def format_of(file: str, asked: str | None) -> str:
    """The name of a format.

    Args:
        file: whose ending tells it; ``-`` is JSON.
        asked: what the user said; None: nothing.

    Raises:
        BadInputError: there is no such format.
    """
    name = (asked or Path(file).suffix.removeprefix(".") or "json").lower()
    name = _ALSO.get(name, name)
    if name not in _FORMATS:
        known = ", ".join(sorted((*_FORMATS, *_ALSO)))
        raise BadInputError(
            f"{file}: {name!r} is no format of a dub's lines.", f"Known: {known}. Name it with --format."
        )
    return name


def written(table: Table, name: str) -> bytes:
    """Lines in a format.

    Args:
        table: the lines.
        name: of the format.
    """
    content: bytes = _function(name, 1)(table)
    return content


def read(path: Path, name: str) -> File:
    """The lines of a file.

    Args:
        path: the file.
        name: of its format.

    Raises:
        BadInputError: it cannot be read, is too large, or not in that format.
    """
    return read_with(path, _function(name, 2))


def _function(name: str, which: int) -> Any:
    found = _FORMATS[name]
    return getattr(importlib.import_module(found[0]), found[which])

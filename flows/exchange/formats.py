"""The formats of a dub's lines, by name and by the file's ending."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from flows.exchange.table import File, Table
from tasks.records.errors import BadInputError

#: By the ending of the file: where the format is, what writes and what reads it.
_FORMATS = {
    "json": ("script_json", "write", "read"),
    "csv": ("spreadsheet", "write_csv", "read_csv"),
    "xlsx": ("spreadsheet", "write_xlsx", "read_xlsx"),
    "srt": ("timed_text", "write_srt", "from_srt"),
    "vtt": ("timed_text", "write_vtt", "from_vtt"),
    "xlf": ("xliff", "write", "read"),
    "ttml": ("dapt", "write", "read"),
    "tmx": ("tmx", "write", "read"),
}
_ALSO = {"xliff": "xlf", "dapt": "ttml"}
#: Bytes of a file that is read: a script of 3,000 lines has less than 3 MB in every format.
MOST = 32 << 20


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
    try:
        if path.stat().st_size > MOST:
            raise BadInputError(f"{path} is larger than {MOST >> 20} MB: it is no script of a title.")
        content = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    try:
        file: File = _function(name, 2)(content)
    except BadInputError as error:
        raise BadInputError(f"{path}: {error.what}", error.fix) from error
    return file


def _function(name: str, which: int) -> Any:
    found = _FORMATS[name]
    return getattr(importlib.import_module(f"flows.exchange.{found[0]}"), found[which])

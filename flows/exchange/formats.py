"""The formats of a dub's lines, by name and by the file's ending."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from flows.exchange.table import File, Table
from tasks.records.errors import BadInputError

_MODULES = {
    "json": "script_json",
}
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
    if name not in _MODULES:
        known = ", ".join(sorted(_MODULES))
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
    content: bytes = _module(name).write(table)
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
        file: File = _module(name).read(content)
    except BadInputError as error:
        raise BadInputError(f"{path}: {error.what}", error.fix) from error
    return file


def _module(name: str) -> Any:
    return importlib.import_module(f"flows.exchange.{_MODULES[name]}")

"""Files of translators' tools, read within bounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tasks.exchange.table import File
from tasks.records.errors import BadInputError

#: Bytes of a file that is read: a script of 3,000 lines has less than 3 MB in every format.
MOST = 32 << 20


def read_with(path: Path, reader: Callable[[bytes], File]) -> File:
    """The lines of a file.

    Args:
        path: the file.
        reader: of its format.

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
        return reader(content)
    except BadInputError as error:
        raise BadInputError(f"{path}: {error.what}", error.fix) from error

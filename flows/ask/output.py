"""Where deliverables go: a folder that can be made and written, found out before anything is. No Prefect."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from tasks.records.errors import BadInputError

#: What a file system says that has no files without a name: then only its permissions tell.
_UNNAMED = {errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL}


def writable(folder: Path) -> Path:
    """The folder as an absolute path; nothing is left in it.

    Raises:
        BadInputError: it can be neither written nor made.
    """
    try:
        folder = folder.expanduser().absolute()
        existing = standing(folder)
        if not existing.is_dir():
            raise _cannot(folder, f"{existing} is a file")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise _cannot(folder, f"{existing} cannot be written")
        _try_to_write(existing)
        _try_names(existing, folder)
    except (OSError, ValueError, RuntimeError) as error:  # a name that is too long, an embedded NUL, no such user
        raise _cannot(folder, getattr(error, "strerror", None) or str(error)) from error
    return folder


def standing(folder: Path) -> Path:
    """The folder itself, else the nearest one above it that exists.

    Raises:
        OSError: it cannot be looked for.
    """
    for path in (folder, *folder.parents):
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        return path
    return Path(folder.anchor)


def _try_to_write(folder: Path) -> None:
    """Open a file that has no name and vanishes: a read-only mount, a quota or a server's refusal shows."""
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600))
    except OSError as error:
        if error.errno not in _UNNAMED:
            raise


def _try_names(existing: Path, folder: Path) -> None:
    """Whether the folders that are missing could be called so there."""
    longest = os.pathconf(existing, "PC_NAME_MAX")
    for name in folder.parts[len(existing.parts) :]:
        if len(os.fsencode(name)) > longest:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))


def _cannot(folder: Path, why: str) -> BadInputError:
    return BadInputError(
        f"The output folder {str(folder)[:200]} cannot be written: {why}.", "Choose another --out, or its permissions."
    )

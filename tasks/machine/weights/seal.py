"""Checks a file against the table: hashed once, afterwards recognised by size and time."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from configs.models import ModelFile
from tasks.keep.digests import file_sha256
from tasks.keep.staging import staged
from tasks.machine.weights.places import cache_folder
from tasks.records.errors import MissingBackendError


def checked(path: Path, file: ModelFile, *, again: bool = False) -> None:
    """Reject a file that does not match the table.

    Args:
        path: the file.
        file: expected size and SHA-256.
        again: hash it even if it was verified before.

    Raises:
        MissingBackendError: a different size or digest.
    """
    stat = path.stat()
    if file.bytes is not None and stat.st_size != file.bytes:
        raise _other(path, f"it has {stat.st_size} bytes, not {file.bytes}")
    if not file.sha256:
        return
    seen = [stat.st_size, stat.st_mtime_ns, file.sha256]
    if not again and _read(path) == seen:
        return
    digest = file_sha256(path)[0]
    if not digest.startswith(file.sha256):
        with contextlib.suppress(OSError):
            _note(path).unlink(missing_ok=True)  # its size and time are no proof any more
        raise _other(path, f"its SHA-256 is {digest}, not {file.sha256}")
    sealed(path, file)


def sealed(path: Path, file: ModelFile) -> None:
    """Remember that a file is verified; if that cannot be written, it is hashed again next time."""
    stat, note = path.stat(), _note(path)
    with contextlib.suppress(OSError), staged(note) as part:
        part.write_text(json.dumps([stat.st_size, stat.st_mtime_ns, file.sha256]), "utf-8")


def _read(path: Path) -> list[object] | None:
    try:
        found: list[object] = json.loads(_note(path).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _note(path: Path) -> Path:
    return cache_folder() / ".verified" / hashlib.sha256(str(path).encode()).hexdigest()[:24]


def _other(path: Path, why: str) -> MissingBackendError:
    return MissingBackendError(
        f"The model file {path} does not match the table of models: {why}.",
        "Remove it, and fetch it again with `polydub models fetch`.",
    )

"""What a place of a store can do, whichever it is.

Files appear only when complete: a local file is renamed into place, an object exists once its upload is complete. Two
writers of one name write the same content, or the last one wins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

DAMAGED = "damaged"
"""The folder of files whose content does not match their name."""

_BLOB = re.compile(r"^blobs/[0-9a-f]{2}/([0-9a-f]{64})(?:\.[^/]*)?$")


@dataclass(frozen=True)
class Kept:
    """A file: its name relative to the place, its size, and when it was written or used last (seconds since 1970)."""

    name: str
    bytes: int
    changed: float


class Place(Protocol):
    """Files by relative name."""

    def read(self, name: str) -> bytes | None:
        """A small file's content; None if it does not exist."""

    def write(self, name: str, data: bytes) -> None:
        """Write a small file atomically."""

    def replace(self, name: str, before: bytes | None, data: bytes) -> bool:
        """Write a small file if its content is still what it was (None: it does not exist); False if it is another.

        Writers on one machine take turns by a lock of their own (`tasks.keep.locks`).

        Args:
            name: relative name.
            before: its content as it was read.
            data: its content from now on.
        """

    def holds(self, name: str, sha256: str, size: int) -> bool | None:
        """Whether the file's content has this digest and size; None if it does not exist.

        Args:
            name: relative name.
            sha256: expected digest.
            size: expected size in bytes.
        """

    def take(self, staged: Path, name: str, sha256: str) -> None:
        """Move a finished local file into the place.

        Args:
            staged: the local file.
            name: relative name.
            sha256: its digest.
        """

    def sha256(self, name: str) -> tuple[str, int] | None:
        """Digest and size of the file, read now and remembered; None if it does not exist.

        Raises:
            OSError: the file cannot be read.
        """

    def set_aside(self, name: str) -> bool:
        """Move a damaged file below ``damaged/``; False if it was gone or replaced already."""

    def has_set_aside(self, name: str) -> bool:
        """Whether a file of that name was set aside."""

    def note_use(self, name: str) -> None:
        """Let the file count as changed now, where that costs nothing; `kept` tells when that was."""

    def remove(self, file: Kept) -> bool:
        """Remove a file; False if it was written or used since it was listed. No effect if it does not exist."""

    def below(self, folder: str) -> list[tuple[str, int]]:
        """Names and sizes of all files below a folder, recursively, sorted."""

    def kept(self, folder: str) -> list[Kept]:
        """All files below a folder, recursively, sorted by name."""

    def names(self, folder: str) -> list[str]:
        """The files directly in a folder, the most recent last."""

    def table(self, folder: str, wanted: list[tuple[str, str, Any]]) -> Any:
        """The selected rows of all Parquet files below a folder, as one pandas table."""

    def uri(self, name: str) -> str:
        """The location of a file as stored in an asset."""


def digest_in(name: str) -> str:
    """The digest in a blob's name; empty if it is not a blob's name."""
    found = _BLOB.match(name)
    return found[1] if found else ""


def aside(name: str) -> str:
    """Where a damaged file goes."""
    return f"{DAMAGED}/{name.rpartition('/')[2]}"

"""File digests: read in blocks, and remembered until the file changes."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Protocol

#: Files up to this size in bytes are read again instead: that takes about a millisecond.
SMALL = 1 << 20
#: A file changed this recently may change again with the same times, which have the resolution of kernel ticks.
FRESH_NS = 50_000_000


class Memos(Protocol):
    """Small files by relative name."""

    def read(self, name: str) -> bytes | None:
        """The content; None if there is no such file."""

    def write(self, name: str, data: bytes) -> None:
        """Write atomically."""


class Digests:
    """Digests of local files; those of large files are remembered by the file's identity.

    The identity is path, size, mtime, ctime and inode: rewriting or replacing the file changes it, even if mtime is set
    back. Corruption by the disk itself is not noticed.

    Args:
        memos: where digests are remembered, in one small file each.
    """

    def __init__(self, memos: Memos) -> None:
        self._memos = memos

    def of(self, path: Path) -> tuple[str, int]:
        """Digest and size in bytes.

        Raises:
            OSError: the file cannot be read.
        """
        before = path.stat()
        if before.st_size <= SMALL:
            return file_sha256(path)
        try:
            return str(json.loads(self._memos.read(_memo(path, before)) or b"")["sha256"]), before.st_size
        except (ValueError, KeyError, TypeError):
            digest, size = file_sha256(path)
            if identity(path, path.stat()) == identity(path, before):
                self._keep(path, before, digest)
            return digest, size

    def remember(self, path: Path, digest: str) -> None:
        """Remember a file's digest for `of`; no effect if the file does not exist."""
        try:
            self._keep(path, path.stat(), digest, fresh=True)
        except OSError:
            return

    def are(self, path: Path, digest: str, size: int) -> bool | None:
        """Whether a file has this digest and size; None if it does not exist.

        Args:
            path: the file.
            digest: expected SHA-256.
            size: expected size in bytes.
        """
        try:
            return path.stat().st_size == size and self.of(path) == (digest, size)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return False

    def _keep(self, path: Path, stat: os.stat_result, digest: str, *, fresh: bool = False) -> None:
        if stat.st_size > SMALL and (fresh or time.time_ns() - stat.st_ctime_ns > FRESH_NS):
            memo = json.dumps({"path": str(path), "sha256": digest}, ensure_ascii=False)
            self._memos.write(_memo(path, stat), memo.encode(errors="surrogatepass"))


def file_sha256(path: Path) -> tuple[str, int]:
    """Digest and size of a file, read in blocks."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return digest.hexdigest(), file.tell()


def known_sha256(path: Path) -> str:
    """Digest of a file, cached in this process until the file changes."""
    return _sha256_of(path, *identity(path, path.stat())[1:])


@functools.lru_cache(maxsize=64)
def _sha256_of(path: Path, *_times: int) -> str:
    return file_sha256(path)[0]


def identity(path: Path, stat: os.stat_result) -> tuple[str, int, int, int, int]:
    """Path, size, mtime, ctime and inode; they differ for any other or rewritten file, even if mtime is set back."""
    return str(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _memo(path: Path, stat: os.stat_result) -> str:
    memo = json.dumps(list(identity(path, stat)))
    return f"records/sha256/{hashlib.sha256(memo.encode()).hexdigest()}.json"

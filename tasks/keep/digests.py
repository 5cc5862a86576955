"""The digest of a file: read in pieces, and remembered for as long as the file is the one that was read."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Protocol

#: Up to so many bytes a file is read rather than remembered: that takes about a millisecond.
SMALL = 1 << 20
#: A file that changed so shortly ago may change again without its times telling (they count in ticks of the kernel).
FRESH_NS = 50_000_000


class Memos(Protocol):
    """Small files by relative name."""

    def read(self, name: str) -> bytes | None:
        """The content; None where there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Whole or not at all."""


class Digests:
    """Digests of local files; one of a large file is remembered by the file's identity.

    The identity is path, size, times of content (mtime) and of change (ctime), and inode: whoever writes the file again
    or puts another in its place changes it, whatever times they set. What a disk does on its own does not show.

    Args:
        memos: where digests are remembered, one small file each.
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
        """What a file was found or written to be, for `of`; nothing of one that is not there."""
        try:
            self._keep(path, path.stat(), digest, fresh=True)
        except OSError:
            return

    def are(self, path: Path, digest: str, size: int) -> bool | None:
        """Whether a file is what it should be; None where it is not there."""
        try:
            return path.stat().st_size == size and self.of(path) == (digest, size)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return False

    def _keep(self, path: Path, stat: os.stat_result, digest: str, *, fresh: bool = False) -> None:
        if stat.st_size > SMALL and (fresh or time.time_ns() - stat.st_ctime_ns > FRESH_NS):
            told = json.dumps({"path": str(path), "sha256": digest}, ensure_ascii=False)
            self._memos.write(_memo(path, stat), told.encode(errors="surrogatepass"))


def file_sha256(path: Path) -> tuple[str, int]:
    """Digest and size of a file, read in pieces."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return digest.hexdigest(), file.tell()


def known_sha256(path: Path) -> str:
    """Digest of a file, read again in this process only when it is another or was written again."""
    return _sha256_of(path, *identity(path, path.stat())[1:])


@functools.lru_cache(maxsize=64)
def _sha256_of(path: Path, *_times: int) -> str:
    return file_sha256(path)[0]


def identity(path: Path, stat: os.stat_result) -> tuple[str, int, int, int, int]:
    """Path, size, times of content and of change, and inode: another one is another file, whatever times were set."""
    return str(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _memo(path: Path, stat: os.stat_result) -> str:
    told = json.dumps(list(identity(path, stat)))
    return f"records/sha256/{hashlib.sha256(told.encode()).hexdigest()}.json"

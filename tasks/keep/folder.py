"""A place that is a local folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path
from typing import Any

from tasks.keep.digests import Digests, file_sha256
from tasks.keep.place import Kept, aside, digest_in
from tasks.keep.remote import file_system, table
from tasks.keep.staging import staged

_DAY_S = 86400.0


class Folder:
    """A local folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._digests = Digests(self)

    def read(self, name: str) -> bytes | None:
        """Read from disk."""
        try:
            return (self._root / name).read_bytes()
        except OSError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Whole or not at all."""
        path = self._root / name
        private_folder(path.parent)
        with staged(path) as part:
            part.write_bytes(data)

    def replace(self, name: str, before: bytes | None, data: bytes) -> bool:
        """Under the writers' lock, which every machine that mounts the folder sees where its file system has locks."""
        if self.read(name) != before:
            return False
        self.write(name, data)
        return True

    def holds(self, name: str, sha256: str, size: int) -> bool | None:
        """A large file is read once, and again after it changed."""
        return self._digests.are(self._root / name, sha256, size)

    def take(self, staged: Path, name: str, sha256: str) -> None:
        """Rename."""
        path = self._root / name
        private_folder(path.parent)
        os.replace(staged, path)
        self._digests.remember(path, sha256)

    def sha256(self, name: str) -> tuple[str, int] | None:
        """Always read, even if a digest is remembered."""
        try:
            found = file_sha256(self._root / name)
        except FileNotFoundError:
            return None
        self._digests.remember(self._root / name, found[0])
        return found

    def set_aside(self, name: str) -> bool:
        """Rename; a file that another process replaced in between is moved back."""
        path, damaged = self._root / name, self._root / aside(name)
        private_folder(damaged.parent)
        try:
            os.replace(path, damaged)
        except FileNotFoundError:
            return False
        with contextlib.suppress(OSError):  # an unreadable file is damaged
            if file_sha256(damaged)[0] == digest_in(name):
                os.replace(damaged, path)
                return False
        return True

    def has_set_aside(self, name: str) -> bool:
        """By name."""
        return (self._root / aside(name)).exists()

    def note_use(self, name: str) -> None:
        """By its time of modification, once a day."""
        with contextlib.suppress(OSError):  # another user's file, or a medium that cannot be written
            if time.time() - (self._root / name).stat().st_mtime > _DAY_S:
                os.utime(self._root / name)

    def remove(self, file: Kept) -> bool:
        """Unlink."""
        path = self._root / file.name
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime != file.changed:
                return False
            path.unlink()
        return True

    def below(self, folder: str) -> list[tuple[str, int]]:
        """Files being written have hidden names and are left out."""
        return [(file.name, file.bytes) for file in self.kept(folder)]

    def kept(self, folder: str) -> list[Kept]:
        """Files being written have hidden names and are left out."""
        found = []
        for path in sorted((self._root / folder).rglob("[!.]*")):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    facts = path.stat()
                    found.append(Kept(str(path.relative_to(self._root)), facts.st_size, facts.st_mtime))
        return found

    def names(self, folder: str) -> list[str]:
        """By time of modification."""
        found = [(path.stat().st_mtime_ns, path.name) for path in (self._root / folder).glob("[!.]*")]
        return [f"{folder}/{name}" for _, name in sorted(found)]

    def table(self, folder: str, wanted: list[tuple[str, str, Any]]) -> Any:
        """Read one by one."""
        return table(file_system("file"), str(self._root / folder), wanted)

    def uri(self, name: str) -> str:
        """The absolute path."""
        return str(self._root / name)


def private_folder(path: Path) -> None:
    """Create a folder and its missing parents, accessible only to the user."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def moved(source: Path, target: Path) -> None:
    """Rename, or copy if the two are on different file systems."""
    try:
        os.replace(source, target)
    except OSError:
        shutil.copyfile(source, target)
        source.unlink(missing_ok=True)

"""A copy of a store folder beside a running Polydub, and its way back.

Records are copied before blobs, so that every record of the copy finds its files, whatever is made meanwhile. A file
that the copy has already is not copied again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

from tasks.keep.folder import private_folder
from tasks.keep.place import Kept, Place
from tasks.keep.staging import staged

DATABASE = "prefect.db"
"""The name of the database in a backup."""

_FOLDERS = ("records", "batches", "ledger", "blobs")


def copy_store(place: Place, root: Path, into: Path) -> tuple[int, int]:
    """Copy what is not in a folder yet.

    Args:
        place: of the store.
        root: its folder.
        into: the backup's folder, or a store's.

    Returns:
        Number of copied files and bytes.
    """
    files = size = 0
    for folder in _FOLDERS:
        for file in place.kept(folder):
            if _is_there(file, into / file.name):
                continue
            private_folder((into / file.name).parent)
            with contextlib.suppress(FileNotFoundError), staged(into / file.name) as part:  # removed meanwhile
                shutil.copy2(root / file.name, part)
                files, size = files + 1, size + file.bytes
    return files, size


def copy_database(database: Path, into: Path) -> None:
    """A consistent copy of a SQLite database that may be in use."""
    with staged(into) as part:
        source, target = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True), sqlite3.connect(part)
        with contextlib.closing(source), contextlib.closing(target):
            source.backup(target)
        os.chmod(part, 0o600)


def _is_there(file: Kept, copy: Path) -> bool:
    """Blobs never change; of a record that does, the newer one is right."""
    try:
        facts = copy.stat()
    except FileNotFoundError:
        return False
    return facts.st_size == file.bytes and (file.name.startswith("blobs/") or facts.st_mtime >= file.changed)

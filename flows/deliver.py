"""Deliverables into the user's folder: each file whole or not at all, and untouched where it is right already.

Right is what has the asset's content, whatever its name, size and time say.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.keep.assets import path_of
from tasks.keep.digests import Digests
from tasks.keep.places import Folder
from tasks.keep.store import store_root
from tasks.records.errors import BadInputError, TransientError, disk_full
from tasks.records.model import Asset

_PIECE = 1 << 20
_PART = re.compile(r"^\..+\.(\d+)\.part$", re.DOTALL)


class DamagedError(TransientError):
    """A stored file is not what was stored; the next look into the store finds it so, and the step is run again."""


def deliver(folder: Path, outputs: Mapping[str, Asset]) -> tuple[str, ...]:
    """Copy assets to their places below a folder.

    Returns:
        The places where another file was, which was replaced.

    Raises:
        DamagedError: a stored file is not what it was; nothing of it is left in the folder.
        DiskFullError: there is no room in the folder.
        BadInputError: it cannot be written.
    """
    digests = Digests(Folder(store_root()))
    try:
        replaced = [place for place, asset in outputs.items() if _put(asset, folder / place, digests)]
        for used in {(folder / place).parent for place in outputs}:
            _sweep(used)
    except OSError as error:
        refused = BadInputError(
            f"{error.filename or folder} cannot be written: {error.strerror}.",
            "Choose another --out; finished work is kept.",
        )
        raise disk_full(error, folder) or refused from error
    return tuple(replaced)


def write_json(path: Path, value: Any) -> None:
    """Write readable JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = _part_of(path)
    staged.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
    os.replace(staged, path)


def _put(asset: Asset, target: Path, digests: Digests) -> bool:
    there = digests.are(target, asset.sha256, asset.bytes)
    if there:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    blob, staged = path_of(asset), _part_of(target)
    try:
        if (copied := _copy(blob, staged)) != asset.sha256:
            digests.remember(blob, copied)
            raise DamagedError(f"The stored file {asset.uri} is damaged.", "Run the command again: it is made again.")
        times = blob.stat()
        os.utime(staged, ns=(times.st_atime_ns, times.st_mtime_ns))
        os.replace(staged, target)
    finally:
        staged.unlink(missing_ok=True)
    digests.remember(target, asset.sha256)
    return there is False


def _copy(source: Path, target: Path) -> str:
    """Copy a file; the digest of what was copied."""
    digest = hashlib.sha256()
    with source.open("rb") as there, target.open("wb") as here:
        while piece := there.read(_PIECE):
            digest.update(piece)
            here.write(piece)
    return digest.hexdigest()


def _part_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.part")


def _sweep(folder: Path) -> None:
    """Remove what a killed delivery left in a folder."""
    for entry in folder.iterdir():
        found = _PART.match(entry.name)
        if found and not Path(f"/proc/{found[1]}").exists():
            entry.unlink(missing_ok=True)

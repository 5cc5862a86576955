"""Copies deliverables into the user's folder: each file completely or not at all, and only if it differs.

Files are compared by content, not by name, size or time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tasks.keep.assets import path_of
from tasks.keep.digests import Digests
from tasks.keep.folder import Folder
from tasks.keep.staging import staged, sweep
from tasks.keep.store import store_root
from tasks.records.errors import BadInputError, TransientError, disk_full
from tasks.records.record import Asset
from tasks.sign.formats import SIDECAR

_PIECE = 1 << 20
REVIEW = "review"
"""Folder, in that of a language, of what waits for approval."""


class DamagedError(TransientError):
    """A stored file is damaged; the store detects it at the next lookup, and the step runs again."""


def deliver(folder: Path, outputs: Mapping[str, Asset]) -> tuple[str, ...]:
    """Copy assets to their places below a folder.

    Returns:
        The places where a different file was replaced.

    Raises:
        DamagedError: a stored file is damaged; nothing of it is left in the folder.
        DiskFullError: the folder's disk is full.
        BadInputError: it cannot be written.
    """
    digests = Digests(Folder(store_root()))
    try:
        replaced = [place for place, asset in outputs.items() if _put(asset, folder / place, digests)]
        for used in {(folder / place).parent for place in outputs}:
            sweep(used)
    except OSError as error:
        a_file = isinstance(error, FileExistsError | NotADirectoryError)
        why = "a file stands where a folder is needed" if a_file else error.strerror
        refused = BadInputError(
            f"{error.filename or folder} cannot be written: {why}.",
            f"{'Move it away, or choose' if a_file else 'Choose'} another --out; finished work is kept.",
        )
        raise disk_full(error, folder) or refused from error
    return tuple(replaced)


def clear_review(folder: Path, language: str) -> None:
    """Remove what waited for approval from a title's folder: the language is delivered, or something else waits.

    Args:
        folder: the title's.
        language: BCP-47 tag.
    """
    looked_at = folder / language / REVIEW
    with contextlib.suppress(OSError):
        for path in looked_at.iterdir():
            if path.stem in ("script", "mix", "picture"):
                path.unlink()
        looked_at.rmdir()


def clear_sidecar(folder: Path, place: str, files: Collection[str]) -> None:
    """Remove the credentials that an earlier version of a file had beside it, where this one has none there.

    Args:
        folder: the title's.
        place: of the file.
        files: places of what was delivered with it.
    """
    sidecar = str(Path(place).with_suffix(SIDECAR))
    if sidecar not in files:
        (folder / sidecar).unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write readable JSON, whole or not at all."""
    with staged(path) as part:
        part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _put(asset: Asset, target: Path, digests: Digests) -> bool:
    there = digests.are(target, asset.sha256, asset.bytes)
    if there:
        return False
    blob = path_of(asset)
    with staged(target) as part:
        if (copied := _copy(blob, part)) != asset.sha256:
            digests.remember(blob, copied)
            raise DamagedError(f"The stored file {asset.uri} is damaged.", "Run the command again: it is made again.")
        times = blob.stat()
        os.utime(part, ns=(times.st_atime_ns, times.st_mtime_ns))
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

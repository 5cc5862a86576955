"""How a title's delivery presets ended, and their folders: each whole, or as it was before. No Prefect."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from flows.kept.deliver import deliver
from tasks.keep.digests import Digests
from tasks.keep.folder import Folder
from tasks.keep.store import store_root
from tasks.records.credentials import Signer, told
from tasks.records.errors import BadInputError, disk_full
from tasks.records.quality import Gate
from tasks.records.record import Asset, Record
from tasks.records.result import Failure

#: Folders of presets, below a title's.
FOLDER = "deliver"
_MAKING = re.compile(r"^\.(\d+)-[0-9a-f]+\.(?:making|before)$")


class Delivery(Record):
    """How a preset ended.

    Attributes:
        preset: its name.
        state: ``needs_review`` is delivered, with a missed level; nothing of a ``failed`` one is.
        languages: that are in it, BCP-47.
        outputs: its files, by path below its folder.
        gates: its rules, as they were held against its files.
        notes: fallbacks and limits.
        failure: why, when it was not delivered.
        signed_by: whose certificate its media are signed with; None: they are not.
    """

    preset: str
    state: Literal["completed", "needs_review", "failed"]
    languages: tuple[str, ...]
    outputs: Mapping[str, Asset] = {}
    gates: tuple[Gate, ...] = ()
    notes: tuple[str, ...] = ()
    failure: Failure | None = None
    signed_by: Signer | None = None

    def as_json(self) -> dict[str, Any]:
        """As the summary has it."""
        return {
            "state": self.state,
            "folder": f"{FOLDER}/{self.preset}",
            "languages": list(self.languages),
            "files": {
                place: {"sha256": asset.sha256, "bytes": asset.bytes} for place, asset in sorted(self.outputs.items())
            },
            "gates": [gate.model_dump(mode="json") for gate in self.gates],
            "credentials": None if self.failure else told(self.signed_by),
            "notes": list(self.notes),
            "error": self.failure.model_dump() if self.failure else None,
        }


def deliver_whole(folder: Path, outputs: Mapping[str, Asset]) -> bool:
    """Let a folder hold these files and no others: all of them at once, or it stays as it was.

    Args:
        folder: of a preset.
        outputs: its files, by path below it.

    Returns:
        Whether anything changed.

    Raises:
        DamagedError, DiskFullError, BadInputError: as `flows.kept.deliver.deliver`.
    """
    digests = Digests(Folder(store_root()))
    there = (
        {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} if folder.is_dir() else set()
    )
    same = {place for place, one in outputs.items() if digests.are(folder / place, one.sha256, one.bytes)}
    if there == outputs.keys() == same:
        return False
    mark = f".{os.getpid()}-{time.monotonic_ns():x}"
    making, before = folder.with_name(f"{mark}.making"), folder.with_name(f"{mark}.before")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        for place in same:
            (making / place).parent.mkdir(parents=True, exist_ok=True)
            _linked(folder / place, making / place)
        deliver(making, {place: asset for place, asset in outputs.items() if place not in same})
        if folder.exists():
            folder.rename(before)
        making.rename(folder)
    except OSError as error:
        if before.exists() and not folder.exists():
            before.rename(folder)
        refused = BadInputError(f"{folder} cannot be written: {error.strerror}.", "Choose another --out.")
        raise disk_full(error, folder) or refused from error
    finally:
        for left in (making, before):
            shutil.rmtree(left, ignore_errors=True)
    return True


def _linked(there: Path, here: Path) -> None:
    try:
        os.link(there, here)
    except OSError:  # a file system without links
        shutil.copy2(there, here)


def _sweep(folder: Path) -> None:
    """Remove what killed writers left."""
    for entry in folder.iterdir():
        if (found := _MAKING.match(entry.name)) and not Path(f"/proc/{found[1]}").exists():
            with contextlib.suppress(OSError):
                shutil.rmtree(entry)

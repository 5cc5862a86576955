"""Deliverables into the user's folder: each file whole or not at all, and untouched where it is right already."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.errors import BadInputError, disk_full
from tasks.model import Asset

_PART = re.compile(r"^\..+\.(\d+)\.part$", re.DOTALL)


def deliver(folder: Path, outputs: Mapping[str, Asset]) -> None:
    """Copy assets to their places below a folder.

    A delivered file carries its asset's modification time; same size and time means that it is there already.

    Raises:
        DiskFullError: there is no room in the folder.
        BadInputError: it cannot be written.
    """
    try:
        for place, asset in outputs.items():
            _copy(asset, folder / place)
        for used in {(folder / place).parent for place in outputs}:
            _sweep(used)
    except OSError as error:
        refused = BadInputError(
            f"{error.filename or folder} cannot be written: {error.strerror}.",
            "Choose another --out; finished work is kept.",
        )
        raise disk_full(error, folder) or refused from error


def write_json(path: Path, value: Any) -> None:
    """Write readable JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = _part_of(path)
    staged.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
    os.replace(staged, path)


def _copy(asset: Asset, target: Path) -> None:
    blob = asset.path.stat()
    try:
        there = target.stat()
        if (there.st_size, there.st_mtime_ns) == (blob.st_size, blob.st_mtime_ns):
            return
    except FileNotFoundError:
        pass
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = _part_of(target)
    try:
        shutil.copyfile(asset.path, staged)
        os.utime(staged, ns=(blob.st_atime_ns, blob.st_mtime_ns))
        os.replace(staged, target)
    finally:
        staged.unlink(missing_ok=True)


def _part_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.part")


def _sweep(folder: Path) -> None:
    """Remove what a killed delivery left in a folder."""
    for entry in folder.iterdir():
        found = _PART.match(entry.name)
        if found and not Path(f"/proc/{found[1]}").exists():
            entry.unlink(missing_ok=True)

"""Deliverables into the user's folder: each file whole or not at all, and untouched where it is right already."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.errors import BadInputError
from tasks.model import Asset


def deliver(folder: Path, outputs: Mapping[str, Asset]) -> None:
    """Copy assets to their places below a folder.

    A delivered file carries its asset's modification time; same size and time means that it is there already.

    Raises:
        BadInputError: the folder cannot be written.
    """
    try:
        for place, asset in outputs.items():
            _copy(asset, folder / place)
    except OSError as error:
        raise BadInputError(
            f"{folder} cannot be written: {error.strerror}.",
            "Make room or choose another --out; finished work is kept.",
        ) from error


def write_json(path: Path, value: Any) -> None:
    """Write readable JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}.part")
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
    staged = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(asset.path, staged)
        os.utime(staged, ns=(blob.st_atime_ns, blob.st_mtime_ns))
        os.replace(staged, target)
    finally:
        staged.unlink(missing_ok=True)

"""What is kept of a title from one run to the next, under the content that it was made of."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.filearray import save_arrays

Arrays = Mapping[str, NDArray[Any]]


class Shelf(Protocol):
    """Keeps files of one title and its analysis, by key."""

    def find(self, key: str) -> Path | None:
        """The file that was kept under a key."""

    def keep(self, key: str, file: Path) -> None:
        """Keep a file under a key; it may be moved away."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A shelf of arrays; without one everything is made each time.

    Attributes:
        shelf: where they are kept.
        beside: a file of this run, beside which they are written first.
    """

    shelf: Shelf | None = None
    beside: Path = Path("kept")

    def path(self, key: str, names: Collection[str]) -> Path | None:
        """The file of a key, if it has the arrays of these names."""
        path = None if self.shelf is None else self.shelf.find(key)
        if path is None:
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                return path if set(names) <= set(stored) else None
        except (ValueError, OSError, EOFError, zipfile.BadZipFile):
            return None

    def keep(self, key: str, arrays: Arrays) -> None:
        """Keep arrays under a key.

        Args:
            key: digest of what they are made of.
            arrays: by name, [N, ...] of any dtype and shape.
        """
        if self.shelf is not None:
            path = self.beside.with_suffix(".kept.npz")
            save_arrays(path, arrays)
            try:
                self.shelf.keep(key, path)
            finally:
                path.unlink(missing_ok=True)

    def made(self, key: str, names: Collection[str], make: Callable[[], Arrays]) -> Arrays:
        """The arrays of a key, found or made now.

        Args:
            key: digest of what they are made of.
            names: of the arrays.
            make: makes them, [N, ...] of any dtype and shape.
        """
        if (path := self.path(key, names)) is not None:
            with np.load(path, allow_pickle=False) as stored:
                return {name: stored[name] for name in names}
        arrays = make()
        self.keep(key, arrays)
        return arrays


NOTHING_KEPT = Kept()


def digest_of(*values: Any) -> str:
    """A key of some values: arrays, numbers, texts, and sequences, mappings and records of them."""
    digest = hashlib.sha256()
    for value in values:
        digest.update(_content(value).encode())
    return digest.hexdigest()


def _content(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}{hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    if is_dataclass(value):
        return _content([(one.name, getattr(value, one.name)) for one in fields(value)])
    if isinstance(value, Mapping):
        return _content([(name, value[name]) for name in sorted(value)])
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_content, value))}]"
    return repr(value)

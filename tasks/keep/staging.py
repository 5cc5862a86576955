"""Files that appear whole or not at all: written under a temporary name beside their place, then renamed.

A killed writer leaves its temporary file, whose name says the process; `sweep` removes what nobody writes any more.
The engine, which knows nothing of us, has its own (`lipsync_engine.media.staging`).
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

_EVERYBODY = 0o666  # less what the umask takes away
_PRIVATE = 0o600
#: Names that `staged` gives, and those that deliveries had in earlier versions; the process is one of the two groups.
_PART = re.compile(r"^\.(?:(\d+)-[0-9a-f]+\.part(?:\..*)?|.+\.(\d+)\.part)$", re.DOTALL)


@contextlib.contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A temporary name beside ``out``, moved there when the block ends well, removed otherwise.

    The folder is made where it is missing. The name ends as ``out`` does, and is short however long that is.
    """
    with _beside(out, f"part{out.suffix}") as temporary:
        yield temporary
        os.replace(temporary, out)


@contextlib.contextmanager
def scratch(beside: Path, suffix: str = ".wav") -> Iterator[Path]:
    """A temporary name in the folder of a result, removed when the block ends."""
    with _beside(beside, f"scratch{suffix}") as temporary:
        yield temporary


@contextlib.contextmanager
def _beside(path: Path, ending: str) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}-{time.monotonic_ns():x}.{ending}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def write_first(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file that is not there yet, whole; does nothing where it is: of two writers, the first one's stays.

    Args:
        path: in a folder that is there.
        text: written as UTF-8.
        private: readable for its user alone.
    """
    mode = _PRIVATE if private else _EVERYBODY
    with scratch(path, "") as temporary:
        _create(temporary, text, mode)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
        except OSError:  # a file system without links
            with contextlib.suppress(FileExistsError):
                _create(path, text, mode)


def _create(path: Path, text: str, mode: int) -> None:
    with open(path, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(text)


def sweep(folder: Path) -> None:
    """Remove what killed writers left in a folder."""
    for entry in folder.iterdir():
        if (found := _PART.match(entry.name)) and not Path(f"/proc/{found[1] or found[2]}").exists():
            entry.unlink(missing_ok=True)

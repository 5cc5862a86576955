"""What one process of this host does at a time: a lock on a file, which the kernel frees when its holder dies."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock; other processes wait until the block ends.

    Args:
        file: made where it is missing, in a folder that is there; it stays.

    Raises:
        OSError: it cannot be made.
    """
    with file.open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def locked_if_free(file: Path) -> Iterator[bool]:
    """Hold a lock that nobody holds; yields whether that is so. Arguments and errors as for `locked`."""
    with file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True

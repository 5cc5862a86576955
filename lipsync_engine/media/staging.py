"""Files that appear whole or not at all: written under a temporary name beside their place, then renamed."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A temporary name beside ``out``, moved there when the block ends well, removed otherwise."""
    temporary = out.with_name(f".{os.getpid()}-{time.monotonic_ns():x}.part{out.suffix}")
    try:
        yield temporary
        os.replace(temporary, out)
    finally:
        temporary.unlink(missing_ok=True)

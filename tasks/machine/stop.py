"""A worker is asked to stop: running steps are finished and stored, no further step is started.

Only jobs at paid services, which can take half an hour, are not waited for but cancelled (`tasks.machine.ending`). A
command that somebody waits for ends at once instead, as it does at Ctrl-C (`leaving_sigterm`).
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from tasks.machine.ending import announce_ending
from tasks.records.errors import StoppedError

_asked = threading.Event()
_left: Callable[[int, FrameType | None], Any] | int | None = None


@contextlib.contextmanager
def leaving_sigterm() -> Iterator[None]:
    """In the block, what SIGTERM does at its beginning is what it does in every flow, too."""
    global _left
    _left = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        _left = None


def stop_at_sigterm() -> None:
    """Treat the first SIGTERM as such a request, the second ends the process; no effect outside the main thread.

    Prefect's own way, an exception in the main thread, would leave what runs beside it to run on.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _ask if _left is None else _left)


def refuse_when_stopping() -> None:
    """Called before each step starts.

    Raises:
        StoppedError: a stop was requested.
    """
    if _asked.is_set():
        raise StoppedError("A stop was requested.", "Run the same command again: it continues from here.")


def _ask(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _asked.set()
    announce_ending()

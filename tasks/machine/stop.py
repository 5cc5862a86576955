"""A requested stop: running steps are finished and stored, no further step is started.

Only jobs at paid services, which can take half an hour, are not waited for but cancelled (`tasks.machine.ending`).
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

from tasks.machine.ending import announce_ending
from tasks.records.errors import StoppedError

_asked = threading.Event()


def stop_at_sigterm() -> None:
    """Treat the first SIGTERM as such a request, the second ends the process; no effect outside the main thread."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _ask)


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

"""A stop that somebody asked for: the steps under way are finished and kept, no other is begun.

Jobs at paid services alone are not waited for, which can take half an hour: they are cancelled
(`tasks.machine.ending`).
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

from tasks.machine.ending import give_up
from tasks.records.errors import StoppedError

_asked = threading.Event()


def stop_at_sigterm() -> None:
    """Take the first SIGTERM as such a request, the second ends the process at once; nothing in other threads."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _ask)


def refuse_when_stopping() -> None:
    """Called before a step is begun.

    Raises:
        StoppedError: a stop was asked for.
    """
    if _asked.is_set():
        raise StoppedError("A stop was asked for.", "Run the same command again: it goes on from here.")


def _ask(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _asked.set()
    give_up()

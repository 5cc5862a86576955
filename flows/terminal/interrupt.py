"""Ctrl-C: said in one line, and over at once. What is finished is in the store: the same command goes on from there."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

EXIT_INTERRUPTED = 130
_SAID = "\nStopping. What is finished is kept: run the same command again to resume.\n"
_CURSOR = "\x1b[?25h"  # shown again; the progress display hides it


@contextlib.contextmanager
def stopping_at_once() -> Iterator[None]:
    """End the process at the first Ctrl-C in the block, without waiting for steps; no effect outside the main thread.

    Programs that it started end with it (`tasks.machine.process`); threads that must give up a paid job are waited for
    before (`tasks.machine.ending`). Files are written whole or not at all, so there is nothing to tidy up.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _stop(_number: int, _frame: FrameType | None) -> None:
    said = (_CURSOR if sys.stderr.isatty() else "") + _SAID
    with contextlib.suppress(OSError):
        os.write(2, said.encode())  # whatever the display holds locked
    os._exit(EXIT_INTERRUPTED)

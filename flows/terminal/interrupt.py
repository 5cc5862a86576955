"""Ctrl-C and SIGTERM: said in one line, and over at once. What is finished is kept: the same command goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

#: The exit code of a shell's program that a signal ended: 128 and the signal's number, 130 for Ctrl-C, 143 for SIGTERM.
_BY_SIGNAL = 128
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SAID = "\nStopping. What is finished is kept: run the same command again to resume.\n"
_CURSOR = "\x1b[?25h"  # shown again; the progress display hides it


@contextlib.contextmanager
def stopping_at_once() -> Iterator[None]:
    """End the process at the first Ctrl-C or SIGTERM in the block, without waiting for steps.

    Programs that it started end with it (`tasks.machine.process`); threads that must give up a paid job are waited for
    before (`tasks.machine.ending`). Files are written whole or not at all, so there is nothing to tidy up. No effect
    outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _stop(number: int, _frame: FrameType | None) -> None:
    said = (_CURSOR if sys.stderr.isatty() else "") + _SAID
    with contextlib.suppress(OSError):
        os.write(2, said.encode())  # whatever the display holds locked
    os._exit(_BY_SIGNAL + number)

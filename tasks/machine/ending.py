"""Propagates the end of this process to its threads, because a signal interrupts only the main thread.

Threads that must abandon something elsewhere first (a paid job) are notified and waited for; then the signal takes its
normal effect.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

GRACE_S = 4.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ending = threading.Event()
_open: set[int] = set()  # threads inside `delaying_signals`


class ProcessEnding(BaseException):
    """The process is ending: raised by `raise_if_ending`, not caught by handlers of `Exception`."""


def raise_if_ending() -> None:
    """Raise `ProcessEnding` if the process is about to end."""
    if _ending.is_set():
        raise ProcessEnding


def announce_ending() -> None:
    """Notify the threads inside `delaying_signals` that the process is about to end, without a signal."""
    _ending.set()


@contextlib.contextmanager
def delaying_signals() -> Iterator[None]:
    """Delay signals while this thread is in the block, for at most `GRACE_S`; it calls `raise_if_ending` often."""
    _open.add(threading.get_ident())
    try:
        raise_if_ending()
        yield
    finally:
        _open.discard(threading.get_ident())


@contextlib.contextmanager
def notifying_threads() -> Iterator[None]:
    """Propagate SIGINT and SIGTERM to all threads while the block runs; no effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    found = {number: signal.getsignal(number) or signal.SIG_DFL for number in _SIGNALS}
    before = {number: former for number, former in found.items() if former != signal.SIG_IGN}

    def notify(number: int, frame: FrameType | None) -> None:
        _ending.set()
        ends = time.monotonic() + GRACE_S
        while _open - {threading.get_ident()} and time.monotonic() < ends:
            time.sleep(0.05)
        former = before[signal.Signals(number)]
        if callable(former):
            former(number, frame)
            return
        signal.signal(number, former)
        os.kill(os.getpid(), number)

    for number in before:
        signal.signal(number, notify)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
        _ending.clear()

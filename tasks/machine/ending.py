"""The end of this process, told to its threads: a signal interrupts the main thread alone.

Who has something to give up elsewhere (a job that costs money) is told first and waited for; then the signal does what
it would have done.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

GRACE_S = 15.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ending = threading.Event()
_open: set[int] = set()  # threads inside `parting`


class Ending(BaseException):
    """The process ends: raised by `heed`, past every handler of ordinary errors."""


def heed() -> None:
    """Raise `Ending` where the process is about to end."""
    if _ending.is_set():
        raise Ending


def give_up() -> None:
    """Tell the threads inside `parting` that the process is about to end, where something else ends it."""
    _ending.set()


@contextlib.contextmanager
def parting() -> Iterator[None]:
    """While this thread is in the block, a signal waits for it (`GRACE_S` at most); it calls `heed` often."""
    _open.add(threading.get_ident())
    try:
        heed()
        yield
    finally:
        _open.discard(threading.get_ident())


@contextlib.contextmanager
def telling_threads() -> Iterator[None]:
    """While the block runs, an interrupt or a termination is told to all threads; in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    found = {number: signal.getsignal(number) or signal.SIG_DFL for number in _SIGNALS}
    before = {number: former for number, former in found.items() if former != signal.SIG_IGN}

    def tell(number: int, frame: FrameType | None) -> None:
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
        signal.signal(number, tell)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
        _ending.clear()

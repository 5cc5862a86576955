"""Work that is of use only as a whole: where a part fails, the others begin nothing more, their programs are ended.

A part that runs in Python alone goes on until it reports progress or begins a program.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator

from tasks.records.errors import GivenUpError

_End = Callable[[], None]


class Together:
    """The parts of one piece of work."""

    def __init__(self) -> None:
        self.given_up = False
        self._lock, self._ends = threading.Lock(), dict[object, _End]()

    def give_up(self) -> None:
        """End the programs that run for it; no other is begun, nor a step."""
        with self._lock:
            self.given_up, ends = True, list(self._ends.values())
        for end in ends:
            end()

    def _take(self, one: object, end: _End) -> None:
        with self._lock:
            self._ends[one] = end
            late = self.given_up
        if late:
            end()

    def _leave(self, one: object) -> None:
        with self._lock:
            self._ends.pop(one, None)


_parts_of: contextvars.ContextVar[tuple[Together, ...]] = contextvars.ContextVar("parts_of", default=())


@contextlib.contextmanager
def together() -> Iterator[Together]:
    """What is done in the block, and in threads that have its context, is one piece of work."""
    whole = Together()
    token = _parts_of.set((*_parts_of.get(), whole))
    try:
        yield whole
    finally:
        _parts_of.reset(token)


def refuse_when_given_up() -> None:
    """Called before a step or a program begins.

    Raises:
        GivenUpError: another part of the work has failed.
    """
    if any(whole.given_up for whole in _parts_of.get()):
        raise GivenUpError("It was given up, because a step beside it failed.", "See that step.")


@contextlib.contextmanager
def ended_when_given_up(end: _End) -> Iterator[None]:
    """A program runs in the block.

    Args:
        end: ends it, from another thread.
    """
    one, wholes = object(), _parts_of.get()
    for whole in wholes:
        whole._take(one, end)
    try:
        yield
    finally:
        for whole in wholes:
            whole._leave(one)

"""How a step reports how far it is. Plain callbacks: the terminal, Prefect or a test listens."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from tasks.records.step_record import NOTHING_USED, Usage
from tasks.records.title import Run, language_of

#: Called with the share of a step that is done, 0 to 1.
Progress = Callable[[float], None]


@dataclass(frozen=True)
class StepEvent:
    """Something happened in a step of a title (``language`` is empty for the shared steps).

    ``folder`` is where the title's deliverables go: two batches may have titles of the same name.
    ``usage``, ``hits`` and ``parts`` come with ``computed`` (and usage with ``failed``: it is paid all the same).
    """

    title: str
    language: str
    step: str
    state: Literal["started", "progress", "computed", "reused", "failed"]
    fraction: float = 0.0
    seconds: float = 0.0
    message: str = ""
    usage: Usage = NOTHING_USED
    hits: int = 0
    parts: int = 0
    folder: str = ""

    def is_of(self, run: Run) -> bool:
        """Whether it happened in a branch, or in what the languages of a title share."""
        here = (self.title, self.language) == (run.title.name, language_of(run))
        return here and self.folder in ("", run.title.folder)


_listeners: list[Callable[[StepEvent], None]] = []
_lock = threading.Lock()


def announce(event: StepEvent) -> None:
    """Tell every listener."""
    with _lock:
        listeners = tuple(_listeners)
    for listener in listeners:
        listener(event)


@contextlib.contextmanager
def listening(listener: Callable[[StepEvent], None]) -> Iterator[None]:
    """Call a listener with every step event in this process while the block runs."""
    with _lock:
        _listeners.append(listener)
    try:
        yield
    finally:
        with _lock:
            _listeners.remove(listener)


def silent(_fraction: float) -> None:
    """Listen to nothing."""

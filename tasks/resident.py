"""Models that stay loaded for a whole batch, but hold the accelerator only while a stage uses them.

A model is read from disk once a process and serves every language and line. Between stages it waits in main memory, so
that the next stage has the accelerator for itself. Without an accelerator nothing moves.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tasks.meter import device_time

_everyone: weakref.WeakSet[Resident] = weakref.WeakSet()
_CPU = "cpu"


class Resident:
    """A loaded model and the device it works on.

    Args:
        model: has ``to(device)``, as PyTorch's modules have.
        device: ``"auto"`` takes a GPU where there is one.
    """

    def __init__(self, model: Any, device: str) -> None:
        self.model = model
        self.device = _chosen(device)
        self._there = _CPU
        self._users = 0
        self._lock = threading.Lock()
        _everyone.add(self)

    @contextmanager
    def at_work(self) -> Iterator[Any]:
        """The model on its device; it stays there until `rest`."""
        with self._lock:
            self._move(self.device)
            self._users += 1
        try:
            with device_time(self.device):
                yield self.model
        finally:
            with self._lock:
                self._users -= 1

    def rest(self) -> bool:
        """Give the accelerator back, unless somebody is at work with the model; whether it was given back."""
        with self._lock:
            if self._users or self._there == _CPU:
                return False
            self._move(_CPU)
            return True

    def _move(self, device: str) -> None:
        if device != self._there:
            self.model.to(device)
            self._there = device


def rest() -> None:
    """Let every model rest that nobody uses, and free what PyTorch keeps of the accelerator's memory for later."""
    rested = [resident.rest() for resident in list(_everyone)]
    if any(rested):
        import torch

        torch.cuda.empty_cache()


def _chosen(device: str) -> str:
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else _CPU

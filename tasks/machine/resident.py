"""Models that stay loaded for a whole batch, but occupy the accelerator only while a stage uses them.

A model is read from disk once per process and serves every title, language and line. Between stages it stays in main
memory, so that the next stage has the accelerator to itself; without an accelerator nothing moves. If the process
uses more than half of its memory limit, idle models are dropped before another one is loaded.
"""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasks.machine.memory import whole_bytes
from tasks.machine.meter import count_loaded, count_rested, device_time

_everyone: weakref.WeakSet[Resident] = weakref.WeakSet()
_pool: dict[Hashable, Resident] = {}
_loading = threading.Lock()
_CPU = "cpu"
_CROWDED = 0.5  # share of the memory limit


class Resident:
    """A loaded model and the device it works on.

    Args:
        model: has ``to(device)``, as PyTorch's modules have.
        device: ``"auto"`` uses a GPU if there is one.
    """

    def __init__(self, model: Any, device: str) -> None:
        self.model = model
        self.device = _chosen(device)
        self.used_at = time.monotonic()
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
                self.used_at = time.monotonic()

    @property
    def idle(self) -> bool:
        """Whether the model is not in use."""
        return self._users == 0

    def rest(self) -> bool:
        """Release the accelerator unless the model is in use; returns whether it was released."""
        with self._lock:
            if self._users or self._there == _CPU:
                return False
            self._move(_CPU)
            return True

    def _move(self, device: str) -> None:
        if device != self._there:
            self.model.to(device)
            self._there = device


def loaded_once(key: Hashable, load: Callable[[], Resident]) -> Resident:
    """The model of that key: from this process's cache, else loaded now and cached.

    Args:
        key: the kind of model, and everything that distinguishes it from others of its kind.
        load: loads it; its errors are passed on, and the next call tries again.
    """
    if (known := _pool.get(key)) is not None:
        return known
    with _loading:
        if key not in _pool:
            _make_room()
            _pool[key] = load()
            count_loaded()
        return _pool[key]


def rest() -> None:
    """Move all idle models off the accelerator and release PyTorch's cached accelerator memory."""
    rested = sum(resident.rest() for resident in list(_everyone))
    if rested:
        import torch

        torch.cuda.empty_cache()
        count_rested(rested)


def _make_room() -> None:
    """Drop idle models, least recently used first, until the process is small enough."""
    while _used_bytes() > _CROWDED * whole_bytes():
        idle = [key for key, resident in _pool.items() if resident.idle]
        if not idle:
            return
        del _pool[min(idle, key=lambda key: _pool[key].used_at)]
        gc.collect()


def _used_bytes() -> int:
    """Resident memory of this process in bytes (proc(5))."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _chosen(device: str) -> str:
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else _CPU

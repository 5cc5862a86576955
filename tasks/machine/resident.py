"""Models that stay loaded for a whole batch, but hold the accelerator only while a stage uses them.

A model is read from disk once a process and serves every title, language and line. Between stages it waits in main
memory, so that the next stage has the accelerator for itself; without an accelerator nothing moves. Where the process
grows beyond half of the memory that it may have, models that nobody uses are forgotten before another is read.
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

from tasks.machine.meter import count_loaded, count_rested, device_time

_everyone: weakref.WeakSet[Resident] = weakref.WeakSet()
_pool: dict[Hashable, Resident] = {}
_loading = threading.Lock()
_CPU = "cpu"
_CROWDED = 0.5  # share of the memory


class Resident:
    """A loaded model and the device it works on.

    Args:
        model: has ``to(device)``, as PyTorch's modules have.
        device: ``"auto"`` takes a GPU where there is one.
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
        """Whether nobody is at work with it."""
        return self._users == 0

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


def loaded_once(key: Hashable, load: Callable[[], Resident]) -> Resident:
    """The model of that key: the one that this process has, else read now and kept.

    Args:
        key: the kind of model, and everything that tells it from others of its kind.
        load: reads it; what it raises is raised here, and the next who asks tries again.
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
    """Let every model rest that nobody uses, and free what PyTorch keeps of the accelerator's memory for later."""
    rested = sum(resident.rest() for resident in list(_everyone))
    if rested:
        import torch

        torch.cuda.empty_cache()
        count_rested(rested)


def _make_room() -> None:
    """Forget idle models, the one that was used longest ago first, until the process is small enough."""
    while _used_bytes() > _CROWDED * _memory_bytes():
        idle = [key for key, resident in _pool.items() if resident.idle]
        if not idle:
            return
        del _pool[min(idle, key=lambda key: _pool[key].used_at)]
        gc.collect()


def _used_bytes() -> int:
    """Resident memory of this process (proc(5))."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _memory_bytes() -> int:
    """The memory of this machine, or of the container (cgroups v2) where that has less."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no cgroup of its own, or "max"
        return machine


def _chosen(device: str) -> str:
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else _CPU

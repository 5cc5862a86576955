"""Resource usage of a step besides time: accelerator seconds, models loaded, programs run, bills of paid services.

A step's meter runs while it computes (`tasks.step.run`); code that leases a device or calls a paid service adds to it
without knowing which step it works for. Outside a step nothing is counted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tasks.records.step_record import Bill, Usage


class Meter:
    """One step's usage so far; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bills: list[Bill] = []
        self._gpu_seconds = 0.0
        self._loaded = self._rested = 0
        self._programs: set[str] = set()
        self._at_work = 0
        self._since = 0.0

    def usage(self) -> Usage:
        """The usage counted so far."""
        with self._lock:
            return Usage(
                gpu_seconds=round(self._gpu_seconds, 3),
                bills=tuple(self._bills),
                models_loaded=self._loaded,
                models_rested=self._rested,
            )

    def add(self, bill: Bill) -> None:
        """Add a bill of a paid service."""
        with self._lock:
            self._bills.append(bill)

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of the programs that were run, sorted."""
        with self._lock:
            return tuple(sorted(self._programs))

    def add_program(self, name: str) -> None:
        """Note a program that is run."""
        with self._lock:
            self._programs.add(name)

    def add_models(self, *, loaded: int = 0, rested: int = 0) -> None:
        """Count models that were read from disk, or that left the accelerator."""
        with self._lock:
            self._loaded += loaded
            self._rested += rested

    def device_begins(self) -> None:
        """The accelerator is in use; overlapping uses count once."""
        with self._lock:
            if self._at_work == 0:
                self._since = time.monotonic()
            self._at_work += 1

    def device_ends(self) -> None:
        """The accelerator is released."""
        with self._lock:
            self._at_work -= 1
            if self._at_work == 0:
                self._gpu_seconds += time.monotonic() - self._since


_running: ContextVar[Meter | None] = ContextVar("polydub_meter", default=None)


@contextmanager
def metered() -> Iterator[Meter]:
    """Meter the block."""
    meter = Meter()
    token = _running.set(meter)
    try:
        yield meter
    finally:
        _running.reset(token)


@contextmanager
def device_time(device: str) -> Iterator[None]:
    """Count the block's time as accelerator time; not for ``"cpu"`` and ``""``."""
    meter = _running.get()
    if meter is None or device in ("", "cpu"):
        yield
        return
    meter.device_begins()
    try:
        yield
    finally:
        meter.device_ends()


def note_program(name: str) -> None:
    """Note a program that the step runs."""
    meter = _running.get()
    if meter is not None:
        meter.add_program(name)


def count_loaded() -> None:
    """Count a model that was read from disk."""
    meter = _running.get()
    if meter is not None:
        meter.add_models(loaded=1)


def count_rested(models: int) -> None:
    """Count models that left the accelerator."""
    meter = _running.get()
    if meter is not None:
        meter.add_models(rested=models)


def bill(provider: str, job: str = "", /, *, usd: float | None = None, **units: float) -> None:
    """Record the charge for a request to a paid service, once it has answered.

    Args:
        provider: as `configs/prices.yaml` names it, with the model behind a slash where prices differ by model.
        job: the service's id of the job, if it is charged once however often it is billed here.
        usd: the cost that the service states; None to use the price list.
        units: quantities by unit: ``characters``, ``seconds``, ``input_tokens``, ``output_tokens``.
    """
    meter = _running.get()
    if meter is not None:
        meter.add(Bill(provider=provider, units=units, usd=usd, job=job))

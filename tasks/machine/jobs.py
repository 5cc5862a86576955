"""How many steps compute at once in this process: as many as its cores and its free memory allow.

A step is at work while it computes. One that waits for a service takes nobody's place.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from tasks.machine.memory import ROOT, free_bytes, own_bytes
from tasks.machine.together import refuse_when_given_up

#: A fixed number, or as many as the machine has room for.
Jobs = int | Literal["auto"]

#: What a run holds by itself, its models that stay loaded above all, and what a step takes at most beside that, with
#: all that it starts: lip sync of one language. Measured by `benchmarks.jobs` (docs/operations.md).
RUN_BYTES, JOB_BYTES = 1_800_000_000, 1_400_000_000
_LOOK_S = 1.0  # memory may be freed by others, who tell nobody

_changed = threading.Condition()
_at_work = 0


def at_once(jobs: Jobs) -> int:
    """How many steps can be at work here, at least one.

    Args:
        jobs: as asked for.
    """
    if jobs != "auto":
        return jobs
    return max(1, min(cores(), (free_bytes() + own_bytes() - RUN_BYTES) // JOB_BYTES))


def cores(root: Path = ROOT) -> int:
    """Cores that this process may use: those it is bound to, or its control group's share of them.

    Args:
        root: where ``sys`` is.
    """
    found = float(len(os.sched_getaffinity(0)))
    with contextlib.suppress(OSError, ValueError):  # cgroups v2; "max" is no number
        quota, period = (root / "sys/fs/cgroup/cpu.max").read_text().split()
        found = min(found, int(quota) / int(period))
    with contextlib.suppress(OSError, ValueError):
        quota, period = (
            (root / "sys/fs/cgroup/cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period")
        )
        found = min(found, int(quota) / int(period) if int(quota) > 0 else found)
    return max(1, math.ceil(found))


@contextlib.contextmanager
def at_work(jobs: Jobs) -> Iterator[None]:
    """Be one of so many in the block; wait while there is no room.

    Each that is at work is reckoned with all the memory that a step takes, whatever it has taken so far.

    Args:
        jobs: how many there may be.
    """
    global _at_work
    with _changed:
        while not _has_room(jobs):
            _changed.wait(_LOOK_S)
            refuse_when_given_up()
        _at_work += 1
    try:
        yield
    finally:
        with _changed:
            _at_work -= 1
            _changed.notify_all()


def _has_room(jobs: Jobs) -> bool:
    return _at_work == 0 or _at_work < at_once(jobs)

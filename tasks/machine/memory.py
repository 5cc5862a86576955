"""Memory as this machine and the control groups of this process really have it (Linux: proc(5), cgroups v1 and v2)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")


@dataclass(frozen=True)
class Bound:
    """What one control group may use, and what of it is in use beyond files that could be dropped; bytes."""

    limit: int
    used: int


def whole_bytes(root: Path = ROOT) -> int:
    """Memory of the machine, or of the tightest control group.

    Args:
        root: where ``proc`` and ``sys`` are.
    """
    return min([_of_the_machine(root, "MemTotal"), *(bound.limit for bound in bounds(root))])


def free_bytes(root: Path = ROOT) -> int:
    """What can still be taken before the machine, or a control group of this process, has no more.

    Args:
        root: where ``proc`` and ``sys`` are.
    """
    left = [bound.limit - bound.used for bound in bounds(root)]
    return max(min([_of_the_machine(root, "MemAvailable"), *left]), 0)


def own_bytes(root: Path = ROOT) -> int:
    """What this process and all that it started hold now.

    Args:
        root: where ``proc`` is.
    """
    parents: dict[int, int] = {}
    pages: dict[int, int] = {}
    for entry in (root / "proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):  # it has just ended
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                pages[int(entry.name)] = int((entry / "statm").read_text().split()[1])
    ours = {os.getpid()}
    grown = True
    while grown:
        below = {one for one, parent in parents.items() if parent in ours and one not in ours}
        ours |= below
        grown = bool(below)
    return sum(pages.get(one, 0) for one in ours) * os.sysconf("SC_PAGE_SIZE")


def bounds(root: Path = ROOT) -> Iterator[Bound]:
    """The control groups of this process that bound its memory, its own and those above it."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        kinds, _, path = rest.partition(":")
        if number == "0" and not kinds:
            top, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in kinds.split(","):
            top = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        inside = Path(path.lstrip("/"))
        for folder in (inside, *inside.parents):
            yield from _bound(top / folder, *names)


def _bound(folder: Path, limit: str, used: str, droppable: str) -> Iterator[Bound]:
    with contextlib.suppress(OSError, ValueError):  # "max", or a folder that a container does not show
        most, taken = int(_read(folder / limit)), int(_read(folder / used))
        files = dict(line.split() for line in _text(folder / "memory.stat").splitlines())
        yield Bound(most, taken - int(files.get(droppable, 0)))


def _of_the_machine(root: Path, name: str) -> int:
    """A figure of meminfo in bytes."""
    rows = dict(line.split(":", 1) for line in _text(root / "proc/meminfo").splitlines() if ":" in line)
    return (
        int(rows[name].split()[0]) * 1024 if name in rows else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    )


def _read(file: Path) -> str:
    return file.read_text("utf-8")


def _text(file: Path) -> str:
    try:
        return _read(file)
    except OSError:
        return ""

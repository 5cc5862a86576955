"""So many steps compute at once as the cores and the free memory of the machine, or of its control group, allow."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.machine import jobs
from tasks.machine.jobs import JOB_BYTES, RUN_BYTES, at_once, at_work, cores
from tasks.machine.memory import free_bytes, own_bytes, whole_bytes

GIB = 1 << 30


def machine(root: Path, *, total: int, free: int, groups: str = "0::/\n", **files: str) -> Path:
    """A machine's ``proc`` and ``sys`` in a folder; ``files`` are of control groups, by path with ``__`` for ``/``."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal: {total // 1024} kB\nMemAvailable: {free // 1024} kB\n")
    (root / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        file = root / "sys/fs/cgroup" / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_the_memory_is_the_machine_s_where_nothing_bounds_it(tmp_path: Path) -> None:
    root = machine(tmp_path, total=16 * GIB, free=5 * GIB)
    assert (whole_bytes(root), free_bytes(root)) == (16 * GIB, 5 * GIB)


def test_a_group_s_bound_counts_with_what_it_could_drop(tmp_path: Path) -> None:
    group = {
        "memory.max": f"{4 * GIB}\n",
        "memory.current": f"{3 * GIB}",
        "memory.stat": f"anon 5\ninactive_file {GIB}\n",
    }
    root = machine(
        tmp_path,
        total=16 * GIB,
        free=9 * GIB,
        groups="0::/pod/dub\n",
        **{f"pod__dub__{n}": t for n, t in group.items()},
    )
    assert (whole_bytes(root), free_bytes(root)) == (4 * GIB, 2 * GIB)


def test_a_group_above_bounds_too_and_one_without_a_bound_does_not(tmp_path: Path) -> None:
    above = {"memory.max": f"{2 * GIB}", "memory.current": f"{GIB}"}
    own = {"memory.max": "max\n", "memory.current": f"{GIB}"}
    files = {f"pod__{n}": t for n, t in above.items()} | {f"pod__dub__{n}": t for n, t in own.items()}
    assert free_bytes(machine(tmp_path, total=16 * GIB, free=9 * GIB, groups="0::/pod/dub\n", **files)) == GIB


def test_a_group_of_the_first_version_bounds_too(tmp_path: Path) -> None:
    files = {
        "memory__dub__memory.limit_in_bytes": f"{3 * GIB}",
        "memory__dub__memory.usage_in_bytes": f"{2 * GIB}",
        "memory__dub__memory.stat": f"cache 1\ntotal_inactive_file {GIB // 2}\n",
        "memory__memory.limit_in_bytes": "9223372036854771712",
        "memory__memory.usage_in_bytes": f"{2 * GIB}",
    }
    groups = "4:memory:/dub\n1:cpu,cpuacct:/\n"
    root = machine(tmp_path, total=16 * GIB, free=9 * GIB, groups=groups, **files)
    assert (whole_bytes(root), free_bytes(root)) == (3 * GIB, 3 * GIB // 2)


def test_more_than_is_allowed_in_use_leaves_nothing(tmp_path: Path) -> None:
    files = {"memory.max": f"{GIB}", "memory.current": f"{2 * GIB}"}
    assert free_bytes(machine(tmp_path, total=4 * GIB, free=GIB, **files)) == 0


def test_what_was_started_counts_as_own() -> None:
    before = own_bytes()
    taking = "import sys; held = bytearray(80 << 20); print('', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", taking], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert own_bytes() - before > 60 << 20
        child.communicate()


def test_the_cores_are_those_it_is_bound_to_or_its_group_s_share(tmp_path: Path) -> None:
    bound = len(os.sched_getaffinity(0))
    assert cores(tmp_path) == bound
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cpu.max").write_text("50000 100000\n")
    assert cores(tmp_path) == 1
    (tmp_path / "sys/fs/cgroup/cpu.max").write_text("max 100000\n")
    assert cores(tmp_path) == bound


@pytest.mark.parametrize(
    ("many", "free", "expected"),
    [(2, 100, 2), (64, 12, 7), (64, 1.3, 1), (1, 100, 1), (8, 4.6, 2), (8, 4.59, 1)],
)
def test_auto_is_bounded_by_both(monkeypatch: pytest.MonkeyPatch, many: int, free: float, expected: int) -> None:
    monkeypatch.setattr(jobs, "cores", lambda: many)
    monkeypatch.setattr(jobs, "free_bytes", lambda: int(free * 1e9))
    monkeypatch.setattr(jobs, "own_bytes", lambda: 0)
    assert at_once("auto") == expected
    assert at_once(5) == 5


@pytest.fixture
def most() -> Iterator[list[int]]:
    """Filled by `work`: how many were at work whenever one began."""
    yield []
    assert jobs._at_work == 0


def work_of(count: int, asked: jobs.Jobs, most: list[int], together: int) -> None:
    """So many works, of which so many meet at a time before they go on."""
    meeting, lock, now = threading.Barrier(together), threading.Lock(), 0

    def work(_number: int) -> None:
        nonlocal now
        with at_work(asked):
            with lock:
                now += 1
                most.append(now)
            meeting.wait(timeout=60)
            with lock:
                now -= 1

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))


def test_of_twenty_so_many_compute_as_were_asked_for(most: list[int]) -> None:
    work_of(20, 4, most, together=4)
    assert max(most) == 4


def test_each_at_work_is_reckoned_with_all_it_may_take(monkeypatch: pytest.MonkeyPatch, most: list[int]) -> None:
    monkeypatch.setattr(jobs, "cores", lambda: 64)
    monkeypatch.setattr(jobs, "free_bytes", lambda: RUN_BYTES + int(2.5 * JOB_BYTES))
    monkeypatch.setattr(jobs, "own_bytes", lambda: 0)
    work_of(20, "auto", most, together=2)
    assert max(most) == 2


def test_one_is_at_work_however_little_memory_there_is(monkeypatch: pytest.MonkeyPatch, most: list[int]) -> None:
    monkeypatch.setattr(jobs, "free_bytes", lambda: 0)
    monkeypatch.setattr(jobs, "own_bytes", lambda: 0)
    work_of(3, "auto", most, together=1)
    assert most == [1, 1, 1]


def test_memory_that_others_give_back_lets_the_next_begin(monkeypatch: pytest.MonkeyPatch, most: list[int]) -> None:
    left = iter([0, 0])
    monkeypatch.setattr(jobs, "cores", lambda: 64)
    monkeypatch.setattr(jobs, "_LOOK_S", 0.01)
    monkeypatch.setattr(jobs, "free_bytes", lambda: next(left, 10 * JOB_BYTES))
    monkeypatch.setattr(jobs, "own_bytes", lambda: 0)
    work_of(2, "auto", most, together=2)
    assert max(most) == 2

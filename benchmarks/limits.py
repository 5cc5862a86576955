"""Do limits hold? Eight processes under a limit of N on a real Prefect server, and one that is killed with its slot.

    python -m benchmarks.limits [--slots 1,2,4] [--processes 8] [--jobs 3] [--seconds 1.0]

Prints one JSON object a limit: the most jobs seen at once, the wall time against the ideal, and, last, how long the
slot of a killed holder stayed taken. The server is a temporary one with the settings of `polydub up`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from flows.service.serve import SERVER_SETTINGS
from flows.service.server import prefect_server

_NAME = "provider:benchmark"
_JOB = """
import json, sys, time
from tasks.services.slots import held
out, jobs, seconds = open(sys.argv[2], "w"), int(sys.argv[3]), float(sys.argv[4])
for _ in range(jobs):
    with held([sys.argv[1]]):
        began = time.time()
        print(json.dumps(began), file=out, flush=True)
        time.sleep(seconds)
        print(json.dumps(time.time()), file=out, flush=True)
"""


def most_at_once(spans: Sequence[tuple[float, float]]) -> int:
    """How many of the spans overlap at the worst moment; one that begins as another ends does not."""
    edges = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    now = most = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def under_limit(slots: int, processes: int, jobs: int, seconds: float) -> dict[str, float]:
    """Processes that each do so many jobs under one limit."""
    _set_limit(slots)
    with tempfile.TemporaryDirectory() as name:
        began = time.time()
        outs = [Path(name) / f"{number}.txt" for number in range(processes)]
        for worker in [_start(out, jobs, seconds) for out in outs]:
            worker.wait(timeout=600)
        times = [[float(line) for line in out.read_text().split()] for out in outs]
    spans = [(one[i], one[i + 1]) for one in times for i in range(0, len(one), 2)]
    assert len(spans) == processes * jobs, "a job did not end"
    wall = max(end for _, end in spans) - min(start for start, _ in spans)
    ideal = math.ceil(processes * jobs / slots) * seconds
    return {
        "slots": slots,
        "processes": processes,
        "jobs": len(spans),
        "most_at_once": most_at_once(spans),
        "wall_s": round(wall, 1),
        "ideal_s": round(ideal, 1),
        "start_s": round(min(start for start, _ in spans) - began, 1),
    }


def after_a_kill() -> dict[str, float]:
    """Seconds from the SIGKILL of the holder of the only slot until the next gets it."""
    _set_limit(1)
    with tempfile.TemporaryDirectory() as name:
        first, second = Path(name) / "first", Path(name) / "second"
        holder = _start(first, 1, 600.0)
        _wait_for_line(first)
        waiter = _start(second, 1, 0.0)
        time.sleep(5)
        assert not second.exists() or not second.read_text(), "two hold one slot"
        os.kill(holder.pid, signal.SIGKILL)
        killed = time.time()
        waiter.wait(timeout=400)
        return {"freed_after_kill_s": round(float(second.read_text().split()[0]) - killed, 1)}


@contextmanager
def server() -> Iterator[None]:
    """A temporary server with the settings of `polydub up`."""
    os.environ.update(SERVER_SETTINGS)
    with prefect_server():
        yield


def _set_limit(slots: int) -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(_NAME, slots)


def _start(out: Path, jobs: int, seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _JOB, _NAME, str(out), str(jobs), str(seconds)])


def _wait_for_line(file: Path) -> None:
    end = time.monotonic() + 240
    while not file.exists() or not file.read_text():
        assert time.monotonic() < end, "the holder got no slot"
        time.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slots", default="1,2,4")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    chosen = parser.parse_args()
    with server():
        for slots in chosen.slots.split(","):
            print(json.dumps(under_limit(int(slots), chosen.processes, chosen.jobs, chosen.seconds)), flush=True)
        print(json.dumps(after_a_kill()), flush=True)


if __name__ == "__main__":
    main()

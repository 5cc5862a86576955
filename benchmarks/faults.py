"""Random SIGKILLs of workers and flow runs, and of the server, over a batch of 12 titles x 4 languages.

    python -m benchmarks.faults [--profile offline] [--media DIR] [--work DIR] [--kills 40] [--restarts 5] [--every 8]
        [--seed 5]

The batch (`benchmarks.night`; ``--profile fake``: real ffmpeg, the rest invented, in less time) is dubbed by
`polydub up`, every title and branch a flow run of its own, while processes are killed, in step with what is delivered;
`polydub up`, the launchers and `reap` are all that mends it. Then it is dubbed undisturbed, by one process, compared.
A batch that ends before the last kill is followed by another, on a new store. No run is killed more than twice: the
fourth crash would give it up (`flows.dub.revive`). Prints what was killed, how long each took to recover, whether
every branch was delivered once and the same, byte for byte, and what is stuck afterwards.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.night import delivered, environment, make_titles, masters, polydub
from flows.service.server import answers
from tasks.machine.process import service, wait_until

MEDIA = Path("../shared/media")
_NIGHT_S = 3600.0
_REAP_EVERY_S = 60
_ON_ITS_WAY_S = 60
_MOST_KILLS_OF_A_RUN = 2
_SHARE_OF_WORKERS = 0.15
_SPREAD_OVER = 40  # branches delivered, over which the kills are spread: else the first hour would take them all
_AHEAD = 1  # kills of runs and workers before the first branch is delivered


@dataclass
class Tally:
    """What was done to the nights, and how long each took to recover."""

    killed: Counter[str] = field(default_factory=Counter)
    recovered: dict[str, list[float]] = field(default_factory=dict)

    def recovery(self, kind: str, seconds: float) -> None:
        """Note one."""
        self.recovered.setdefault(kind, []).append(seconds)


class Watch(threading.Thread):
    """Sees every file that appears in a folder: how often its contents were put there, and at which sizes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.over = folder, threading.Event()
        self.seen: dict[str, set[tuple[int, int]]] = {}

    def run(self) -> None:
        while not self.over.wait(0.3):
            for path in self.folder.glob("*/*.mp4"):
                with contextlib.suppress(FileNotFoundError):
                    stat = path.stat()
                    self.seen.setdefault(path.stem, set()).add((stat.st_ino, stat.st_size))


def processes(root: Path) -> dict[str, list[tuple[int, str]]]:
    """Our night's processes by kind, each with the flow run that it is, found by their Prefect home."""
    found: dict[str, list[tuple[int, str]]] = {"server": [], "worker": [], "run": []}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            variables = dict(
                part.split("=", 1)
                for part in (entry / "environ").read_text("utf-8", "replace").split("\0")
                if "=" in part
            )
            if variables.get("PREFECT_HOME") != str(root / "prefect"):
                continue
            words = (entry / "cmdline").read_text("utf-8", "replace").split("\0")
            run = variables.get("PREFECT__FLOW_RUN_ID", "")
            if "prefect.engine" in words and run:
                found["run"].append((int(entry.name), run))
            elif "worker" in words and "start" in words:
                found["worker"].append((int(entry.name), ""))
            elif "server" in words and "flows.cli" in words:
                found["server"].append((int(entry.name), ""))
    return found


@contextlib.contextmanager
def server(root: Path, port: int) -> Iterator[str]:
    """`polydub up`, with a reaper that comes every minute and six branches at once."""
    api = f"http://127.0.0.1:{port}/api"
    log = root / "up.log"
    command = [sys.executable, "-m", "flows.cli", "up", "--port", str(port)]
    with service(command, env=environment(root), log=log, stop_s=60) as alive:
        wait_until(lambda: "Prefect UI" in log.read_text() or not alive(), deadline_s=900)
        assert alive(), log.read_text()
        _ask(root, api, _SET_UP)
        try:
            yield api
        finally:
            for pid, _ in processes(root)["run"]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


_SET_UP = f"""
import datetime
from prefect.client.orchestration import get_client
from prefect.client.schemas.schedules import IntervalSchedule
with get_client(sync_client=True) as client:
    reap = client.read_deployment_by_name("reap/polydub")
    every = IntervalSchedule(interval=datetime.timedelta(seconds={_REAP_EVERY_S}))
    client.update_deployment_schedule(reap.id, reap.schedules[0].id, schedule=every)
    queue = client.read_work_queue_by_name("branches", work_pool_name="polydub-cpu")
    client.update_work_queue(queue.id, concurrency_limit=6)
"""

_BEGIN = """
import sys
from pathlib import Path
from configs.night import BudgetSettings
from flows.night.batches import new_batch
from flows.night.manifest import Defaults, read_manifest
from flows.ask.plan import checked_profile
profile, out = "night", sys.argv[1]
requests = read_manifest(Path("night.csv"), Defaults(profile=profile, out=out))
kept, _ = new_batch("night", requests, checked_profile(profile, {}), out, BudgetSettings())
from prefect.deployments import run_deployment
run = run_deployment("dub-batch/polydub", parameters={"batch": kept.id}, timeout=0)
print(run.id)
"""


def _password(root: Path) -> str:
    """Of the night's server, as `polydub up` keeps it."""
    return (root / "prefect" / "polydub-password").read_text().strip()


def _ask(root: Path, api: str, program: str, *arguments: str) -> str:
    """Run a small program as a client of the server; what it says last."""
    env = {**environment(root), "PREFECT_API_URL": api, "PREFECT_API_AUTH_STRING": _password(root)}
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, env=env, cwd=root / "titles", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().rsplit("\n", 1)[-1]


def night_of_faults(root: Path, port: int, chance: random.Random, options: Any, tally: Tally) -> dict[str, Any]:
    """One batch, killed at as long as there are kills to do; then left to recover."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

    out = root / "out"
    watch = Watch(out)
    watch.start()
    hits: Counter[str] = Counter()

    def settings(api: str) -> Any:
        return temporary_settings({PREFECT_API_URL: api, PREFECT_API_AUTH_STRING: _password(root)})

    with server(root, port) as api, settings(api):
        began, before = time.time(), (tally.killed["run"] + tally.killed["worker"]) / options.kills
        batch = _ask(root, api, _BEGIN, str(out))
        kills: list[tuple[str, float]] = []

        def state_of(run_id: str) -> Any:
            with get_client(sync_client=True) as client:
                return client.read_flow_run(UUID(run_id)).state

        def is_over() -> bool:
            try:
                state = state_of(batch)
            except Exception:  # the server is away
                return False
            return bool(state and state.is_final() and not state.is_crashed())

        while time.time() - began < _NIGHT_S:
            time.sleep(chance.expovariate(1 / options.every))
            if is_over():
                break
            done = before + len(masters(out)) / _SPREAD_OVER
            if tally.killed["server"] < min(options.restarts, options.restarts * done):
                _restart_server(root, api, tally)
            elif tally.killed["run"] + tally.killed["worker"] < min(options.kills, options.kills * done + _AHEAD):
                _kill_one(root, chance, hits, kills, tally)
        wait_until(is_over, deadline_s=_NIGHT_S, poll_s=5.0)
        ended = time.time()
        stuck, given_up = _stuck(api), _given_up()
        _recoveries(kills, tally)
        state = state_of(batch)
    watch.over.set()
    watch.join()
    return {
        "batch": f"{state.name}: {state.message}",
        "seconds": round(ended - began),
        "hits": sum(hits.values()),
        "most_hits": max(hits.values(), default=0),
        "stuck": stuck,
        "given_up": given_up,
        "seen": watch.seen,
    }


def _restart_server(root: Path, api: str, tally: Tally) -> None:
    for pid, _ in processes(root)["server"]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    tally.killed["server"] += 1
    began = time.time()
    wait_until(lambda: not answers(f"{api}/health"), deadline_s=10)
    assert wait_until(lambda: answers(f"{api}/health"), deadline_s=300), "the server did not come back"
    tally.recovery("server", time.time() - began)
    print(f"server killed; it answers again after {time.time() - began:.0f} s", flush=True)


def _kill_one(
    root: Path, chance: random.Random, hits: Counter[str], kills: list[tuple[str, float]], tally: Tally
) -> None:
    found = processes(root)
    open_to_kills = [one for one in sorted(found["run"]) if hits[one[1]] < _MOST_KILLS_OF_A_RUN]
    if found["worker"] and chance.random() < _SHARE_OF_WORKERS:
        began = time.time()
        old = {pid for pid, _ in found["worker"]}
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        tally.killed["worker"] += 1
        if wait_until(lambda: any(pid not in old for pid, _ in processes(root)["worker"]), deadline_s=120):
            tally.recovery("worker", time.time() - began)
    elif open_to_kills:
        pid, run = chance.choice(open_to_kills)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            hits[run] += 1
            tally.killed["run"] += 1
            kills.append((run, time.time()))


def _recoveries(kills: list[tuple[str, float]], tally: Tally) -> None:
    """From each kill of a run to when it ran again."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        for run, when in kills:
            times = [
                state.timestamp.timestamp()
                for state in client.read_flow_run_states(UUID(run))
                if state.is_running() and state.timestamp.timestamp() > when
            ]
            if times:
                tally.recovery("run", min(times) - when)


def _stuck(api: str) -> list[str]:
    """Flow runs that have neither ended nor are planned, once those that only wait for the reaper have been seen to.

    Those that were given up have ended; what changed state a moment ago (a reaper comes each minute) is on its way.
    """
    from prefect.client.orchestration import get_client

    def unfinished() -> list[str]:
        with get_client(sync_client=True) as client:
            runs = client.read_flow_runs(limit=200)
        ends = {"COMPLETED", "FAILED", "CANCELLED", "SCHEDULED"}
        lately = datetime.now(UTC) - timedelta(seconds=_ON_ITS_WAY_S)
        states = [(run.name, run.state) for run in runs if run.state]
        return [
            f"{name}: {state.name}"
            for name, state in states
            if state.type.value not in ends and state.name != "GivenUp" and state.timestamp < lately
        ]

    wait_until(lambda: not unfinished(), deadline_s=300, poll_s=10)
    return unfinished()


def _given_up() -> list[str]:
    """Flow runs that crashed too often."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return [run.name for run in client.read_flow_runs(limit=200) if run.state and run.state.name == "GivenUp"]


def main() -> None:
    """Run it and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=("offline", "fake"), default="offline")
    parser.add_argument("--media", type=Path, default=MEDIA)
    parser.add_argument("--work", type=Path, help="a new folder; default: a temporary one")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--every", type=float, default=8.0, help="seconds between kills, on average")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--port", type=int, default=4311)
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="polydub-faults-"))
    whole = work / "whole"
    make_titles(options.media, whole / "titles", options.profile)
    chance, tally, number = random.Random(options.seed), Tally(), 0
    while tally.killed["run"] + tally.killed["worker"] < options.kills or tally.killed["server"] < options.restarts:
        number += 1
        root = work / f"night{number}"
        shutil.copytree(whole / "titles", root / "titles")
        night = night_of_faults(root, options.port, chance, options, tally)
        again = [name for name, copies in night.pop("seen").items() if len(copies) > 1]
        print(f"night {number}: {night}")
        print(f"  delivered {len(masters(root / 'out'))} of 48; more than once: {again or 'none'}")
        print(f"  killed so far: {dict(tally.killed)}", flush=True)
    print("recovered | times | median s | longest s")
    for kind, seconds in sorted(tally.recovered.items()):
        print(f"{kind:9} | {len(seconds):5} | {statistics.median(seconds):8.1f} | {max(seconds):9.1f}")
    began = time.monotonic()
    done = polydub(whole, "batch", "night.csv", "--profile", "night", "--out", str(whole / "out"))
    assert done.returncode == 0, done.stderr
    expected = delivered(whole / "out")
    print(f"undisturbed, in one process: {len(masters(whole / 'out'))} delivered in {time.monotonic() - began:.0f} s")
    for root in sorted(work.glob("night*")):
        made = delivered(root / "out")
        differing = sorted(name for name in expected.keys() | made.keys() if expected.get(name) != made.get(name))
        print(f"{root.name}: files that differ from the undisturbed run: {differing or 'none'} of {len(expected)}")
    if not options.work:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()

"""A schedule on a real server and worker: it fires, it does not overlap, it outlives a restart of both."""

from __future__ import annotations

import datetime
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.machine.process import wait_until
from tests.e2e.services import environment, free_port, up

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_EVERY_20_S = """
import datetime
from prefect.client.orchestration import get_client
from prefect.client.schemas.schedules import IntervalSchedule
with get_client(sync_client=True) as client:
    nightly = client.read_deployment_by_name("dub-nightly/polydub")
    every = IntervalSchedule(interval=datetime.timedelta(seconds=20))
    client.update_deployment_schedule(nightly.id, nightly.schedules[0].id, schedule=every)
"""
_NIGHTS = """
import json
from prefect.client.orchestration import get_client
with get_client(sync_client=True) as client:
    nightly = client.read_deployment_by_name("dub-nightly/polydub")
    runs = [run for run in client.read_flow_runs(limit=200) if run.deployment_id == nightly.id]
    limit = nightly.global_concurrency_limit.limit
told = [[run.state.name, str(run.start_time or ""), str(run.end_time or "")] for run in runs]
print(json.dumps({"limit": limit, "runs": told}))
"""


def python(env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=240, check=True).stdout


DELIVERED = ("Completed", "NeedsReview")


def nights(env: dict[str, str], *states: str) -> list[tuple[datetime.datetime, datetime.datetime]]:
    """Begin and end of the nightly runs that ended so."""
    told: dict[str, Any] = json.loads(python(env, "-c", _NIGHTS).splitlines()[-1])
    assert told["limit"] == 1
    return [
        (datetime.datetime.fromisoformat(start), datetime.datetime.fromisoformat(end))
        for name, start, end in told["runs"]
        if name in states and start and end
    ]


def cancelled(env: dict[str, str]) -> int:
    told: dict[str, Any] = json.loads(python(env, "-c", _NIGHTS).splitlines()[-1])
    return [name for name, *_ in told["runs"]].count("Cancelled")


def test_nights_follow_each_other_and_a_restart(short_clip: Path, store_folder: Path, tmp_path: Path) -> None:
    port = free_port()
    env = {**environment(tmp_path, store_folder, port), "POLYDUB_ROOTS": f"{tmp_path}:{short_clip.parent}"}
    (tmp_path / "night.csv").write_text(f"title,languages\n{short_clip},es\n")
    (tmp_path / "long.yaml").write_text("extends: fake\nlipsync: {backend: fake, options: {delay_s: 25}}\n")
    what = ["--manifest", str(tmp_path / "night.csv"), "--profile", str(tmp_path / "long.yaml")]
    cron = ["--cron", "0 1 * * *", "--timezone", "Europe/Paris", "--out", str(tmp_path / "out")]
    with up(port, env, tmp_path / "first.log"):
        python(env, "-m", "flows.cli", "deploy", *cron, *what)
        assert "Paused: 0 1 * * *" in python(env, "-m", "flows.cli", "pause")
        assert "Active: 0 1 * * *" in python(env, "-m", "flows.cli", "resume")
        python(env, "-c", _EVERY_20_S)
        # The first night takes more than its 20 s, so that the next is due while it runs.
        assert wait_until(lambda: bool(nights(env, *DELIVERED)), deadline_s=420, poll_s=5)
        assert wait_until(lambda: cancelled(env) >= 1, deadline_s=60, poll_s=5)
    assert (tmp_path / "out" / "clip" / "clip.es.mp4").exists()
    down = datetime.datetime.now(datetime.UTC)
    time.sleep(5)
    with up(port, env, tmp_path / "second.log"):
        again = wait_until(lambda: any(start > down for start, _ in nights(env, *DELIVERED)), deadline_s=420, poll_s=5)
        assert again, "no night began after the restart"
        done = sorted(nights(env, *DELIVERED))
        python(env, "-m", "flows.cli", "pause")
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(done))

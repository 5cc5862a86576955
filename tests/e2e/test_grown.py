"""Polydub past one machine: the commands of deployments/compose.yaml without containers, on real Postgres and Redis.

Two workers stand for two machines: they share neither cache nor Prefect home. One takes titles alone, the other
branches alone, so a language is dubbed only if its title's work reached the other machine by way of the S3 store.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.service.server import answers
from tasks.machine.process import wait_until
from tests.e2e.services import free_port, postgres, running
from tests.object_store import BUCKET, object_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DEPLOYMENTS = Path(__file__).resolve().parents[2] / "deployments"
AUTH = "admin:let-me-in"


class Fleet:
    """The services of compose.yaml on this machine's loopback."""

    def __init__(self, folder: Path, addresses: Mapping[str, str], store: Mapping[str, str]) -> None:
        self.folder, self.addresses, self.store = folder, addresses, store
        self.services = yaml.safe_load((DEPLOYMENTS / "compose.yaml").read_text())["services"]

    def here(self, text: str) -> str:
        for there, here in self.addresses.items():
            text = text.replace(there, here)
        return text

    def environment(self, service: str, machine: str) -> dict[str, str]:
        told = {}
        if "server.env" in self.services[service].get("env_file", []):
            text = (DEPLOYMENTS / "server.env").read_text()
            told = dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))
        told |= {name: self.here(str(value)) for name, value in self.services[service]["environment"].items()}
        disk = self.folder / machine
        (disk / "prefect").mkdir(parents=True, exist_ok=True)
        own = {"PREFECT_HOME": str(disk / "prefect"), "POLYDUB_CACHE": str(disk / "cache")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {"PATH": path, "HOME": os.environ["HOME"], "PYTHONPATH": str(DEPLOYMENTS.parent)}
        return {**kept, **told, **self.store, **own}

    def command(self, service: str) -> list[str]:
        first, *rest = [self.here(part) for part in self.services[service]["command"]]
        # The checkout need not be installed for the test: its command is a module.
        return [sys.executable, "-m", "flows.cli", *rest] if first == "polydub" else [first, *rest]

    def run(self, service: str) -> None:
        done = subprocess.run(
            self.command(service), env=self.environment(service, service), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self, service: str, *more: str, machine: str) -> Any:
        command = [*self.command(service), *more]
        return running(command, self.folder / f"{machine}.log", self.environment(service, machine))


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    api, redis = free_port(), free_port()
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(object_store())
        database = stack.enter_context(postgres(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        stack.enter_context(running(["redis-server", "--port", str(redis), "--save", ""], tmp_path / "redis.log"))
        addresses = {
            "${POSTGRES_PASSWORD:?}@postgres:5432": f"any@127.0.0.1:{database}",
            "redis:6379": f"127.0.0.1:{redis}",
            "${PREFECT_AUTH:?}": AUTH,
            "http://server:4200": f"http://127.0.0.1:{api}",
            "s3://polydub": f"s3://{BUCKET}",
            "0.0.0.0": "127.0.0.1",
            "4200": str(api),
        }
        redis_at = {"PREFECT_REDIS_MESSAGING_HOST": "127.0.0.1", "PREFECT_REDIS_MESSAGING_PORT": str(redis)}
        folders = {"POLYDUB_ROOTS": str(tmp_path), "POLYDUB_OUT": str(tmp_path / "out")}
        made = Fleet(tmp_path, addresses, {**store, **redis_at, **folders})
        made.run("migrate")
        stack.enter_context(made.start("server", machine="server"))
        stack.enter_context(made.start("services", machine="services"))
        url = f"http://127.0.0.1:{api}/api"
        assert wait_until(lambda: answers(f"{url}/health"), deadline_s=120), (tmp_path / "server.log").read_text()
        yield made


def flow_runs(fleet: Fleet) -> list[dict[str, Any]]:
    url = fleet.here("http://server:4200/api/flow_runs/filter")
    request = urllib.request.Request(url, b'{"limit": 200}', {"Content-Type": "application/json"})
    request.add_header("Authorization", "Basic " + base64.b64encode(AUTH.encode()).decode())
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


def test_a_batch_on_two_machines(fleet: Fleet, short_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(urllib.request.Request(fleet.here("http://server:4200/api/flow_runs/filter"), b"{}"))
    for name in ("one", "two"):
        shutil.copy(short_clip, tmp_path / f"{name}.mp4")
    manifest = tmp_path / "night.csv"
    manifest.write_text(f"title,languages\n{tmp_path}/one.mp4,es fr\n{tmp_path}/two.mp4,es\n")
    out = tmp_path / "out"
    fleet.run("deploy")
    titles = fleet.start("worker-cpu", "--work-queue", "default", machine="titles")
    branches = fleet.start("worker-cpu", "--work-queue", "branches", machine="branches")
    with titles, branches:
        told = {"manifest": str(manifest), "profile": "fake", "out": str(out)}
        parameters = [part for name, value in told.items() for part in ("--param", f"{name}={value}")]
        command = ["prefect", "deployment", "run", "dub-nightly/polydub", *parameters, "--watch"]
        began = time.monotonic()
        env = fleet.environment("worker-cpu", "desk")
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
        took = time.monotonic() - began
    logs = "\n".join((tmp_path / f"{name}.log").read_text()[-3000:] for name in ("titles", "branches"))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    states = {run["name"]: run["state"]["name"] for run in flow_runs(fleet)}
    for name, language in (("one", "es"), ("one", "fr"), ("two", "es")):
        assert states[f"{name}-{language}"] in ("Completed", "NeedsReview")
        assert (out / name / f"{name}.{language}.mp4").stat().st_size > 0
        assert (out / name / f"{name}.multi.mkv").exists()
    assert "Crashed" not in states.values()
    assert any((tmp_path / "titles" / "cache" / "blobs").iterdir())
    assert any((tmp_path / "branches" / "cache" / "blobs").iterdir())
    assert not [path for path in tmp_path.rglob("s3:*")]
    print(f"3 branches of 2 titles on Postgres, Redis and S3: {took:.0f} s")

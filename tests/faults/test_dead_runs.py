"""Flow runs whose process died are begun again, or given up when they die each time; servers that go away."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import tenacity

from flows.dub.revive import CRASHES, CRASHES_IN_ALL, GIVEN_UP
from flows.service.maintenance import cleanup, reap_runs
from tasks.keep.store import Store
from tasks.services.outage import is_outage, through_outages
from tests.e2e.services import free_port

Begin = Callable[..., Any]


@pytest.fixture
def begin(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Makes a run of a deployment of ours that no worker will ever take."""
    from prefect import flow
    from prefect.client.orchestration import get_client

    monkeypatch.setattr("flows.service.maintenance._LAUNCHER_S", -1.0)

    @flow(name="nothing")
    def nothing() -> None: ...

    def made(*states: Any) -> Any:
        with get_client(sync_client=True) as client:
            deployment = client.create_deployment(client.create_flow(nothing), "polydub", tags=["polydub"])
            run = client.create_flow_run_from_deployment(deployment)
            for state in states:
                client.set_flow_run_state(run.id, state, force=True)
        return run

    return made


def state_of(run: Any) -> Any:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.read_flow_run(run.id).state


def test_a_run_that_nobody_hears_of_is_begun_again(begin: Begin) -> None:
    from prefect.states import Running

    run = begin(Running())
    assert run.name not in reap_runs(silent_s=60)
    assert state_of(run).is_running()
    time.sleep(1.1)
    assert run.name in reap_runs(silent_s=1)
    assert state_of(run).name == "AwaitingRetry"


def test_a_run_that_was_claimed_and_never_begun_is_begun_again(begin: Begin) -> None:
    from prefect.states import Pending

    run = begin(Pending())
    time.sleep(1.1)
    assert run.name in reap_runs(pending_s=1)
    assert state_of(run).name == "AwaitingRetry"


def test_a_run_that_crashes_each_time_is_given_up_by_name(begin: Begin) -> None:
    from prefect.states import Crashed, Running

    run = begin(*[Running(), Crashed(message="killed by signal 9")] * CRASHES)
    assert run.name not in reap_runs()
    state = state_of(run)
    assert (state.name, state.is_crashed()) == (GIVEN_UP, True)
    assert "killed by signal 9" in state.message
    assert run.name not in reap_runs()


def test_a_run_is_not_given_up_for_what_killed_its_workers_before_it_began(begin: Begin) -> None:
    from prefect.states import Crashed, Pending, Running

    before_it_began = [Pending(), Crashed(message="claimed but never started"), Crashed(message="told by another")]
    run = begin(*[Running(), Crashed()] * (CRASHES - 1), *before_it_began * 2)
    assert run.name in reap_runs()
    at_no_time = begin(*[Pending(), Crashed(message="no such image")] * CRASHES_IN_ALL)
    assert at_no_time.name not in reap_runs()
    assert state_of(at_no_time).name == GIVEN_UP


def test_a_run_is_not_given_up_for_workers_that_died_under_it(begin: Begin) -> None:
    from prefect.states import Running, exception_to_crashed_state

    with_its_worker = asyncio.run(exception_to_crashed_state(SystemExit(1)))
    run = begin(*[Running(), with_its_worker] * CRASHES)
    assert run.name in reap_runs()
    assert state_of(run).name == "AwaitingRetry"


def test_runs_that_ended_otherwise_are_left_alone(begin: Begin) -> None:
    from prefect.states import Cancelled, Completed, Failed

    runs = [begin(state) for state in (Completed(), Failed(), Cancelled())]
    revived = reap_runs(silent_s=0, pending_s=0)
    assert not {run.name for run in runs} & set(revived)


def test_cleanup_takes_what_the_dead_left_and_no_asset(prefect_api: str, store_folder: Path, tmp_path: Path) -> None:
    store = Store(store_folder)
    (tmp_path / "a.txt").write_text("kept")
    asset = store.add(tmp_path / "a.txt")
    (store_folder / "tmp" / "mix-999999999-abc").mkdir()
    (store_folder / "tmp" / "fresh-999999999-abc").mkdir()
    old = time.time() - 90_000
    os.utime(store_folder / "tmp" / "mix-999999999-abc", (old, old))
    assert "1 files" in str(cleanup(return_state=True).message)
    assert [entry.name for entry in (store_folder / "tmp").iterdir()] == ["fresh-999999999-abc"]
    assert store.holds(asset)


def test_a_server_that_is_away_hangs_up_or_has_no_database_is_asked_again() -> None:
    port = free_port()
    answers = iter([None, 503, 200])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if status := next(answers):
                self.send_response(status)
                self.end_headers()

        def log_message(self, *_: object) -> None: ...

    def come_back() -> None:
        time.sleep(0.5)
        server = HTTPServer(("127.0.0.1", port), Handler)
        for _ in range(3):
            server.handle_request()
        server.server_close()

    @through_outages
    def ask() -> int:
        return httpx.get(f"http://127.0.0.1:{port}").raise_for_status().status_code

    ask.retry.wait = tenacity.wait_fixed(0.1)  # type: ignore[attr-defined]
    thread = threading.Thread(target=come_back)
    thread.start()
    assert ask() == 200
    thread.join()


def test_a_server_of_another_opinion_is_no_outage() -> None:
    refused = httpx.Response(404, request=httpx.Request("GET", "http://x"))
    assert not is_outage(httpx.HTTPStatusError("no", request=refused.request, response=refused))
    assert not is_outage(ValueError())

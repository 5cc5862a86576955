"""Registering at a server that is busy: asked again a few times, and said in a sentence in the end."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

from flows.service import deploy
from tasks.records.errors import ProcessFailedError, TransientError

LOCKED = (
    "PrefectHTTPStatusError: Server error '503 Service Unavailable' for url 'http://127.0.0.1:4200/api/deployments/'"
)


@pytest.fixture
def prefect_says(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `prefect deploy` ends with, one after another; each is an error, and after the last it works."""
    says: list[str] = []

    def run(*_: Any, **__: Any) -> None:
        if says:
            raise ProcessFailedError("python ended with code 1: An exception occurred.", log=says.pop(0))

    monkeypatch.setattr(deploy, "run", run)
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    return says


def test_a_busy_server_is_asked_again(prefect_says: list[str]) -> None:
    prefect_says += [LOCKED, "httpx.ReadTimeout"]
    deploy._deploy_flows(with_gpu=False)
    assert prefect_says == []


def test_a_server_that_stays_busy_is_named(prefect_says: list[str]) -> None:
    prefect_says += 9 * [LOCKED]
    with pytest.raises(TransientError, match=r"http://127.0.0.1:4200/api is too busy"):
        deploy._deploy_flows(with_gpu=False)
    assert len(prefect_says) == 5


def test_another_error_is_told_at_once(prefect_says: list[str]) -> None:
    prefect_says += ["yaml.parser.ParserError: while parsing", "never"]
    with pytest.raises(ProcessFailedError):
        deploy._deploy_flows(with_gpu=False)
    assert prefect_says == ["never"]


def test_a_schedule_of_any_kind_is_told() -> None:
    assert deploy.when(CronSchedule(cron="0 1 * * *", timezone="Europe/Paris")) == "0 1 * * * (Europe/Paris)"
    assert deploy.when(IntervalSchedule(interval=datetime.timedelta(hours=8))) == "every 8:00:00"
    assert deploy.when(RRuleSchedule(rrule="FREQ=DAILY", timezone="UTC")) == "FREQ=DAILY (UTC)"


@pytest.mark.prefect
def test_a_flow_run_cannot_name_the_command_that_its_worker_starts(prefect_api: str) -> None:
    import asyncio

    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.workers.process import ProcessJobConfiguration

    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=deploy.CPU_POOL, type="process"))  # as an earlier version made it
        deploy._make_pools(client, [deploy.CPU_POOL])
        template = client.read_work_pool(deploy.CPU_POOL).base_job_template
    wanted = {"command": "touch /tmp/x", "working_dir": "/tmp", "env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}}
    made = asyncio.run(ProcessJobConfiguration.from_template_and_values(template, wanted))
    assert (made.command, made.working_dir) == (None, None)
    assert made.env == {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}

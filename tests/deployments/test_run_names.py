"""Every run of a flow or a step has a name that says what it is about."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from prefect import Flow, Task

from flows.dub.tags import at_its_time
from tasks.step.prefect import _Step
from tasks.step.table import STEPS

ROOT = Path(__file__).parents[2]


def _tasks() -> dict[str, Task[Any, Any]]:
    modules = [importlib.import_module(f"tasks.{file.parent.name}.task") for file in (ROOT / "tasks").glob("*/task.py")]
    found = [one.task for module in modules for one in vars(module).values() if isinstance(one, _Step)]
    return {one.name: one for one in found}


def test_every_step_is_named_by_step_title_and_language() -> None:
    from tasks.records.title import Branch, Run

    title = SimpleNamespace(name="talk")
    whole, branch = Run.model_construct(title=title), Branch.model_construct(title=title, language="es")
    named = _tasks()
    assert set(named) == {step.name for step in STEPS}
    for name, one in named.items():
        assert one.task_run_name({"run": whole, "video": None}) == f"{name}-talk"  # type: ignore[operator]
        assert one.task_run_name({"branch": branch, "language": "xx"}) == f"{name}-talk-es"  # type: ignore[operator]


def test_every_deployed_flow_has_a_name_for_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())["deployments"]
    for one in deployed:
        module, _, function = one["entrypoint"].partition(":")
        flow = getattr(importlib.import_module(module), function)
        assert isinstance(flow, Flow)
        assert flow.flow_run_name, function
        assert f"{flow.name}/" in f"{function.replace('_', '-')}/"  # as `polydub deploy` names them
    moment = SimpleNamespace(scheduled_start_time=datetime(2026, 11, 30, 1, 5, tzinfo=UTC))
    monkeypatch.setattr("prefect.runtime.flow_run", moment)
    assert at_its_time("reap") == "reap-2026-11-30-0105"


def test_the_reaper_is_called_by_crashes_of_dubbing_alone_and_after_a_parent_had_its_chance() -> None:
    from flows.service.maintenance import _LAUNCHER_S

    deployed = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())["deployments"]
    (trigger,) = next(one for one in deployed if one["entrypoint"].endswith(":reap"))["triggers"]
    assert set(trigger["expect"]) == {"prefect.flow-run.Crashed", "prefect.flow-run.Lost"}
    assert "reap" not in trigger["match_related"]["prefect.resource.name"]
    assert trigger["schedule_after"] > _LAUNCHER_S

"""The server's own rules for runs that died, against the states that this version of Prefect knows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import prefect.states
from prefect.client.schemas.objects import StateType

from flows.service.automations import automate


def test_a_run_that_a_worker_took_and_never_began_is_found_at_every_stage_of_taking_it() -> None:
    known: list[Any] = []
    client = SimpleNamespace(read_automations_by_name=lambda _: [], create_automation=known.append)
    automate(client)
    (stuck,) = (one for one in known if "Pending" in one.name)
    stages = {make().name for make in vars(prefect.states).values() if callable(make) and _is_pending(make)}
    assert {"Pending", "Submitting"} <= stages
    assert stuck.trigger.after == {f"prefect.flow-run.{stage}" for stage in stages}


def _is_pending(make: Any) -> bool:
    try:
        made = make()
    except Exception:
        return False
    return isinstance(made, prefect.states.State) and made.type == StateType.PENDING

"""Automations by which the Prefect server marks dead flow runs as crashed.

`flows.service.maintenance` finds the same runs and restarts them. The automations are only faster, and they protect the
reaper itself, whose only slot a run stuck in Pending would hold forever.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

#: Six missed heartbeats, so that a server outage of two minutes makes no live run look dead.
SILENT_S = 180.0
#: From claimed by a worker until started: a process start, which is slow on a busy machine.
PENDING_S = 120.0


def automate(client: Any) -> None:
    """Create the automations, or renew them; idempotent.

    Args:
        client: a synchronous Prefect client.
    """
    for automation in _automations():
        known = client.read_automations_by_name(automation.name)
        if known:
            client.update_automation(known[0].id, automation)
        else:
            client.create_automation(automation)


def _automations() -> list[Any]:
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
    from prefect.events.schemas.events import ResourceSpecification
    from prefect.states import InfrastructurePending, Pending, Submitting

    claimed: set[str] = {state().name or "" for state in (Pending, Submitting, InfrastructurePending)}

    def crash(name: str, after: set[str], within_s: float, message: str) -> Any:
        trigger = EventTrigger(
            after={f"prefect.flow-run.{event}" for event in after},
            expect={"prefect.flow-run.*"},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=within_s),
        )
        action = ChangeFlowRunState(name="Lost", state=StateType.CRASHED, message=message, force=False)
        return AutomationCore(name=name, trigger=trigger, actions=[action])

    return [
        crash("polydub: silent runs", {"heartbeat"}, SILENT_S, "Its heartbeats stopped."),
        crash("polydub: stuck in Pending", claimed, PENDING_S, "It was claimed but never started."),
    ]

"""The state of a flow run, from how its work ended.

A branch that is retried alone in the Prefect UI ends its title again, so that the deliverables follow.
"""

from __future__ import annotations

from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from flows.dub.end import End
from flows.dub.revive import GIVEN_UP
from flows.dub.show import show_title
from flows.dub.title_end import finish_title
from tasks.records.result import SharedWork
from tasks.records.title import Run
from tasks.services.outage import through_outages


def state_of(end: End) -> State[Any]:
    """The state; what was carried over is of Prefect's type CANCELLED, so it is not done."""
    if end.logged:
        get_run_logger().error(end.message)
    if end.kind == "carried_over":
        return Cancelled(name=end.name or "CarriedOver", message=end.message)
    kind = Failed if end.kind == "failed" else Completed
    return kind(name=end.name, message=end.message) if end.name else kind(message=end.message)


@through_outages
def follow_up(run: Run, work: SharedWork) -> None:
    """After a branch whose title has ended already (it was retried alone): end the title again, and correct its state.

    Does nothing while the title runs, or is to be begun again after a crash: it will see the branch.
    """
    title_run = flow_run.parent_flow_run_id
    if title_run is None:
        return
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(title_run).state
        if state is not None and state.is_final() and (not state.is_crashed() or state.name == GIVEN_UP):
            client.set_flow_run_state(title_run, state_of(finish_title(run, work, {}, show_title)), force=True)

"""Flow runs whose process died are begun again, a bounded number of times."""

from __future__ import annotations

from typing import Any

#: A run that crashed so often is given up: whatever kills it, memory for one, would go on doing so.
CRASHES = 4
GIVEN_UP = "GivenUp"


def revive(client: Any, run: Any) -> bool:
    """Schedule a crashed run again, or give it up.

    Args:
        client: a synchronous Prefect client.
        run: a flow run as just read.

    Returns:
        Whether it will run again; False of one that did not crash.
    """
    from prefect.states import Crashed, Scheduled

    if not run.state or not run.state.is_crashed() or run.state.name == GIVEN_UP or run.deployment_id is None:
        return False
    why = run.state.message or "it said nothing"
    crashes = sum(state.is_crashed() for state in client.read_flow_run_states(run.id))
    if crashes >= CRASHES:
        end: Any = Crashed(name=GIVEN_UP, message=f"Crashed {crashes} times. The last time: {why}")
        client.set_flow_run_state(run.id, end, force=True)
        return False
    again: Any = Scheduled(name="AwaitingRetry", message=f"Begun again after its crash: {why}")
    client.set_flow_run_state(run.id, again, force=True)
    return True

"""Flow runs whose process died are begun again, a bounded number of times."""

from __future__ import annotations

from typing import Any

#: A run that crashed so often by itself while it ran is given up: what kills it, memory for one, would go on doing so.
CRASHES = 4
#: And so often in all, those included that came before it began: workers that died, a server that was away.
CRASHES_IN_ALL = 20
GIVEN_UP = "GivenUp"
#: What Prefect says of a run that ends with its worker, whose pipe it writes its log to: it did not fall by itself.
_WITH_ITS_WORKER = "Execution was aborted by Python system exit call"


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
    own, in_all = _crashes(client.read_flow_run_states(run.id))
    if own >= CRASHES or in_all >= CRASHES_IN_ALL:
        end: Any = Crashed(name=GIVEN_UP, message=f"Crashed {in_all} times. The last time: {why}")
        client.set_flow_run_state(run.id, end, force=True)
        return False
    again: Any = Scheduled(name="AwaitingRetry", message=f"Begun again after its crash: {why}")
    client.set_flow_run_state(run.id, again, force=True)
    return True


def _crashes(states: list[Any]) -> tuple[int, int]:
    """How often a run crashed by itself while it ran, and in all; more than one is told of some deaths."""
    own = in_all = 0
    before: Any = None
    for state in sorted(states, key=lambda state: state.timestamp):
        if state.is_crashed():
            in_all += 1
            by_itself = not (state.message or "").startswith(_WITH_ITS_WORKER)
            own += before is not None and before.is_running() and by_itself
        before = state
    return own, in_all

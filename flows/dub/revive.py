"""Restarts flow runs whose process died, a limited number of times."""

from __future__ import annotations

from typing import Any

#: A run that crashed this often by itself while running is given up: the cause, such as memory, would remain.
CRASHES = 4
#: Limit of all crashes, including those before it started: dead workers, a server outage.
CRASHES_IN_ALL = 20
GIVEN_UP = "GivenUp"
#: Prefect's message for a run that ends with its worker, to whose pipe it logs: it did not crash by itself.
_WITH_ITS_WORKER = "Execution was aborted by Python system exit call"


def revive(client: Any, run: Any) -> bool:
    """Reschedule a crashed run, or give it up.

    Args:
        client: a synchronous Prefect client.
        run: a freshly read flow run.

    Returns:
        Whether it will run again; False if it did not crash.
    """
    from prefect.states import Crashed, Scheduled

    if not run.state or not run.state.is_crashed() or run.state.name == GIVEN_UP or run.deployment_id is None:
        return False
    why = run.state.message or "no message"
    own, in_all = _crashes(client.read_flow_run_states(run.id))
    if own >= CRASHES or in_all >= CRASHES_IN_ALL:
        end: Any = Crashed(name=GIVEN_UP, message=f"Crashed {in_all} times. Last message: {why}")
        client.set_flow_run_state(run.id, end, force=True)
        return False
    again: Any = Scheduled(name="AwaitingRetry", message=f"Restarted after a crash: {why}")
    client.set_flow_run_state(run.id, again, force=True)
    return True


def _crashes(states: list[Any]) -> tuple[int, int]:
    """How often a run crashed by itself while running, and in all; some crashes are recorded more than once."""
    own = in_all = 0
    before: Any = None
    for state in sorted(states, key=lambda state: state.timestamp):
        if state.is_crashed():
            in_all += 1
            by_itself = not (state.message or "").startswith(_WITH_ITS_WORKER)
            own += before is not None and before.is_running() and by_itself
        before = state
    return own, in_all

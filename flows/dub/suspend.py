"""A branch that waits for approval, as its flow run shows it: suspended in Prefect's dashboard, with a form.

The form, a page and a command write the same record. A run that is resumed looks for itself whether it may go on.
"""

from __future__ import annotations

from typing import Any, Literal

from prefect.client.orchestration import get_client
from prefect.exceptions import Pause
from prefect.input import RunInput
from prefect.input.actions import read_flow_run_input
from prefect.input.run_input import keyset_from_paused_state
from prefect.runtime import flow_run
from prefect.states import Suspended
from pydantic import Field, ValidationError

from flows.dub.waking import forget_suspended, note_suspended, suspended_run
from flows.kept.approving import decisions_of
from flows.kept.decision import Decision
from flows.kept.edit import signed
from tasks.records.result import Waits
from tasks.records.title import Branch
from tasks.services.outage import through_outages

_LONGEST = 2000


class Approval(RunInput):
    """What somebody says in Prefect's form; without an answer the run looks whether somebody approved it elsewhere."""

    decision: Literal["approve", "reject", "look again"] = "look again"
    who: str = Field("", max_length=200)
    why: str = Field("", max_length=_LONGEST)


def suspend(branch: Branch, waits: Waits) -> None:
    """End this flow run as suspended, which frees its worker; it begins again when it is resumed.

    Args:
        branch: the language that waits.
        waits: what for.

    Raises:
        Pause: always; Prefect's engine ends the run by it.
    """
    state = _suspended(branch, waits)
    raise Pause(state=state)


@through_outages
def _suspended(branch: Branch, waits: Waits) -> Any:
    number = len(decisions_of(branch).records)
    state: Any = Suspended(pause_key=f"{waits.stage}-{waits.content[:16]}-{number}", message=str(waits)[:_LONGEST])
    keys = keyset_from_paused_state(state)
    state.state_details.run_input_keyset = keys
    run_id = flow_run.id
    with get_client(sync_client=True) as client:
        Approval.with_initial_data(description=f"**{branch.title.name}, {branch.language}** {waits}").save(keys)
        # A run of a parent cannot be suspended by asking: Prefect would have the parent's process wait for it.
        client.set_flow_run_state(run_id, state, force=True)
    note_suspended(branch, run_id, keys["response"], waits)
    return state


def take_answer(branch: Branch) -> None:
    """Keep what somebody said in Prefect's form when they resumed this flow run, as a decision about what it showed."""
    known = suspended_run(branch, str(flow_run.id))
    if known is None:
        return
    forget_suspended(branch, str(flow_run.id))
    answer = _answer(known["response"])
    if answer is None or answer.decision == "look again":
        return
    verdict: Literal["approved", "rejected"] = "approved" if answer.decision == "approve" else "rejected"
    why = answer.why or ("Rejected in Prefect's form." if verdict == "rejected" else "")
    sign = {**signed(why), "who": answer.who or "Prefect", "source": "prefect form"}
    decisions_of(branch).add(Decision(**sign, verdict=verdict, stage=known["stage"], content=known["content"]))


@through_outages
def _answer(key: str) -> Approval | None:
    try:
        said: Any = read_flow_run_input(key, flow_run_id=flow_run.id)
        return Approval(**said) if said else None
    except (ValidationError, TypeError):
        return None

"""dub-language: one language branch of one title (`flows.dub.branch`), as a flow of Prefect."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows.dub.admission import admit, is_deployed
from flows.dub.branch import dub_branch
from flows.dub.events import tell_end
from flows.dub.show import branch_progress
from flows.dub.states import follow_up, state_of
from flows.dub.suspend import suspend, take_answer
from flows.dub.tags import untagged
from flows.kept.branches import shared_work
from flows.kept.refused import refused_here
from tasks.records.title import Branch


@flow(name="dub-language", flow_run_name="{run.title.name}-{run.language}", persist_result=False)
def dub_language(run: Branch) -> State[Any]:
    """Dub one title into one language. The shared steps must have run; nothing here touches another language.

    Args:
        run: the branch: the checked title with its profile and store, and the language.
    """
    if is_deployed():
        admit(run)
        if why := refused_here(run):
            return Failed(message=why)
        take_answer(run)
    with untagged():
        end = dub_branch(run, branch_progress)
        if end.kind in ("completed", "waiting") and (work := shared_work(run)):
            follow_up(run.whole, work)
    tell_end(run, end)
    if end.waits and is_deployed():
        suspend(run, end.waits)
    return state_of(end)

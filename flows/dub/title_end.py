"""The end of a title: the multi-track master, its summary and what the UI shows of it.

A branch that is retried alone in the Prefect UI ends its title again, so that the deliverables follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from flows.dub.revive import GIVEN_UP
from flows.dub.show import show_branches, show_notes
from flows.kept.ahead import is_turned
from flows.kept.branches import shared_key
from flows.kept.deliver import deliver
from flows.kept.ledger import failure_of, notes_of, steps_of
from flows.kept.review import tally
from flows.kept.summary import (
    TitleResult,
    earlier_languages,
    keep_title_result,
    results_of,
    verdict_of,
    write_summary,
)
from tasks.keep.store import store_at
from tasks.package.task import package_multi, turn_picture
from tasks.qc.task import qc_multi
from tasks.records.record import Asset
from tasks.records.result import BranchResult, SharedWork
from tasks.records.step_record import StepRecord
from tasks.records.title import Run
from tasks.services.outage import through_outages
from tasks.step.prefect import settled


def finish_title(run: Run, work: SharedWork, found: Mapping[str, BranchResult]) -> State[Any]:
    """Deliver what all languages of a title share, and return the title's state.

    Args:
        run: the title.
        work: of its shared steps.
        found: branches that were finished before; the others ended as the store says.
    """
    with store_at(run.store).claim(f"title-{shared_key(run)}"):  # two branches may end it at once
        title = _with_multi_track_master(run, TitleResult(work=work, branches=tuple(results_of(run, found))))
        keep_title_result(run, title)
        summary = write_summary(run, title)
    show_branches(run, title)
    show_notes(run, summary)
    return _state_of(run, title)


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
            client.set_flow_run_state(title_run, finish_title(run, work, {}), force=True)


def _state_of(run: Run, title: TitleResult) -> State[Any]:
    failed = [branch.language for branch in title.branches if branch.state == "failed"]
    carried = [branch.language for branch in title.branches if branch.state == "carried_over"]
    if failed:
        message = f"{len(failed)} of {len(title.branches)} failed: {', '.join(failed)}"
        return Failed(name="PartialFailure", message=message)
    if title.failure:
        return Failed(name="PartialFailure", message=title.failure.advice)
    if carried:
        return carried_over(f"{len(carried)} of {len(title.branches)} carried over: {', '.join(carried)}")
    verdicts = {branch.language: verdict_of(title, branch) for branch in title.branches}
    summary = f"{tally(verdict.state for verdict in verdicts.values())}, in {run.title.folder}"
    if not (reasons := [f"{language}: {verdict.why}" for language, verdict in verdicts.items() if verdict.why]):
        return Completed(message=summary)
    return Completed(name="NeedsReview", message=". ".join([summary, *reasons]))


def carried_over(message: str) -> State[Any]:
    """The state of a run that the night's budget left for the next; of Prefect's type CANCELLED, so it is not done."""
    return Cancelled(name="CarriedOver", message=message)


def _with_multi_track_master(run: Run, title: TitleResult) -> TitleResult:
    work = title.work
    every = sorted((*title.branches, *earlier_languages(run)), key=lambda branch: branch.language)
    delivered = [branch for branch in every if branch.delivered]
    if not delivered or work is None:
        return title
    try:
        upright = _upright(run, work)
        picture = upright.value if upright else None
        packed = settled(package_multi.submit(run, work.video, work.facts, work.script.language, delivered, picture))
        checked = settled(qc_multi.submit(run, work.video, work.facts, delivered, packed.value))
        deliver(Path(run.title.folder), {f"{run.title.name}.multi.mkv": packed.value})
    except Exception as error:
        return title.model_copy(update={"failure": failure_of(error)})
    ended: list[StepRecord[Any]] = [*([upright] if upright else []), packed, checked]
    made = {
        "multi": packed.value,
        "multi_languages": tuple(branch.language for branch in delivered),
        "multi_gates": checked.value.gates,
        "notes": (*title.notes, *notes_of(ended)),
        "steps": steps_of(ended),
    }
    return title.model_copy(update=made)


def _upright(run: Run, work: SharedWork) -> StepRecord[Asset] | None:
    """The picture of a title that is stored turned or mirrored, upright."""
    return settled(turn_picture.submit(run, work.video, work.facts)) if is_turned(work.facts) else None

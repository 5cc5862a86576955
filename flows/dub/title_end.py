"""The end of a title: the multi-track master, its summary and how it is shown. No Prefect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flows.dub.end import WAITS, End
from flows.kept.ahead import is_turned
from flows.kept.deliver import deliver
from flows.kept.keys import shared_key
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
from tasks.step.prefect import settled

#: Shows how a title ended: its run, its result and its summary.
Shown = Callable[[Run, TitleResult, Mapping[str, Any]], None]


def finish_title(run: Run, work: SharedWork, found: Mapping[str, BranchResult], shown: Shown = lambda *_: None) -> End:
    """Deliver what all languages of a title share, and return how the title ended.

    Args:
        run: the title.
        work: of its shared steps.
        found: branches that were finished before; the others ended as the store says.
        shown: shows it.
    """
    with store_at(run.store).claim(f"title-{shared_key(run)}"):  # two branches may end it at once
        title = _with_multi_track_master(run, TitleResult(work=work, branches=tuple(results_of(run, found))))
        keep_title_result(run, title)
        summary = write_summary(run, title)
    shown(run, title, summary)
    return _end_of(run, title)


def _end_of(run: Run, title: TitleResult) -> End:
    failed = [branch.language for branch in title.branches if branch.state == "failed"]
    carried = [branch.language for branch in title.branches if branch.state == "carried_over"]
    if failed:
        message = f"{len(failed)} of {len(title.branches)} failed: {', '.join(failed)}"
        return End("failed", message, "PartialFailure")
    if title.failure:
        return End("failed", title.failure.advice, "PartialFailure")
    if carried:
        message = f"{len(carried)} of {len(title.branches)} carried over: {', '.join(carried)}"
        return End("carried_over", message, "CarriedOver")
    if waiting := [branch for branch in title.branches if branch.waits]:
        told = "; ".join(f"{branch.language} {branch.waits}" for branch in waiting)
        return End("waiting", f"{len(waiting)} of {len(title.branches)} wait for approval: {told}", WAITS)
    verdicts = {branch.language: verdict_of(title, branch) for branch in title.branches}
    summary = f"{tally(verdict.state for verdict in verdicts.values())}, in {run.title.folder}"
    if not (reasons := [f"{language}: {verdict.why}" for language, verdict in verdicts.items() if verdict.why]):
        return End("completed", summary)
    return End("completed", ". ".join([summary, *reasons]), "NeedsReview")


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

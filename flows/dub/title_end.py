"""The end of a title: the multi-track master, its summary and how it is shown. No Prefect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.dub.end import WAITS, End
from flows.dub.presets import deliver_presets
from flows.kept.ahead import is_turned, way_of
from flows.kept.deliver import clear_sidecar, deliver
from flows.kept.keys import shared_key, signing_facts
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
from tasks.records.credentials import Signed
from tasks.records.record import Asset
from tasks.records.result import BranchResult, SharedWork
from tasks.records.step_record import StepRecord
from tasks.records.title import Run
from tasks.sign.task import Made, sign_multi
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
        title = _with_presets(run, title)
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
    if lost := [one.preset for one in title.deliveries if one.failure]:
        return End("failed", f"The masters are delivered; not delivered: {', '.join(lost)}", "PartialFailure")
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
    work, delivered = title.work, _every_language(run, title)
    if not delivered or work is None:
        return title
    try:
        upright = _upright(run, work)
        picture = upright.value if upright else None
        packed = settled(package_multi.submit(run, work.video, work.facts, work.script.language, delivered, picture))
        checked = settled(qc_multi.submit(run, work.video, work.facts, delivered, packed.value))
        place = f"{run.title.name}{work.facts.multi_ending}"
        signed = _signed(run, {place: packed.value}, work, delivered)
        files = signed.value.files if signed else {place: packed.value}
        deliver(Path(run.title.folder), files)
        clear_sidecar(Path(run.title.folder), place, files)
    except Exception as error:
        return title.model_copy(update={"failure": failure_of(error)})
    ended: list[StepRecord[Any]] = [one for one in (upright, packed, checked, signed) if one]
    made = {
        "multi": files[place],
        "beside": {name: asset for name, asset in files.items() if name != place},
        "signed": signing_facts(run),
        "signed_by": signed.value.signer if signed else None,
        "multi_languages": tuple(branch.language for branch in delivered),
        "multi_gates": checked.value.gates,
        "notes": (*title.notes, *notes_of(ended)),
        "steps": steps_of(ended),
    }
    return title.model_copy(update=made)


def _signed(
    run: Run, files: Mapping[str, Asset], work: SharedWork, delivered: Sequence[BranchResult]
) -> StepRecord[Signed] | None:
    """The master with its credentials; None where nothing is signed."""
    if not run.profile.credentials.signs:
        return None
    dubs = {branch.language: Made(way_of(run.branch(branch.language)), branch.steps) for branch in delivered}
    return settled(sign_multi.submit(run, files, work, dubs))


def _with_presets(run: Run, title: TitleResult) -> TitleResult:
    delivered = _every_language(run, title)
    if not delivered or title.work is None:
        return title
    deliveries, records = deliver_presets(run, title.work, delivered)
    return title.model_copy(update={"deliveries": deliveries, "steps": (*title.steps, *steps_of(records))})


def _every_language(run: Run, title: TitleResult) -> list[BranchResult]:
    """The delivered languages of a title, those of earlier runs too."""
    every = sorted((*title.branches, *earlier_languages(run)), key=lambda branch: branch.language)
    return [branch for branch in every if branch.delivered]


def _upright(run: Run, work: SharedWork) -> StepRecord[Asset] | None:
    """The picture of a title that is stored turned or mirrored, upright."""
    return settled(turn_picture.submit(run, work.video, work.facts)) if is_turned(work.facts) else None

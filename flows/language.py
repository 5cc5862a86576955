"""dub-language: one language branch of one title, from its script to its delivered master."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from flows.branches import branch_key, carry_over, edits, keep_attempt, mark_begun, shared_work
from flows.budget import Cost, admit, settle
from flows.costs import accounted
from flows.deliver import deliver
from flows.ledger import failure_of, steps_of
from flows.show import branch_progress
from flows.standing import noted_progress
from flows.title_end import carried_over, follow_up
from tasks.adapt.task import adapt, script_of
from tasks.errors import PermanentError
from tasks.fit.task import fit
from tasks.ingest.task import ingest
from tasks.lipsync.task import lipsync
from tasks.mix.task import mix
from tasks.model import Asset, BranchResult, Run, Script, SharedWork, StepRecord
from tasks.package.task import package
from tasks.qc.task import qc
from tasks.report.task import report
from tasks.step import settled
from tasks.synthesize.task import synthesize
from tasks.translate.task import translate


@flow(name="dub-language", flow_run_name="{run.title.name}-{run.language}", persist_result=False)
def dub_language(run: Run) -> State[Any]:
    """Dub one title into one language. The shared steps must have run; nothing here touches another language.

    Args:
        run: the checked title with its profile, store and this branch's language.
    """
    if why := admit(run):
        carry_over(run, run.language, why)
        return carried_over(why)
    mark_begun(run, run.language)
    with accounted(run) as account:
        state = _dub(run)
    settle(run, Cost(gpu_seconds=account.gpu_seconds, usd=account.usd))
    return state


def _dub(run: Run) -> State[Any]:
    key = branch_key(run, run.language)
    ledger: list[StepRecord] = []
    try:
        with branch_progress(run), noted_progress(run):
            result = _branch(run, key, ledger)
            deliver(Path(run.title.folder), result.outputs)
    except Exception as error:
        failure = failure_of(error)
        result = BranchResult(
            language=run.language,
            state="failed",
            key=key,
            steps=steps_of(ledger),
            notes=_notes(ledger),
            failure=failure,
        )
        keep_attempt(run, result)
        get_run_logger().error(failure.advice)  # what is read first in the UI
        return Failed(message=failure.advice)
    keep_attempt(run, result)
    if work := shared_work(run):
        follow_up(run.branch(""), work)
    return Completed(name="NeedsReview" if result.state == "needs_review" else "Completed", message=result.state)


def _branch(run: Run, key: str, ledger: list[StepRecord]) -> BranchResult:
    work = shared_work(run)
    if work is None:
        raise PermanentError("The shared steps of this title are not in the store.", "Run dub-title, which runs them.")

    def settle(future: Any) -> StepRecord:
        ledger.append(settled(future))
        return ledger[-1]

    translated = settle(translate.submit(run, work.script, edits(run, run.language)))
    script = Script.model_validate(translated.value)
    script, laid = _speech(run, work, script, settle)
    picture = _picture(run, work, laid, settle)
    mixed = settle(mix.submit(run, laid, work.bed, work.dialogue, work.script))
    sound, stems = mixed.outputs, {"dialogue": laid.outputs["dialogue"], "bed": work.bed, "mix": mixed.outputs["mix"]}
    edited = picture.outputs.get("picture")
    packed = settle(package.submit(run, work.video, work.facts, edited, sound["audio"], stems, script))
    checked = settle(qc.submit(run, work, script, laid, picture, mixed, packed))
    page = settle(report.submit(run, work, script, laid, checked, list(ledger)))
    language, name = run.language, run.title.name
    outputs: dict[str, Asset] = {
        f"{name}.{language}.mp4": packed.outputs["master"],
        f"{language}/script.json": packed.outputs["script"],
        f"{language}/script.srt": packed.outputs["srt"],
        f"{language}/script.vtt": packed.outputs["vtt"],
        **{f"{language}/{role}.{run.profile.mix.stems}": packed.outputs[role] for role in stems},
        f"{language}/lipsync.json": picture.outputs["report"],
        f"{language}/qc.json": checked.outputs["qc"],
        f"{language}/report.html": page.outputs["report"],
    }
    return BranchResult(
        language=language,
        state=checked.value["state"],
        key=key,
        outputs=outputs,
        audio=sound["audio"],
        subtitles=packed.outputs["srt"],
        steps=steps_of(ledger),
        notes=_notes(ledger),
    )


def _speech(run: Run, work: SharedWork, script: Script, settle: Any) -> tuple[Script, StepRecord]:
    """The script as it is spoken, and the speech in its place."""
    if (recording := run.title.dubs.get(run.language)) is not None:
        return script, settle(ingest.submit(run, recording, script, work.facts.duration_ms, work.bed))
    spoken = settle(synthesize.submit(run, script, work.script, work.dialogue, work.bed))
    adapted = settle(adapt.submit(run, script, work.script, spoken, work.dialogue, edits(run, run.language), work.bed))
    script = script_of(adapted)
    return script, settle(fit.submit(run, script, adapted, work.facts.duration_ms))


def _picture(run: Run, work: SharedWork, laid: StepRecord, settle: Any) -> StepRecord:
    outputs = laid.outputs
    return settle(lipsync.submit(run, work.video, work.analysis, outputs["dialogue"], outputs["phones"]))


def _notes(ledger: list[StepRecord]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for record in ledger for note in record.notes))

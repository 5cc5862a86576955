"""dub-title: one title. The shared steps once, then one isolated branch a language, then the multi-track master."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.branches import finished, keep_shared_work
from flows.deliver import deliver
from flows.launch import launcher
from flows.ledger import failure_of, steps_of
from flows.show import show_branches
from flows.summary import TitleResult, earlier_languages, keep_title_result, results_of, write_summary
from tasks.diarize.task import diarize
from tasks.lipsync.task import track_faces
from tasks.model import Run, Script, SharedWork, StepRecord
from tasks.package.task import cut_preview, package_multi
from tasks.probe import facts_of
from tasks.probe.task import probe
from tasks.progress import StepEvent, announce
from tasks.separate.task import separate
from tasks.step import settled
from tasks.synthesize.cast import cast_title
from tasks.transcribe.task import transcribe


@flow(name="dub-title", flow_run_name="{run.title.name}", persist_result=False, validate_parameters=True)
def dub_title(run: Run, launch: Literal["inline", "deployed"] = "inline") -> State[Any]:
    """Dub one title into its languages; languages that are finished already are not run again.

    Args:
        run: the checked title with its profile and store.
        launch: branches in this process, or each as an own flow run of the ``dub-language`` deployment.
    """
    try:
        work = _shared_work(run)
        cast_title(run, work.script, work.speech, work.dialogue, work.bed)
    except Exception as error:
        failure = failure_of(error)
        keep_title_result(run, TitleResult(failure=failure))
        write_summary(run, TitleResult(failure=failure))
        return Failed(name="SharedStepFailed", message=f"{failure.step}: {failure.what}")
    keep_shared_work(run, work)

    found = {language: result for language in run.title.languages if (result := finished(run, language))}
    for result in found.values():
        deliver(Path(run.title.folder), result.outputs)
        for use in result.steps:
            announce(StepEvent(run.title.name, result.language, use.step, "reused", 1.0))
    launcher(launch).launch(run, [language for language in run.title.languages if language not in found])
    title = _with_multi_track_master(run, TitleResult(work=work, branches=tuple(results_of(run, found))))
    keep_title_result(run, title)
    write_summary(run, title)
    show_branches(run, title)
    return _ended(run, title)


def _ended(run: Run, title: TitleResult) -> State[Any]:
    failed = [branch.language for branch in title.branches if branch.state == "failed"]
    if failed or title.failure:
        what = f"{len(failed)} of {len(title.branches)} failed: {', '.join(failed)}" if failed else str(title.failure)
        return Failed(name="PartialFailure", message=what)
    return Completed(message=f"{len(title.branches)} languages delivered to {run.title.folder}")


def _shared_work(run: Run) -> SharedWork:
    ledger: list[StepRecord] = []

    def settle(future: Any) -> StepRecord:
        ledger.append(settled(future))
        return ledger[-1]

    video = run.title.video
    if run.title.preview_ms:
        video = settle(cut_preview.submit(run, video)).outputs["video"]
    facts = facts_of(settle(probe.submit(run, video)))
    sound = settle(separate.submit(run, video, facts)).outputs
    heard = Script.model_validate(settle(transcribe.submit(run, sound["speech"], facts.duration_ms)).value)
    script = Script.model_validate(settle(diarize.submit(run, sound["speech"], heard)).value)
    tracked = settle(track_faces.submit(run, video, script))
    return SharedWork(
        video=video,
        facts=facts,
        original=sound["original"],
        dialogue=sound["dialogue"],
        bed=sound["bed"],
        speech=sound["speech"],
        script=script,
        analysis=tracked.outputs["analysis"],
        notes=tuple(dict.fromkeys(note for record in ledger for note in record.notes)),
        steps=steps_of(ledger),
    )


def _with_multi_track_master(run: Run, title: TitleResult) -> TitleResult:
    work = title.work
    delivered = [branch for branch in (*title.branches, *earlier_languages(run)) if branch.state != "failed"]
    if not delivered or work is None:
        return title
    try:
        packed = settled(package_multi.submit(run, work.video, work.facts, work.script.language, delivered))
        deliver(Path(run.title.folder), {f"{run.title.name}.multi.mkv": packed.outputs["multi"]})
    except Exception as error:
        return title.model_copy(update={"failure": failure_of(error)})
    languages = tuple(sorted(branch.language for branch in delivered))
    return title.model_copy(update={"multi": packed.outputs["multi"], "multi_languages": languages})

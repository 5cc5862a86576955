"""One title: the shared steps once, then one isolated branch a language, then the multi-track master. No Prefect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flows.ask.naming import hold
from flows.dub.beside import beside
from flows.dub.end import End
from flows.dub.journal import journal
from flows.dub.title_end import Shown, finish_title
from flows.kept.branches import finished, keep_failure, keep_shared_work
from flows.kept.budget import Cost, charge
from flows.kept.costs import accounted
from flows.kept.deliver import clear_review, deliver
from flows.kept.ledger import failure_of, notes_of, steps_of
from flows.kept.refused import NothingLeftError, nothing_left, possible
from flows.kept.summary import TitleResult, keep_title_result, results_of, write_summary
from tasks.diarize.task import diarize
from tasks.keep.prune import pruned_on
from tasks.keep.store import store_at
from tasks.lipsync.plain import takes_as_it_is
from tasks.lipsync.task import match_speech, plain_picture, track_faces
from tasks.package.task import cut_preview
from tasks.probe.task import probe
from tasks.records.facts import MediaFacts
from tasks.records.progress import StepEvent, announce
from tasks.records.record import Asset
from tasks.records.result import SharedWork
from tasks.records.step_record import Made, StepRecord
from tasks.records.title import Run
from tasks.separate.task import separate
from tasks.step.prefect import settled
from tasks.synthesize.cast import cast_title
from tasks.transcribe.task import transcribe

#: Runs languages of a title to their end; how each ended is in the store afterwards.
Branches = Callable[[Run, Sequence[str]], None]


def dub_whole(
    run: Run,
    branches: Branches,
    only: Sequence[str] | None = None,
    shown: Shown = lambda *_: None,
    *,
    here: bool = True,
) -> End:
    """Dub one title into its languages; languages that are finished already are not run again.

    Args:
        run: the checked title with its profile and store.
        branches: runs the languages.
        only: of its languages run these; the others stay as they last ended. None: all.
        shown: shows how it ended.
        here: the languages run on this machine, and are refused here where it cannot dub them.
    """
    with journal(run), accounted(run) as account:
        end = _dub(run, branches, only, shown, here)
    charge(run, Cost(gpu_seconds=account.gpu_seconds, usd=account.usd))
    return end


def _dub(run: Run, branches: Branches, only: Sequence[str] | None, shown: Shown, here: bool) -> End:
    wanted = [language for language in run.title.languages if only is None or language in only]
    ledger: list[StepRecord[Any]] = []

    def narrow(spoken: str | None = None) -> None:
        """Only what can be goes on."""
        wanted[:] = possible(run, wanted, spoken, languages_too=here)

    try:
        hold(run)
        narrow()
        work = _shared_work(run, ledger, narrow)
        cast_title(run, work.script, work.speech, work.dialogue, work.bed)
    except NothingLeftError as error:
        write_summary(run, nothing_left(run, notes_of(ledger)))
        return End("failed", str(error), "PartialFailure", logged=True)
    except Exception as error:
        failure = failure_of(error)
        for language in wanted:
            if finished(run.branch(language)) is None:
                keep_failure(run.branch(language), failure)
        failed = TitleResult(branches=tuple(results_of(run, {})), notes=notes_of(ledger), failure=failure)
        keep_title_result(run, failed)
        write_summary(run, failed)
        return End("failed", failure.advice, "SharedStepFailed", logged=True)  # what is read first in the UI
    if not all(record.reused for record in ledger) and (when := pruned_on(store_at(run.store), run.title.name)):
        note = f"Its stored results were removed on {when} (`polydub store prune`): the title was made again."
        work = work.model_copy(update={"notes": (*work.notes, note)})
    keep_shared_work(run, work)

    found = {language: result for language in run.title.languages if (result := finished(run.branch(language)))}
    for result in found.values():
        deliver(Path(run.title.folder), result.outputs)
        clear_review(Path(run.title.folder), result.language)
        for use in result.steps:
            announce(StepEvent(run.title.name, result.language, use.step, "reused", 1.0, folder=run.title.folder))
    branches(run, [language for language in wanted if language not in found])
    return finish_title(run, work, found, shown)


def _shared_work(run: Run, ledger: list[StepRecord[Any]], narrow: Callable[[str], None]) -> SharedWork:
    def take(record: StepRecord[Made]) -> Made:
        ledger.append(record)
        made: Made = ledger[-1].value
        return made

    video = run.title.video
    if run.title.preview_ms:
        video = take(settled(cut_preview.submit(run, video)))
    facts = take(settled(probe.submit(run, video, run.title.source_language)))
    with beside(lambda: None if facts.sound_only else _faces(run, video, facts)) as faces_of:
        sound = take(settled(separate.submit(run, video, facts)))
        heard = take(settled(transcribe.submit(run, sound.speech, facts.duration_ms)))
        narrow(heard.language)
        script = take(settled(diarize.submit(run, sound.speech, heard)))
    plain = analysis = None
    if (seen := faces_of()) is not None:
        plain = take(seen[0]) if seen[0] else None
        faces = take(seen[1])
        analysis = take(settled(match_speech.submit(run, faces, plain or video, script)))
    return SharedWork(
        video=video,
        plain=plain,
        facts=facts,
        original=sound.original,
        dialogue=sound.dialogue,
        bed=sound.bed,
        client_bed=sound.client_bed,
        speech=sound.speech,
        script=script,
        analysis=analysis,
        notes=notes_of(ledger),
        steps=steps_of(ledger),
    )


def _faces(run: Run, video: Asset, facts: MediaFacts) -> tuple[StepRecord[Asset] | None, StepRecord[Asset]]:
    """The picture as lip sync takes it, where it is another, and its faces: nothing of it depends on the sound."""
    plain = None if takes_as_it_is(run, facts) else settled(plain_picture.submit(run, video, facts))
    return plain, settled(track_faces.submit(run, plain.value if plain else video))

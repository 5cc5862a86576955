"""One language of a title, from its script to its delivered master. No Prefect."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.ask.naming import hold
from flows.dub.before import paces_before, settled_before
from flows.dub.beside import beside
from flows.dub.end import End
from flows.dub.journal import journal
from flows.kept.branches import Known, carry_over, keep_attempt, known, mark_begun
from flows.kept.budget import Cost, charge
from flows.kept.budget import admit as make_room
from flows.kept.costs import accounted
from flows.kept.deliver import deliver
from flows.kept.edits import Placed
from flows.kept.ledger import failure_of, notes_of, steps_of
from flows.kept.review import verdict
from flows.kept.standing import noted_progress
from tasks.adapt.task import adapt
from tasks.fit.task import fit
from tasks.ingest.task import ingest
from tasks.keep.store import store_at
from tasks.lipsync.choose import dubs_alone
from tasks.lipsync.task import conform_film, lipsync, translate_film
from tasks.machine.ending import notifying_threads
from tasks.mix.task import mix
from tasks.package.task import package
from tasks.probe.task import probe
from tasks.qc.task import qc
from tasks.records.errors import PermanentError
from tasks.records.made import Laid, Mixed, Pictured
from tasks.records.record import Asset
from tasks.records.result import BranchResult, SharedWork
from tasks.records.script import Script
from tasks.records.step_record import Made, StepRecord
from tasks.records.title import Branch
from tasks.report.task import report
from tasks.step.prefect import Submitted, settled
from tasks.synthesize.task import synthesize
from tasks.translate.task import translate


@dataclass(frozen=True)
class _Dub:
    """What a master is packed from.

    Attributes:
        script: what is said.
        laid: the speech on the title's clock, and the places of its lines.
        picture: the picture where it was changed, and the lip-sync report.
        mixed: the encoded sound.
        stems: lossless sound by role.
    """

    script: Script
    laid: Laid
    picture: Pictured
    mixed: Mixed
    stems: dict[str, Asset]


@dataclass(frozen=True)
class _Steps:
    """The steps of a branch, as they end."""

    ledger: list[StepRecord[Any]] = field(default_factory=list)

    def settle(self, step: Submitted[Made]) -> Made:
        """Wait for a submitted step, add it to the ledger, and return its result."""
        return self.take(settled(step))

    def take(self, record: StepRecord[Made]) -> Made:
        """Add a step that has ended to the ledger, and return its result."""
        self.ledger.append(record)
        made: Made = self.ledger[-1].value
        return made


#: Shows how far a branch is while a block runs.
Shown = Callable[[Branch], contextlib.AbstractContextManager[None]]


def dub_branch(run: Branch, shown: Shown = lambda _branch: contextlib.nullcontext()) -> End:
    """Dub one title into one language. The shared steps must have run; nothing here touches another language.

    Args:
        run: the branch: the checked title with its profile and store, and the language.
        shown: shows its progress.
    """
    if why := make_room(run):
        carry_over(run, why)
        return End("carried_over", why, "CarriedOver")
    mark_begun(run)
    with notifying_threads(), journal(run), accounted(run) as account:
        end = _dub(run, shown)
    charge(run, Cost(gpu_seconds=account.gpu_seconds, usd=account.usd))
    return end


def _dub(run: Branch, shown: Shown) -> End:
    now, steps = known(run), _Steps()
    try:
        with shown(run), noted_progress(run, now.key):
            hold(run)
            result = _branch(now, steps)
            deliver(Path(run.title.folder), result.outputs)
    except Exception as error:
        failure = failure_of(error)
        result = BranchResult(
            language=run.language,
            state="failed",
            key=now.key,
            steps=steps_of(steps.ledger),
            notes=notes_of(steps.ledger),
            failure=failure,
        )
        keep_attempt(run, result)
        return End("failed", failure.advice, logged=True)  # what is read first in the UI
    keep_attempt(run, result)
    why = verdict(result).why
    return End("completed", why or "ready", "NeedsReview" if why else None)


def _branch(now: Known, steps: _Steps) -> BranchResult:
    run, work = now.branch, now.work
    store, settle = store_at(run.store), steps.settle
    if work is None or not all(store.holds(asset) for asset in work.made):
        raise PermanentError("The shared steps of this title are not in the store.", "Run dub-title, which runs them.")
    alone = dubs_alone(run.profile.lipsync.backend) and run.language not in run.title.dubs
    dub = _made_elsewhere(run, work, steps) if alone else _made_here(run, work, now.edits, steps)
    picture, sound = dub.picture, dub.mixed.audio
    packed = settle(
        package.submit(
            run, work.video, work.facts, picture.picture, sound, dub.stems, dub.script, altered=picture.altered
        )
    )
    checked = settle(qc.submit(run, work, dub.script, dub.laid, picture, dub.mixed, packed))
    page = settle(report.submit(run, work, dub.script, dub.laid, checked.sheet, list(steps.ledger), list(dub.stems)))
    language, name = run.language, run.title.name
    outputs: dict[str, Asset] = {
        f"{name}.{language}.mp4": packed.master,
        f"{language}/script.json": packed.script,
        f"{language}/script.srt": packed.srt,
        f"{language}/script.vtt": packed.vtt,
        **{f"{language}/{role}.{run.profile.mix.stems}": stem for role, stem in packed.stems.items()},
        f"{language}/lipsync.json": picture.report,
        f"{language}/qc.json": checked.qc,
        f"{language}/report.html": page,
    }
    return BranchResult(
        language=language,
        state=checked.state,
        key=now.key,
        outputs=outputs,
        audio=sound,
        subtitles=packed.srt,
        steps=steps_of(steps.ledger),
        notes=notes_of(steps.ledger),
        gates=checked.not_passed,
    )


def _made_here(run: Branch, work: SharedWork, edits: Placed, steps: _Steps) -> _Dub:
    """Translated, spoken, lip-synced and mixed by the steps of the profile."""
    settle = steps.settle
    translated = settle(translate.submit(run, work.script, edits.texts, edits.notes))
    script, laid = _speech(run, work, translated, edits.texts, steps)
    assert laid.phones is not None  # fit and ingest always tell them
    edited = bool(edits.texts) and run.language not in run.title.dubs
    before = settled_before(run, work) if edited else {}
    with beside(lambda: settled(mix.submit(run, laid, work.bed, work.dialogue, script))) as mixed_of:
        film = work.plain or work.video
        picture = settle(lipsync.submit(run, film, work.analysis, laid.dialogue, laid.phones, before))
    mixed = steps.take(mixed_of())
    stems = {"dialogue": laid.dialogue, "bed": work.bed, "mix": mixed.mix}
    return _Dub(script, laid, picture, mixed, stems)


def _made_elsewhere(run: Branch, work: SharedWork, steps: _Steps) -> _Dub:
    """All of it by one service; what was said, and where, is not known."""
    settle = steps.settle
    film = settle(translate_film.submit(run, work.video))
    came = settle(probe.submit(run, film.film))
    made = settle(conform_film.submit(run, film.film, came, work.facts))
    return _Dub(
        script=Script(language=run.language, lines=()),
        laid=Laid(dialogue=made.dialogue),
        picture=Pictured(report=film.report, figures=film.figures, picture=made.picture, film=film.film),
        mixed=Mixed(mix=made.dialogue, audio=made.audio, encoded=made.encoded),
        stems={"mix": made.dialogue},
    )


def _speech(
    run: Branch, work: SharedWork, script: Script, worded: dict[str, str], steps: _Steps
) -> tuple[Script, Laid]:
    """The script as it is spoken, and the speech in its place.

    Args:
        run: the language of the title.
        work: of the shared steps.
        script: translated.
        worded: what people wrote of it, by line id.
        steps: waited for.
    """
    settle = steps.settle
    if (recording := run.title.dubs.get(run.language)) is not None:
        return script, settle(ingest.submit(run, recording, script, work.facts.duration_ms, work.bed))
    paces = paces_before(run, work) if worded else {}
    spoken = settle(synthesize.submit(run, script, work.script, work.dialogue, work.bed, paces))
    adapted = settle(adapt.submit(run, script, work.script, spoken, work.dialogue, worded, work.bed))
    return adapted.script, settle(fit.submit(run, adapted.script, adapted.takes, work.facts.duration_ms))

"""One language of a title, from its script to its delivered master. No Prefect."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from flows.ask.naming import hold
from flows.dub.end import WAITS, End
from flows.dub.gate import Gates, HeldError
from flows.dub.journal import journal
from flows.dub.making import Steps, made_elsewhere, made_here, picture_of
from flows.kept.ahead import way_of
from flows.kept.branches import Known, carry_over, keep_attempt, known, mark_begun
from flows.kept.budget import Cost, charge
from flows.kept.budget import admit as make_room
from flows.kept.costs import accounted
from flows.kept.deliver import clear_review, deliver
from flows.kept.edited import edited_script, unheeded_edits
from flows.kept.edits import check_readable
from flows.kept.ledger import failure_of, notes_of, steps_of
from flows.kept.review import verdict
from flows.kept.standing import noted_progress
from tasks.keep.store import store_at
from tasks.label.task import label
from tasks.lipsync.choose import dubs_alone
from tasks.machine.ending import notifying_threads
from tasks.package.task import package
from tasks.qc.task import qc
from tasks.records.disclosure import statement
from tasks.records.errors import PermanentError
from tasks.records.made import Checked, Marked, Packed, Pictured, Shots
from tasks.records.record import Asset
from tasks.records.result import BranchResult, SharedWork, Waits
from tasks.records.title import Branch
from tasks.report.task import report
from tasks.sign.task import Made as SignedDub
from tasks.sign.task import sign
from tasks.timed_text.task import burn, find_shots, timed_text
from tasks.watermark.task import find_watermark

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
    now, steps = known(run), Steps()
    gates = Gates(now)
    try:
        with shown(run), noted_progress(run, now.key):
            hold(run)
            try:
                result = _branch(now, steps, gates)
            except HeldError as held:
                result = _waiting(now, steps, gates, held.waits)
            clear_review(Path(run.title.folder), run.language)
            deliver(Path(run.title.folder), result.waits.material if result.waits else result.outputs)
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
    if result.waits:
        return End("waiting", str(result.waits), WAITS, waits=result.waits)
    why = verdict(result).why
    return End("completed", why or "ready", "NeedsReview" if why else None)


def _waiting(now: Known, steps: Steps, gates: Gates, waits: Waits) -> BranchResult:
    """It ends here; the next run goes on where it is approved."""
    return BranchResult(
        language=now.branch.language,
        state="waiting",
        key=now.key,
        steps=steps_of(steps.ledger),
        notes=(*notes_of(steps.ledger), *gates.notes),
        waits=waits,
    )


def _branch(now: Known, steps: Steps, gates: Gates) -> BranchResult:
    run, work = now.branch, now.work
    store, settle = store_at(run.store), steps.settle
    if work is None or not all(store.holds(asset) for asset in work.made):
        raise PermanentError("The shared steps of this title are not in the store.", "Run dub-title, which runs them.")
    alone = dubs_alone(run.profile.lipsync.backend) and run.language not in run.title.dubs
    wanted = now.edits
    check_readable(wanted)
    dub = made_elsewhere(run, work, steps, gates) if alone else made_here(run, work, wanted, steps, gates)
    if not alone:
        work = work.model_copy(update={"script": edited_script(run, work, wanted)})
    picture, sound = dub.picture, dub.mixed.audio
    guided = run.profile.subtitles.guided and not alone
    seen = not work.facts.sound_only
    shots = None
    if guided:
        shots = settle(find_shots.submit(run, work.video)) if seen else Shots(cuts_ms=())
    words = settle(timed_text.submit(run, dub.script, work.script, work.facts, shots)) if shots else None
    altered = picture.altered
    shown = _labelled(run, picture.picture, work, steps, gates)
    packed = settle(
        package.submit(
            run,
            work.video,
            work.facts,
            shown,
            dub.mixed,
            dub.stems,
            dub.script,
            altered=altered,
            subtitles=words,
        )
    )
    burned = None
    if shots and run.profile.subtitles.burns(run.language):
        if seen:
            burned = settle(burn.submit(run, dub.script, packed.master, shots)).film
        else:
            gates.notes.append("No copy with burned-in subtitles was made: the title has no picture.")
    marked = steps.made("watermark", Marked)
    heard = settle(find_watermark.submit(run, packed.master, marked, dub.laid.placements)) if marked else None
    checked = settle(qc.submit(run, work, dub.script, dub.laid, picture, dub.mixed, packed, marked, heard))
    gates.files("master", {"master": packed.master})
    outputs = _outputs(run, work, packed, words.files if words else {}, burned, picture, checked)
    signer, unsigned = None, {}
    if run.profile.credentials.signs:
        made = SignedDub(way_of(run), steps_of(steps.ledger), picture_of(picture))
        signed = settle(sign.submit(run, outputs, work, made))
        unsigned = {place: outputs[place] for place in signed.files.keys() & outputs.keys()}
        signer, outputs = signed.signer, {**outputs, **signed.files}
    said = statement(
        synthetic_speech=run.language not in run.title.dubs, altered_picture=altered and picture.picture is not None
    )
    stems = list(dub.stems)
    page = settle(
        report.submit(run, work, dub.script, dub.laid, checked.sheet, list(steps.ledger), stems, signer, said)
    )
    outputs[f"{run.language}/report.html"] = page
    return BranchResult(
        language=run.language,
        state=checked.state,
        key=now.key,
        outputs=outputs,
        audio=sound,
        subtitles=packed.srt,
        steps=steps_of(steps.ledger),
        notes=(*notes_of(steps.ledger), *gates.notes, *unheeded_edits(run, wanted)),
        gates=checked.not_passed,
        signed_by=signer,
        unsigned=unsigned,
        disclosure=said,
        watermark=heard.watermark.verdict if heard else "",
    )


def _labelled(run: Branch, picture: Asset | None, work: SharedWork, steps: Steps, gates: Gates) -> Asset | None:
    """The picture with the profile's label, where a machine speaks; as it was where nobody asks for one."""
    if run.profile.label == "none":
        return picture
    if work.facts.picture is None:
        gates.notes.append("There is no picture to put a label on.")
        return picture
    if way_of(run) == "recorded":
        gates.notes.append("The picture has no label: a person speaks this dub.")
        return picture
    return steps.settle(label.submit(run, picture or work.video))


def _outputs(
    run: Branch,
    work: SharedWork,
    packed: Packed,
    subtitles: Mapping[str, Asset],
    burned: Asset | None,
    picture: Pictured,
    checked: Checked,
) -> dict[str, Asset]:
    """What is delivered of a language, by place below the title's folder, but for its page."""
    language, name = run.language, run.title.name
    return {
        f"{name}.{language}{work.facts.master_ending}": packed.master,
        **({f"{name}.{language}{packed.ending}": packed.alike} if packed.alike else {}),
        **({f"{name}.{language}.burned.mp4": burned} if burned else {}),
        f"{language}/script.json": packed.script,
        f"{language}/script.srt": packed.srt,
        f"{language}/script.vtt": packed.vtt,
        **{f"{language}/{file}": made for file, made in subtitles.items()},
        **{f"{language}/{role}.{run.profile.mix.stems}": stem for role, stem in packed.stems.items()},
        **({f"{language}/lipsync.json": picture.report} if picture.report else {}),
        f"{language}/qc.json": checked.qc,
    }

"""Content keys of branches, and their results in the store. No Prefect."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from flows.ask.plan import backends
from flows.kept.edits import Edits, Placed
from tasks.keep.store import step_key, store_at
from tasks.lipsync.choose import ignored_style
from tasks.lipsync.finish import Finishing
from tasks.records.result import BranchResult, Failure, SharedWork
from tasks.records.script import Script
from tasks.records.title import Branch, Run
from tasks.step.table import Step, of_part
from tasks.synthesize.casting import casting_facts
from tasks.transcribe.bounds import moved

#: So many failures in a row, of a kind that does not pass on its own or by a crash, set a branch aside.
STRIKES = 3

_MARK = "Interrupted"


def shared_key(run: Run) -> str:
    """The content key of the work that all languages of a title share."""
    title = run.title
    chosen = backends(run.profile, title.source_language)
    steps = of_part("title")
    used = dict.fromkeys(step.section for step in steps if step.section)
    return step_key(
        "shared",
        1,
        settings={
            "sidecar": run.profile.sidecar,
            "preview_ms": title.preview_ms,
            "realign": run.profile.realign,
            **({"preview_start_ms": title.preview_start_ms} if title.preview_start_ms else {}),
        },
        backend=" ".join(chosen[name].fingerprint() for name in used),
        inputs={
            "video": title.video,
            "subtitles": title.subtitles,
            "bed": title.bed,
            "language": title.source_language,
            "versions": versions(steps),
        },
    )


def branch_key(branch: Branch) -> str:
    """The content key of one language of a title, from everything that it depends on."""
    title, profile, language = branch.title, branch.profile, branch.language
    chosen = backends(profile, title.source_language, language)
    return step_key(
        "branch",
        1,
        settings={
            "loudness": profile.loudness,
            "finishing": Finishing.of(profile).facts(),
            "unheeded": ignored_style(profile.lipsync),
            "fit": profile.fit,
            "pace": profile.pace,
            "mix": profile.mix,
            "ingest": profile.ingest,
            "waivers": profile.waivers,
            "fake": profile.fake,
        },
        backend=" ".join(backend.fingerprint() for backend in chosen.values()),
        inputs={
            "shared": shared_key(branch),
            "dub": title.dubs.get(language),
            "edits": _edit_facts(branch),
            "language": language,
            "casting": _casting(branch),
            "name": title.name,
            "versions": versions(of_part("branch")),
        },
    )


def versions(steps: Iterable[Step]) -> list[tuple[str, int]]:
    """The versions of steps as keys hold them: each package once, in the order of the table."""
    return list({step.package: step.version for step in steps if step.keyed}.items())


def _casting(branch: Branch) -> dict[str, Any]:
    """Casting settings that affect the speech; empty before the shared steps have run."""
    work = shared_work(branch) if branch.profile.voices else None
    return casting_facts(branch, work.script if work else Script(language="und", lines=()))


def finished(branch: Branch) -> BranchResult | None:
    """The delivered result of a branch, if the store has all its files; its steps then count as reused."""
    result = last_attempt(branch, branch_key(branch))
    if result is None or not result.delivered:
        return None
    store = store_at(branch.store)
    assets = [*result.outputs.values(), *filter(None, (result.audio, result.subtitles))]
    if not all(store.holds(asset) for asset in assets):
        return None
    steps = tuple(use.model_copy(update={"reused": True, "seconds": 0.0, "hits": use.parts}) for use in result.steps)
    return result.model_copy(update={"steps": steps})


def last_attempt(run: Run, key: str) -> BranchResult | None:
    """How a branch ended when it was last tried."""
    try:
        return BranchResult.model_validate(store_at(run.store).read_note("branch", key))
    except ValidationError:
        return None


def keep_attempt(run: Run, result: BranchResult) -> None:
    """Store how a branch ended, and how often in a row it failed permanently."""
    before = last_attempt(run, result.key)
    strikes = before.strikes if before else 0
    if result.delivered:
        strikes = 0
    elif result.state == "failed" and result.failure and not (result.failure.transient or is_begun(result)):
        strikes += 1
    kept = result.model_copy(update={"strikes": strikes, "title": run.title.name, "source": run.title.video.sha256})
    store_at(run.store).write_note("branch", result.key, kept.model_dump(mode="json"))


def mark_begun(branch: Branch) -> None:
    """Mark the start of an attempt, so that a crash is not mistaken for an earlier result.

    A result that another run of the same title has delivered meanwhile stays: it is of the same content, and that run
    is about to read it.
    """
    if finished(branch) is not None:
        return
    failure = Failure(
        kind=_MARK, what="The branch was started and did not end.", fix="Run the command again.", transient=True
    )
    _keep_failure(branch, branch_key(branch), failure)


def note_missing(branch: Branch, message: str) -> None:
    """After an attempt that left no result: it crashed."""
    key = branch_key(branch)
    result = last_attempt(branch, key)
    if result is None or is_begun(result):
        failure = Failure(kind="Crashed", what=f"The branch ended without a result: {message}", fix="Run it again.")
        _keep_failure(branch, key, failure)


def _keep_failure(branch: Branch, key: str, failure: Failure) -> None:
    keep_attempt(branch, BranchResult(language=branch.language, state="failed", key=key, failure=failure))


def carry_over(branch: Branch, why: str) -> BranchResult:
    """Carry a branch over to the next night."""
    failure = Failure(kind="BudgetSpent", what=why, fix="The next night takes it first.", transient=True)
    key = branch_key(branch)
    result = BranchResult(language=branch.language, state="carried_over", key=key, failure=failure)
    keep_attempt(branch, result)
    return result


def is_set_aside(result: BranchResult) -> bool:
    """Whether batches skip a branch because it failed permanently too often."""
    return result.state == "failed" and result.strikes >= STRIKES


def is_begun(result: BranchResult) -> bool:
    """Whether an attempt began and has not ended, as far as is known."""
    return result.failure is not None and result.failure.kind == _MARK


def shared_work(run: Run) -> SharedWork | None:
    """What the shared steps of a title made, if the store has it."""
    try:
        return SharedWork.model_validate(store_at(run.store).read_note("shared", shared_key(run)))
    except ValidationError:
        return None


def keep_shared_work(run: Run, work: SharedWork) -> None:
    """Remember what the shared steps made, for branches that run elsewhere or later."""
    store_at(run.store).write_note("shared", shared_key(run), work.model_dump(mode="json"))


def edits(branch: Branch) -> Placed:
    """A person's edits of the dub's lines, placed on the source script; none before the shared steps have run."""
    work = shared_work(branch)
    if work is None:
        return Placed()
    began_ms, length_ms = branch.title.preview_start_ms, branch.title.preview_ms
    lines = moved(work.script, began_ms).lines if began_ms else work.script.lines
    return _edits(branch).on(lines, began_ms + length_ms if length_ms else 0, began_ms)


def _edit_facts(branch: Branch) -> Any:
    placed = edits(branch)
    return {"texts": placed.texts, "not applied": placed.notes} if placed.stray else placed.texts


def _edits(branch: Branch) -> Edits:
    title, store = branch.title, store_at(branch.store)
    return Edits(store, title.plain or title.name, title.video.sha256, branch.language, Path(title.folder))

"""What the store knows of a title's languages: what each depends on, and how it ended. No Prefect."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from flows.kept import keys
from flows.kept.applied import Applied
from flows.kept.edits import Edits
from tasks.keep.store import store_at
from tasks.records.result import BranchResult, Failure, SharedWork
from tasks.records.title import Branch, Run
from tasks.transcribe.bounds import moved

#: So many failures in a row, of a kind that does not pass on its own or by a crash, set a branch aside.
STRIKES = 3

_MARK = "Interrupted"


@dataclass(frozen=True)
class Known:
    """A language of a title with what it depends on besides its run, as the store had it at one time.

    Attributes:
        branch: the language.
        work: of the shared steps; None before they have run.
        edits: the source script as people's edits make it, on the title's clock; none before the shared steps have
            run.
    """

    branch: Branch
    work: SharedWork | None
    edits: Applied

    @cached_property
    def key(self) -> str:
        """The content key of what comes of it."""
        return keys.content_key(self.branch, self.work, self.edits)


def known(branch: Branch) -> Known:
    """A language with what it depends on now."""
    work = shared_work(branch)
    return Known(branch, work, _edits(branch, work))


def branch_key(branch: Branch) -> str:
    """The content key of a language, from everything that it depends on now."""
    return known(branch).key


def shared_work(run: Run) -> SharedWork | None:
    """What the shared steps of a title made, if the store has it."""
    try:
        return SharedWork.model_validate(store_at(run.store).read_note("shared", keys.shared_key(run)))
    except ValidationError:
        return None


def keep_shared_work(run: Run, work: SharedWork) -> None:
    """Remember what the shared steps made, for branches that run elsewhere or later."""
    store_at(run.store).write_note("shared", keys.shared_key(run), work.model_dump(mode="json"))


def edits_of(branch: Branch) -> Edits:
    """People's edits of a language."""
    title = branch.title
    return Edits(store_at(branch.store), name_of(branch), title.video.sha256, branch.language, Path(title.folder))


def name_of(run: Run) -> str:
    """The name under which people's edits and decisions are kept."""
    return run.title.plain or run.title.name


def _edits(branch: Branch, work: SharedWork | None) -> Applied:
    if work is None:
        return Applied()
    title = branch.title
    began_ms, length_ms = title.preview_start_ms, title.preview_ms
    lines = moved(work.script, began_ms).lines if began_ms else work.script.lines
    edits = edits_of(branch)
    until_ms = began_ms + length_ms if length_ms else 0
    return edits.on(lines, until_ms, began_ms, ends_ms=work.facts.duration_ms)


def finished(branch: Branch) -> BranchResult | None:
    """The delivered result of a branch, if the store has all its files; its steps then count as reused."""
    return _delivered(branch, branch_key(branch))


def _delivered(run: Run, key: str) -> BranchResult | None:
    result = last_attempt(run, key)
    if result is None or not result.delivered:
        return None
    store = store_at(run.store)
    assets = [*result.outputs.values(), *result.unsigned.values(), *filter(None, (result.audio, result.subtitles))]
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


def keep_failure(branch: Branch, failure: Failure) -> None:
    """Store why a branch failed before a step of its own ran."""
    _keep_failure(branch, branch_key(branch), failure)


def _keep_failure(branch: Branch, key: str, failure: Failure) -> None:
    keep_attempt(branch, BranchResult(language=branch.language, state="failed", key=key, failure=failure))


def mark_begun(branch: Branch) -> None:
    """Mark the start of an attempt, so that a crash is not mistaken for an earlier result.

    A result that another run of the same title has delivered meanwhile stays: it is of the same content, and that run
    is about to read it.
    """
    key = branch_key(branch)
    if _delivered(branch, key) is not None:
        return
    failure = Failure(
        kind=_MARK, what="The branch was started and did not end.", fix="Run the command again.", transient=True
    )
    _keep_failure(branch, key, failure)


def note_missing(branch: Branch, message: str) -> None:
    """After an attempt that left no result: it crashed."""
    key = branch_key(branch)
    result = last_attempt(branch, key)
    if result is None or is_begun(result):
        failure = Failure(kind="Crashed", what=f"The branch ended without a result: {message}", fix="Run it again.")
        _keep_failure(branch, key, failure)


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

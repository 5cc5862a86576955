"""The status of a batch's branches, from the store alone, so that a terminal needs no Prefect server. No Prefect."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from flows.kept.approving import approvals_in_store
from flows.kept.branches import is_begun, is_set_aside, known, last_attempt
from flows.kept.budget import Cost, expected
from flows.kept.forecast import Forecast
from flows.kept.lane import lane_of
from flows.kept.review import Reason
from flows.kept.summary import title_result, verdict_of
from tasks.keep.store import store_at
from tasks.records.progress import StepEvent, listening
from tasks.records.title import Branch

_PROGRESS = "progress"
_SILENT_S = 3600.0  # without news of a branch on another machine, it counts as interrupted

DELIVERED = ("completed", "needs_review")


@dataclass(frozen=True)
class Standing:
    """The status of one branch.

    Attributes:
        title: its name.
        language: BCP-47 tag.
        state: ``waiting``, ``running``, ``interrupted``, ``completed``, ``needs_review``, ``failed``, ``carried_over``
            or ``set_aside``.
        why: of a failure, a carry-over, or a branch set aside; of one to review, its failed gates, worst first.
        step: of a running branch.
        done: share of a running branch's expected time that is over, 0 to 1.
        left_s: seconds that an unfinished branch is expected to take still.
        review: of a delivered branch, every gate that did not pass, worst first.
        waits: of a branch that is ``waiting`` for approval: the stage, who is to look, since when and until when; None
            of one that waits for its turn.
        approval: what people decided about it (`flows.kept.approvals`); None where nobody did.
    """

    title: str
    language: str
    state: str
    why: str = ""
    step: str = ""
    done: float = 0.0
    left_s: float = 0.0
    review: tuple[Reason, ...] = ()
    waits: dict[str, Any] | None = None
    approval: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """For `polydub status --json`."""
        return asdict(self)


def standing(branch: Branch) -> Standing:
    """The status of one language of a title."""
    now = known(branch)
    approvals = approvals_in_store(now)
    found = replace(_standing(branch, now.key), approval=approvals.as_json() if approvals else None)
    if found.waits and approvals:
        judged = approvals.stage(found.waits["stage"])
        if judged.state == "approved" and judged.decision:
            who = judged.decision.who or "somebody"
            return replace(found, why=f"the {found.waits['stage']} is approved by {who}: the next run goes on")
    return found


def _standing(branch: Branch, key: str) -> Standing:
    name, language = branch.title.name, branch.language
    result = last_attempt(branch, key)
    if result is not None and result.delivered:
        found = verdict_of(title_result(branch), result)
        return Standing(name, language, found.state, found.why, done=1.0, review=found.review)
    if result is not None and result.waits is not None:
        waits = result.waits.model_dump(exclude={"material"})
        return Standing(name, language, "waiting", str(result.waits), waits=waits)
    left = expected(branch) + expected(branch.whole)
    if result is None:
        return Standing(name, language, "waiting", left_s=left.seconds)
    why = str(result.failure) if result.failure else ""
    if is_begun(result):
        return _under_way(branch, key, left)
    if is_set_aside(result):
        why = f"failed {result.strikes} times, `polydub retry --force` tries it again; {why}"
        return Standing(name, language, "set_aside", why)
    return Standing(name, language, result.state, why, left_s=left.seconds)


def _under_way(branch: Branch, key: str, left: Cost) -> Standing:
    name, language = branch.title.name, branch.language
    note = store_at(branch.store).read_note(_PROGRESS, key)
    if not note or note["ended"]:
        return Standing(name, language, "waiting", left_s=left.seconds)
    if not _is_alive(note):
        return Standing(name, language, "interrupted", f"interrupted during {note['step']}", left_s=left.seconds)
    left_s = round(max(note["ends"] - time.time(), 0))
    return Standing(name, language, "running", "", note["step"], round(note.get("done", 0.0), 2), left_s)


def _is_alive(note: dict[str, Any]) -> bool:
    if note["host"] == socket.gethostname():
        return Path(f"/proc/{note['pid']}").exists()
    return bool(time.time() - note["time"] < _SILENT_S)


@contextlib.contextmanager
def noted_progress(branch: Branch, key: str) -> Iterator[None]:
    """Record the current step of a branch, under its content key, while the block runs."""
    store = store_at(branch.store)
    lane = lane_of(branch, Forecast(branch))

    def note(step: str, ended: bool = False) -> None:
        where = {"host": socket.gethostname(), "pid": os.getpid(), "time": time.time()}
        how_far = {"step": step, "done": lane.share, "ends": time.time() + lane.left_s, "ended": ended}
        store.write_note(_PROGRESS, key, {**where, **how_far})

    def listen(event: StepEvent) -> None:
        if event.is_of(branch):
            lane.take(event)
            if event.state == "started":
                note(event.step)

    note(lane.steps[0])
    try:
        with listening(listen):
            yield
    finally:
        note(lane.steps[-1], ended=True)


def expected_end(standings: list[Standing], at_once: int) -> datetime.datetime | None:
    """When running and waiting branches are expected to be done, ``at_once`` in parallel; None if there are none."""
    left = sum(one.left_s for one in standings if one.state in ("waiting", "running"))
    if not left:
        return None
    return datetime.datetime.now().astimezone() + datetime.timedelta(seconds=left / max(at_once, 1))

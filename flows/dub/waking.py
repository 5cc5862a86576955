"""Which flow runs are suspended until a branch is approved, and how they are resumed. Prefect only where there are."""

from __future__ import annotations

import datetime
import logging
from typing import Any

from flows.kept.approving import decisions_of
from flows.kept.branches import name_of
from flows.kept.decisions import decisions_key
from tasks.keep.store import Store, store_at, store_place
from tasks.records.result import Waits
from tasks.records.title import Branch

_KIND = "suspended-runs"
_log = logging.getLogger(__name__)


def note_suspended(branch: Branch, run_id: str, response: str, waits: Waits) -> None:
    """Remember a suspended flow run.

    Args:
        branch: that waits.
        run_id: of the flow run.
        response: key of what is said in its form.
        waits: what it waits for.
    """
    known = {"response": response, "stage": waits.stage, "content": waits.content, "until": waits.until}
    known |= {"decisions": str(len(decisions_of(branch).records))}
    store_at(branch.store).change_note(_KIND, _key(branch), lambda there: {**_runs(there), str(run_id): known})


def suspended_run(branch: Branch, run_id: str) -> dict[str, Any] | None:
    """What is known of a suspended flow run of a branch; None where it is none."""
    return _runs(store_at(branch.store).read_note(_KIND, _key(branch))).get(run_id)


def forget_suspended(branch: Branch, run_id: str) -> None:
    """A flow run goes on."""

    def without(there: Any) -> dict[str, Any]:
        return {name: known for name, known in _runs(there).items() if name != run_id}

    store_at(branch.store).change_note(_KIND, _key(branch), without)


def wake(store: Store, name: str, sha256: str, language: str) -> list[str]:
    """Resume the flow runs that wait for a decision about a language; returns what could not be, in words.

    Each looks for itself whether it may go on. Without a Prefect server nothing is resumed: the next run goes on.

    Args:
        store: where decisions are kept.
        name: the title's plain name.
        sha256: digest of its video.
        language: BCP-47 tag.
    """
    runs = _runs(store.read_note(_KIND, decisions_key(name, sha256, language)))
    if not runs:
        return []
    if not _server():
        return ["A flow run waits for it, and no Prefect server is set here: resume it in the dashboard."]
    return [why for run_id in runs if (why := resume(run_id))]


def _server() -> str:
    from prefect.settings import PREFECT_API_URL

    return str(PREFECT_API_URL.value() or "")


def resume(run_id: str) -> str:
    """Resume a suspended flow run; returns why it could not be, empty where it was, or is not suspended any more."""
    from uuid import UUID

    from prefect.exceptions import NotPausedError, ObjectNotFound
    from prefect.flow_runs import resume_flow_run

    try:
        resume_flow_run(UUID(run_id), run_input={"decision": "look again"})
    except (NotPausedError, ObjectNotFound, ValueError):
        return ""
    except Exception as error:  # the server is away, or refuses it: the decision is kept all the same
        _log.warning("%s was not resumed: %s", run_id, error)
        return f"The flow run that waits for it was not resumed ({type(error).__name__}): resume it in the dashboard."
    return ""


def may_go_on(branch: Branch, run_id: str) -> bool:
    """Whether a suspended flow run has a reason to look again: its wait is over, or somebody decided since.

    Args:
        branch: that waits, as its run has it; of this machine's store.
        run_id: of the flow run.
    """
    own = store_at(store_place())
    if branch.store != own.where:
        return False
    known = suspended_run(branch, run_id)
    if known is None:
        return False
    if known["until"] and datetime.datetime.now(datetime.UTC) >= datetime.datetime.fromisoformat(known["until"]):
        return True
    return len(decisions_of(branch).records) > int(known["decisions"])


def _key(branch: Branch) -> str:
    return decisions_key(name_of(branch), branch.title.video.sha256, branch.language)


def _runs(there: Any) -> dict[str, dict[str, Any]]:
    return dict(there) if isinstance(there, dict) else {}

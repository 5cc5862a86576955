"""How branches are started: here, or each as its own flow run of a deployment. The only user of `run_deployment`."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, Protocol

from flows.branches import branch_key, keep_attempt, last_attempt
from flows.pools import branch_deployment
from tasks.model import BranchResult, Failure, Run

_POLL_S = 2.0


class Launcher(Protocol):
    """Runs branches to their end; how each ended is in the store afterwards."""

    def launch(self, run: Run, languages: Sequence[str]) -> None:
        """Run these languages; never raises for a branch that fails."""


class Inline:
    """Branches as child flows of this process, at most ``branches_at_once`` at a time."""

    def launch(self, run: Run, languages: Sequence[str]) -> None:
        """Run these languages."""
        from flows.language import dub_language

        def branch(language: str) -> None:
            _forget(run, language)
            state = dub_language(run.branch(language), return_state=True)
            _note_missing(run, language, state.message or state.name or "")

        with ThreadPoolExecutor(run.profile.branches_at_once) as pool:
            futures = [pool.submit(contextvars.copy_context().run, branch, language) for language in languages]
        for future in futures:
            future.result()


class Deployed:
    """Branches as own flow runs of the ``dub-language`` deployment: retried alone, on any machine of the pool.

    The idempotency key makes a retried title re-attach to its branches; those that ended badly are scheduled again.
    """

    def launch(self, run: Run, languages: Sequence[str]) -> None:
        """Run these languages."""
        from prefect.client.orchestration import get_client
        from prefect.deployments import run_deployment
        from prefect.runtime import flow_run
        from prefect.states import Scheduled

        with get_client(sync_client=True) as client:
            deployment = branch_deployment(run.profile, client)
            waiting: dict[str, Any] = {}
            for language in languages:
                branch: Any = run_deployment(
                    deployment,
                    parameters={"run": run.branch(language).model_dump(mode="json")},
                    timeout=0,
                    idempotency_key=f"{flow_run.id}:{language}",
                    tags=[f"lang:{language}", f"video:{run.title.name}"],
                )
                if branch.state and branch.state.is_final() and not branch.state.is_completed():
                    again: Any = Scheduled(name="AwaitingRetry", message="retried by its title")
                    client.set_flow_run_state(branch.id, again, force=True)
                waiting[language] = branch.id
            while waiting:
                time.sleep(_POLL_S)
                for language, branch_id in list(waiting.items()):
                    state = client.read_flow_run(branch_id).state
                    if state and state.is_final():
                        del waiting[language]
                        _note_missing(run, language, state.message or state.name or "")


def launcher(kind: Literal["inline", "deployed"]) -> Launcher:
    """The launcher of that kind."""
    return Inline() if kind == "inline" else Deployed()


def _forget(run: Run, language: str) -> None:
    """Mark a branch as begun, so that an attempt that dies silently is not taken for an earlier one's result."""
    key = branch_key(run, language)
    failure = Failure(kind="Interrupted", what="The branch was started and did not end.", fix="Run the command again.")
    keep_attempt(run, BranchResult(language=language, state="failed", key=key, failure=failure))


def _note_missing(run: Run, language: str, message: str) -> None:
    key = branch_key(run, language)
    result = last_attempt(run, key)
    if result is None or (result.failure and result.failure.kind == "Interrupted"):
        failure = Failure(kind="Crashed", what=f"The branch ended without a result: {message}", fix="Run it again.")
        keep_attempt(run, BranchResult(language=language, state="failed", key=key, failure=failure))

"""How titles and branches are started: here, with or without Prefect, or each as its own flow run.

The only user of `run_deployment`.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

from flows.dub.admission import allow
from flows.dub.beside import side_by_side
from flows.dub.pools import TITLE, branch_deployment
from flows.dub.revive import revive
from flows.dub.tags import tags_of
from flows.dub.waking import resume
from flows.kept.at_once import languages_at_once
from flows.kept.branches import branch_key, mark_begun, note_missing
from tasks.keep.store import text_sha256
from tasks.records.title import Branch, Run
from tasks.services.outage import through_outages

Kind = Literal["inline", "deployed"]

_POLL_S = 2.0


class Launcher(Protocol):
    """Runs titles and branches to their end; how each ended is in the store afterwards.

    ``flow`` is the flow of a title, or of a branch.
    """

    def title(self, run: Run, only: Sequence[str], flow: Any) -> None:
        """Run a title, of its languages only these; never raises for one that fails.

        Args:
            run: the title.
            only: BCP-47 tags of the languages to be run.
            flow: the flow of a title.
        """

    def branches(self, run: Run, languages: Sequence[str], flow: Any) -> None:
        """Run these languages; never raises for a branch that fails.

        Args:
            run: the title.
            languages: BCP-47 tags.
            flow: the flow of a branch.
        """


class Inline:
    """Titles and branches as child flows of this process."""

    def title(self, run: Run, only: Sequence[str], flow: Any) -> None:
        """Run a title."""
        from prefect import tags

        with tags(*tags_of(run)):
            flow(run, "inline", list(only), return_state=True)

    def branches(self, run: Run, languages: Sequence[str], flow: Any) -> None:
        """Run these languages."""
        from prefect import tags

        def dub(branch: Branch) -> str:
            with tags(*tags_of(branch)):
                state = flow(branch, return_state=True)
            return state.message or state.name or ""

        languages_side_by_side(run, languages, dub)


def languages_side_by_side(run: Run, languages: Sequence[str], dub: Callable[[Branch], str]) -> None:
    """Run languages in this process, so many at a time as compute at once; a failed one leaves the others alone.

    Args:
        run: the title.
        languages: BCP-47 tags.
        dub: runs one, and says how it ended.
    """

    def one(branch: Branch) -> None:
        mark_begun(branch)
        try:
            message = dub(branch)
        except Exception as error:  # such as Prefect's server, which made no run of it
            message = f"{type(error).__name__}: {error}"
        note_missing(branch, message)

    works = [functools.partial(one, run.branch(language)) for language in languages]
    side_by_side(works, languages_at_once(run.profile))


class Deployed:
    """Titles and branches as own flow runs of their deployments: retried alone, on any machine of the pool.

    The idempotency key says what the work is, so that a retried parent re-attaches to what runs already. A run that had
    ended before is scheduled again: it would not be asked for if its result were in the store. So is one that crashes
    (`flows.dub.revive`). A server that is away is waited for.
    """

    def title(self, run: Run, only: Sequence[str], flow: Any) -> None:
        """Run a title."""
        allow(run)
        parameters = {"run": run.model_dump(mode="json"), "launch": "deployed", "only": list(only)}
        work = text_sha256(run.model_dump_json() + ",".join(only))[:16]
        self._to_their_end({run.title.name: self._start(TITLE, parameters, f"{run.batch}:{work}", tags_of(run))})

    def branches(self, run: Run, languages: Sequence[str], flow: Any) -> None:
        """Run these languages."""
        from prefect.runtime import flow_run

        allow(run)
        deployment = _deployment_of(run)
        runs = {}
        for language in languages:
            branch = run.branch(language)
            mark_begun(branch)
            key = f"{run.batch or flow_run.id}:{branch_key(branch)}"
            runs[language] = self._start(deployment, {"run": branch.model_dump(mode="json")}, key, tags_of(branch))
        for language, message in self._to_their_end(runs).items():
            note_missing(run.branch(language), message)

    @through_outages
    def _start(self, deployment: str, parameters: dict[str, Any], key: str, tags: list[str]) -> Any:
        from prefect.client.orchestration import get_client
        from prefect.deployments import run_deployment
        from prefect.states import Scheduled

        started: Any = run_deployment(deployment, parameters=parameters, timeout=0, idempotency_key=key, tags=tags)
        if started.state and started.state.is_final():
            again: Any = Scheduled(name="AwaitingRetry", message="asked for again")
            with get_client(sync_client=True) as client:
                client.set_flow_run_state(started.id, again, force=True)
        elif started.state and started.state.is_paused():
            resume(str(started.id))  # it looks whether it may go on
        return started.id

    def _to_their_end(self, runs: dict[str, Any]) -> dict[str, str]:
        """The final message of each."""
        waiting, ended = dict(runs), {}
        while waiting:
            time.sleep(_POLL_S)
            for name, message in _ended(waiting).items():
                del waiting[name]
                ended[name] = message
        return ended


@through_outages
def _deployment_of(run: Run) -> str:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return branch_deployment(run.profile, client)


@through_outages
def _ended(runs: dict[str, Any]) -> dict[str, str]:
    """The last message of those that will not run on by themselves: they ended, or wait for approval."""
    from prefect.client.orchestration import get_client

    ended = {}
    with get_client(sync_client=True) as client:
        for name, run_id in runs.items():
            run = client.read_flow_run(run_id)
            if run.state and (run.state.is_paused() or (run.state.is_final() and not revive(client, run))):
                ended[name] = run.state.message or run.state.name or ""
    return ended


def launcher(kind: Kind) -> Launcher:
    """The launcher of that kind."""
    return Inline() if kind == "inline" else Deployed()

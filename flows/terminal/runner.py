"""Runs checked titles and batches from the command line: a batch with a Prefect server, titles without one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from flows.kept.at_once import titles_at_once
from flows.kept.branches import shared_work
from flows.kept.ledger import failure_of
from flows.kept.summary import TitleResult, forget_title_result, title_result, write_summary
from flows.service.login import named_server
from tasks.keep.store import store_at
from tasks.machine.ending import notifying_threads
from tasks.machine.stop import leaving_sigterm
from tasks.records.title import Run


def dub_titles(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Dub titles: in flow runs where the user has a Prefect server, else without Prefect.

    Returns:
        The summary of each title, in order; a title that fails leaves the others alone.
    """

    def in_flows() -> None:
        from flows.dub.launch import Inline
        from flows.dub.title import dub_title

        def dub(run: Run) -> None:
            Inline().title(run, run.title.languages, dub_title)

        _titles_side_by_side(runs, dub)

    if named_server():
        return _with_prefect(runs, in_flows)
    return _summarised(runs, lambda: _dub_here(runs))


def _dub_here(runs: Sequence[Run]) -> None:
    from flows.dub.branch import dub_branch
    from flows.dub.launch import languages_side_by_side
    from flows.dub.whole import dub_whole

    def branches(run: Run, languages: Sequence[str]) -> None:
        languages_side_by_side(run, languages, lambda branch: dub_branch(branch).message)

    with notifying_threads():
        _titles_side_by_side(runs, lambda run: dub_whole(run, branches))


def _titles_side_by_side(runs: Sequence[Run], dub: Callable[[Run], Any]) -> None:
    """Dub titles, so many at a time as compute at once."""
    from flows.dub.beside import side_by_side

    side_by_side([functools.partial(dub, run) for run in runs], titles_at_once(runs[0].profile))


def dub_kept_batch(
    batch: str, runs: Sequence[Run], deployed: bool, language: str | None, force: bool
) -> list[dict[str, Any]]:
    """Dub what is unfinished of a batch in a ``dub-batch`` run.

    Args:
        batch: its name in the store.
        runs: those of its titles whose summaries are wanted.
        deployed: on the workers of the Prefect server, not here.
        language: only this one.
        force: branches that are set aside too.
    """

    def dub() -> None:
        from prefect import tags

        from flows.night.batch import dub_batch

        with tags(f"batch:{batch}"):
            dub_batch(batch, "deployed" if deployed else "inline", language, force, return_state=True)

    return _with_prefect(runs, dub)


def _with_prefect(runs: Sequence[Run], dub: Callable[[], None]) -> list[dict[str, Any]]:
    def served() -> None:
        from flows.service.server import prefect_server

        with notifying_threads(), leaving_sigterm(), prefect_server():
            from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

            # Heartbeats serve deployed runs; here they would only add a second to every flow run.
            with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
                dub()

    return _summarised(runs, served)


def _summarised(runs: Sequence[Run], dub: Callable[[], None]) -> list[dict[str, Any]]:
    for run in runs:
        store_at(run.store).sweep()
        forget_title_result(run)
    trouble: Exception | None = None
    try:
        dub()
    except Exception as error:  # Prefect's server, the network, the disk; what the steps finished is in the store
        trouble = error
    return [_outcome(run, trouble) for run in runs]


def _outcome(run: Run, trouble: Exception | None) -> dict[str, Any]:
    result = title_result(run)
    if result is None:
        cause = trouble or RuntimeError("The flow run ended without a result; see `polydub up` for its log.")
        result = TitleResult(work=shared_work(run), failure=failure_of(cause))
    return write_summary(run, result)

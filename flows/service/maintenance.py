"""The flows reap and cleanup: restart the runs of dead workers, and remove what is no longer needed."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from typing import Annotated, Any

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter, EventResourceFilter
from prefect.states import Completed, Crashed
from pydantic import Field

from flows.dub.revive import revive
from flows.dub.tags import at_its_time
from flows.dub.waking import may_go_on, resume
from flows.service.automations import PENDING_S, SILENT_S
from tasks.keep.inventory import inventory
from tasks.keep.overview import pins
from tasks.keep.places import place_of
from tasks.keep.prune import Rule, planned, prune
from tasks.keep.store import Store, store_at, store_place
from tasks.lipsync.hosted.kept import prune_jobs
from tasks.records.title import Branch
from tasks.services.outage import through_outages

_TAG = "polydub"  # tag of our deployments, and so of their runs
_LAUNCHER_S = 60.0  # a live parent restarts its own children sooner
_RECENT = datetime.timedelta(days=1)
_PAGE = 200
_NAMED = 10  # titles in a message

#: Bounds of the parameters, so that a user of the server's page can neither reap live runs nor remove what is in use.
Seconds = Annotated[float, Field(ge=60, allow_inf_nan=False)]
Age = Annotated[float, Field(ge=1, allow_inf_nan=False)]


@flow(name="reap", flow_run_name=lambda: at_its_time("reap"), persist_result=False)
def reap(silent_s: Seconds = SILENT_S, pending_s: Seconds = PENDING_S) -> State[Any]:
    """Find flow runs whose process died, and restart them, a limited number of times.

    Args:
        silent_s: seconds without a heartbeat after which a running run is dead.
        pending_s: seconds after which a run that a worker claimed but never started is dead.
    """
    revived, woken = reap_runs(silent_s, pending_s), wake_overdue()
    said = f"{len(revived)} restarted: {', '.join(revived)}" if revived else "No dead runs."
    return Completed(message=said + (f" {len(woken)} whose wait is over: {', '.join(woken)}." if woken else ""))


@flow(name="cleanup", flow_run_name=lambda: at_its_time("cleanup"), persist_result=False)
def cleanup(
    keep_days: Age = 30.0,
    idle_hours: Age = 24.0,
    paid_days: Age = 90.0,
    unused_days: Age | None = None,
    quota_gb: Age | None = None,
) -> State[Any]:
    """Remove leftovers of killed processes from the store, files that no record names, old flow runs and old jobs.

    Results stay unless ``unused_days`` or ``quota_gb`` say otherwise, and then the latest of each title and language
    stays all the same, so that it can be delivered again, retried and edited at little cost.

    Args:
        keep_days: flow runs that ended longer ago are removed from the Prefect server; summaries and ledger stay.
        idle_hours: minimum age of removed work in progress whose process is gone.
        paid_days: results of hosted lip sync unused for longer are removed; requesting them again costs again.
        unused_days: superseded results that were not used for longer are removed.
        quota_gb: size in GB down to which the longest unused of these are removed.
    """
    store = store_at(store_place())
    swept = store.sweep(older_than_s=idle_hours * 3600)
    freed, titles = _prune(store, unused_days, quota_gb)
    removed = _forget_runs(datetime.timedelta(days=keep_days))
    jobs = prune_jobs(unused_s=paid_days * 86400)
    message = (
        f"{swept} files of dead processes, {removed} old runs and {jobs} old jobs removed; {freed / 1e9:.1f} GB freed"
    )
    if titles:
        message += f", including earlier results of {len(titles)} titles: {', '.join(titles[:_NAMED])}"
    return Completed(message=f"{message}.")


def _prune(store: Store, unused_days: float | None, quota_gb: float | None) -> tuple[int, list[str]]:
    """The bytes that were freed, and the titles of which results went."""
    place, _ = place_of(store.where)
    found = inventory(place)
    rule = Rule(
        older_s=None if unused_days is None else unused_days * 86400,
        quota=None if quota_gb is None else int(quota_gb * 1e9),
        keep_latest=True,
        pinned=frozenset(pins(store, found)),
    )
    pruning = planned(found, rule, time.time())
    return prune(store, pruning), sorted({gone.title for gone in pruning.titles})


@through_outages
def reap_runs(silent_s: float = SILENT_S, pending_s: float = PENDING_S) -> list[str]:
    """As the flow `reap`; returns the names of the restarted runs."""
    revived = []
    with get_client(sync_client=True) as client:
        for run in _runs(client, StateType.PENDING):
            if _age_s(run) > pending_s:
                _crash(client, run, f"A worker claimed it {pending_s:.0f} s ago and never started it.")
        for run in _runs(client, StateType.RUNNING):
            if _age_s(run) > silent_s and not _was_heard(client, run, silent_s):
                _crash(client, run, f"It sent no heartbeat for {silent_s:.0f} s.")
        for run in _runs(client, StateType.CRASHED):
            if _LAUNCHER_S < _age_s(run) < _RECENT.total_seconds() and revive(client, run):
                revived.append(run.name)
    return revived


@through_outages
def wake_overdue() -> list[str]:
    """Resume branches whose wait for approval is over, or that somebody decided about while no server answered.

    Returns:
        Their names.
    """
    woken = []
    with get_client(sync_client=True) as client:
        for run in _runs(client, StateType.PAUSED):
            try:
                branch = Branch.model_validate(run.parameters["run"])
            except (KeyError, ValueError):
                continue
            if may_go_on(branch, str(run.id)) and not resume(str(run.id)):
                woken.append(run.name)
    return woken


def _runs(client: Any, kind: StateType) -> Iterator[FlowRun]:
    chosen = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[kind])), tags=FlowRunFilterTags(all_=[_TAG])
    )
    found: list[FlowRun] = []
    while page := client.read_flow_runs(flow_run_filter=chosen, limit=_PAGE, offset=len(found)):
        found += page
    yield from found


def _age_s(run: FlowRun) -> float:
    """Seconds in its current state."""
    return time.time() - run.state.timestamp.timestamp() if run.state else 0.0


def _was_heard(client: Any, run: FlowRun, silent_s: float) -> bool:
    since: Any = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=silent_s)
    heard = EventFilter(
        occurred=EventOccurredFilter(since=since),
        event=EventNameFilter(name=["prefect.flow-run.heartbeat"]),
        resource=EventResourceFilter(id=[f"prefect.flow-run.{run.id}"]),
    )
    return bool(client.read_events(heard, limit=1).events)


def _crash(client: Any, run: FlowRun, why: str) -> None:
    client.set_flow_run_state(run.id, Crashed(message=why), force=True)


@through_outages
def _forget_runs(keep: datetime.timedelta) -> int:
    before: Any = datetime.datetime.now(datetime.UTC) - keep
    chosen = FlowRunFilter(end_time=FlowRunFilterEndTime(before_=before), tags=FlowRunFilterTags(all_=[_TAG]))
    removed = 0
    with get_client(sync_client=True) as client:
        while page := client.read_flow_runs(flow_run_filter=chosen, limit=_PAGE):
            for run in page:
                client.delete_flow_run(run.id)
            removed += len(page)
    return removed

"""dub-batch: the titles of a kept batch, each a run of its own, in order and within the night's budget."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow, tags
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.ask.plan import checked_profile
from flows.dub.admission import admit_batch, admit_night, is_deployed
from flows.dub.beside import side_by_side
from flows.dub.end import WAITS, End
from flows.dub.launch import Kind, Launcher, launcher
from flows.dub.states import state_of
from flows.dub.tags import at_its_time
from flows.dub.title import dub_title
from flows.kept.answered import answered_from_store
from flows.kept.at_once import titles_at_once
from flows.kept.branches import carry_over
from flows.kept.budget import begin_night, end_night, refused_title
from flows.kept.ledger import failure_of
from flows.kept.summary import TitleResult, keep_title_result, results_of, title_result, write_summary
from flows.night.batches import Batch, Unfinished, load_batch, new_batch, runs_of, unfinished
from flows.night.manifest import Defaults, read_manifest
from flows.night.morning import by_urgency, counts_of, headline, morning_rows, write_morning
from flows.night.notify import notify
from flows.printed import Console
from tasks.machine.stop import stop_at_sigterm
from tasks.records.title import Run


@flow(name="dub-batch", flow_run_name="{batch}", persist_result=False)
def dub_batch(batch: str, launch: Kind = "inline", language: str | None = None, force: bool = False) -> State[Any]:
    """Dub what is unfinished of a batch; a title or language that fails leaves the others alone.

    Args:
        batch: its name, as `polydub status` shows it.
        launch: titles and branches in this process, or each as an own flow run of its deployment.
        language: only this one.
        force: branches that are set aside too.
    """
    if is_deployed():
        admit_batch(language)
    if launch == "inline":
        stop_at_sigterm()
    kept = load_batch(batch)
    runs = runs_of(kept)
    work = unfinished(kept, runs, language, force)
    begin_night(runs[0], kept.budget)
    try:
        at_once = titles_at_once(kept) if launch == "inline" else kept.titles_at_once or 1
        _dub_titles(work, launcher(launch), at_once)
    finally:
        end_night(runs[0])
    return _ended(kept, runs)


@flow(
    name="dub-nightly",
    flow_run_name=lambda: at_its_time(Path(flow_run.parameters["manifest"]).stem),
    persist_result=False,
)
def dub_nightly(manifest: str, profile: str = "offline", out: str = "out") -> State[Any]:
    """Read a manifest and dub what is new in it; finished branches are found, not run.

    Args:
        manifest: path of a .csv, .xlsx, .parquet or .yaml file.
        profile: for titles that name none; its budget and notices are the batch's.
        out: folder for the deliverables.
    """
    if is_deployed():
        admit_night(manifest, profile, out)
    chosen = checked_profile(profile, {})
    requests = read_manifest(Path(manifest), Defaults(profile=profile, out=out, here=False))
    stem = Path(manifest).stem
    batch_id = f"{flow_run.scheduled_start_time:%Y-%m-%d}-{stem}-{str(flow_run.id)[:8]}"  # the same when it is retried
    kept, _ = new_batch(stem, requests, chosen, out, chosen.budget, batch_id)
    with tags(f"batch:{kept.id}"):
        return dub_batch(kept.id, "deployed", return_state=True)


def _dub_titles(work: Sequence[Unfinished], launch: Launcher, at_once: int) -> None:
    alone = {one.run.title.folder: threading.Lock() for one in work}  # a title in several rows runs once at a time
    side_by_side([functools.partial(_dub_row, one, launch, alone[one.run.title.folder]) for one in work], at_once)


def _dub_row(one: Unfinished, launch: Launcher, alone: threading.Lock) -> None:
    with alone:
        _dub_title(one, launch)


def _dub_title(one: Unfinished, launch: Launcher) -> None:
    run = one.run
    try:
        if answered_from_store(run) is not None:
            return
        if why := refused_title(run, one.languages):
            for language in one.languages:
                carry_over(run.branch(language), why)
            result = TitleResult(branches=tuple(results_of(run, {})))
            keep_title_result(run, result)
            write_summary(run, result)
            return
        launch.title(run, one.languages, dub_title)
    except Exception as error:  # Prefect's server, the disk: the other titles go on
        get_run_logger().exception("%s", run.title.name)
        if title_result(run) is None:
            keep_title_result(run, TitleResult(failure=failure_of(error)))


def _ended(batch: Batch, runs: Sequence[Run]) -> State[Any]:
    rows = morning_rows(batch, runs)
    write_morning(batch, rows)
    create_table_artifact(
        key="dub-batch", table=[_plain(row) for row in by_urgency(rows)], description=headline(batch, rows)
    )
    for notice in notify(batch, rows):
        get_run_logger().warning(notice)
        Console(stderr=True).print(notice, markup=False, soft_wrap=True)
    waiting = [row for row in rows if row["waits_for"]]
    counts = counts_of([row for row in rows if not row["waits_for"]])
    if set(counts) - {"delivered", "carried_over"}:
        return Failed(name="PartialFailure", message=headline(batch, rows))
    if "carried_over" in counts:
        return state_of(End("carried_over", headline(batch, rows), "CarriedOver"))
    if waiting:
        return state_of(End("waiting", headline(batch, rows), WAITS))
    looked = any(row["state"] == "needs_review" for row in rows)
    return Completed(name="NeedsReview" if looked else "Completed", message=headline(batch, rows))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    names = ("title", "language", "state", "why", "due", "seconds", "gpu_seconds", "usd", "notes")
    page = f"[report]({row['link']})" if row["link"] else row["report"]
    return {**{name: row[name] for name in names}, "report": page}

"""Batches as the command line sees them: kept in the store, shown, and run again where they failed."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.branches import branch_key, last_attempt
from flows.plan import Request, plan
from flows.watch import run_watched
from tasks.errors import BadInputError
from tasks.model import Run
from tasks.store import store_root


@dataclasses.dataclass(frozen=True)
class Batch:
    """A manifest as it was run."""

    id: str
    requests: list[Request]


def new_batch(manifest: str, requests: Sequence[Request]) -> Batch:
    """Give a manifest's run a name and remember what was asked."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    day = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    number = 1
    while (folder / f"{day}-{Path(manifest).stem}-{number}.json").exists():
        number += 1
    batch = Batch(f"{day}-{Path(manifest).stem}-{number}", list(requests))
    runs = _runs(batch)  # everything is checked before the batch exists
    assert runs
    (folder / f"{batch.id}.json").write_text(json.dumps([dataclasses.asdict(request) for request in requests]))
    return batch


def run_batch(batch: Batch) -> list[dict[str, Any]]:
    """Dub every title of a batch."""
    return run_watched(_runs(batch), batch.id)


def retry_batch(batch_id: str | None, language: str | None) -> list[dict[str, Any]]:
    """Run the branches of a batch that are not finished; finished ones are found, not run.

    Raises:
        BadInputError: no such batch, or nothing in it is unfinished.
    """
    batch = _load(batch_id)
    runs = []
    for run in _runs(batch):
        failed = [tag for tag in run.title.languages if _state(run, tag) not in ("completed", "needs_review")]
        wanted = tuple(tag for tag in failed if language in (None, tag))
        if wanted:
            runs.append(run.model_copy(update={"title": run.title.model_copy(update={"languages": wanted})}))
    if not runs:
        raise BadInputError(f"Batch {batch.id} has no failed branch{f' in {language}' if language else ''}.", "")
    return run_watched(runs, f"{batch.id}-retry")


def show_status(batch_id: str | None) -> None:
    """Print how each title and language of a batch stands.

    Raises:
        BadInputError: no such batch.
    """
    batch = _load(batch_id)
    table = Table("title", "language", "state", "why", title=batch.id)
    for run in _runs(batch):
        for language in run.title.languages:
            result = last_attempt(run, branch_key(run, language))
            why = f"{result.failure.step}: {result.failure.what}" if result and result.failure else ""
            table.add_row(run.title.name, language, _state(run, language), why)
    Console().print(table)


def _state(run: Run, language: str) -> str:
    result = last_attempt(run, branch_key(run, language))
    return result.state if result else "waiting"


def _runs(batch: Batch) -> list[Run]:
    names: dict[str, int] = {}
    return [run for request in batch.requests for run in plan(request, names)]


def _load(batch_id: str | None) -> Batch:
    kept = sorted(_folder().glob("*.json"), key=lambda path: path.stat().st_mtime)
    path = kept[-1] if kept and batch_id is None else _folder() / f"{batch_id}.json"
    try:
        requests = json.loads(path.read_text())
    except OSError as error:
        known = ", ".join(entry.stem for entry in kept) or "none"
        raise BadInputError(f"There is no batch {batch_id or 'yet'}.", f"Batches known here: {known}.") from error
    return Batch(path.stem, [Request(**request) for request in requests])


def _folder() -> Path:
    return store_root() / "batches"

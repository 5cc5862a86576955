"""What the Prefect UI shows beside states and logs: a table of branches and of what was delivered, notes, progress."""

from __future__ import annotations

import contextlib
import contextvars
import hashlib
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prefect.artifacts import (
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from flows.kept.forecast import Forecast
from flows.kept.lane import lane_of
from flows.kept.links import link, review_link
from flows.kept.summary import TitleResult, notes_of, verdict_of
from tasks.records.progress import StepEvent, listening
from tasks.records.result import BranchResult
from tasks.records.title import Branch, Run
from tasks.services.outage import is_outage

_UPDATE_EVERY_S = 1.0
_log = logging.getLogger(__name__)


def show_branches(run: Run, title: TitleResult) -> None:
    """A table of the title's branches: how each ended and why, and where its report and master are."""
    rows = [
        {
            "language": branch.language,
            "state": (verdict := verdict_of(title, branch)).state,
            "why": verdict.why,
            "seconds": round(sum(use.seconds for use in branch.steps), 1),
            "computed": sum(not use.reused for use in branch.steps),
            "reused": sum(use.reused for use in branch.steps),
            "report": _place(run, next((name for name in branch.outputs if name.endswith("report.html")), "")),
            "master": _place(run, branch.master),
            "review": _page(run, branch),
        }
        for branch in title.branches
    ]
    with _only_shown():
        create_table_artifact(
            key=artifact_key(run, "branches"), table=rows, description=f"Languages of {run.title.name}"
        )


def _place(run: Run, name: str) -> str:
    """A deliverable in a table of the UI: a link where a review server shows it, else its path, to be copied."""
    folder = Path(run.title.folder)
    address = link(folder, name) if name else ""
    return (
        f"[{'report' if name.endswith('.html') else 'master'}]({address})"
        if address
        else str(folder / name) * bool(name)
    )


def _page(run: Run, branch: BranchResult) -> str:
    """A link to the page where the language is edited and approved; empty where no server shows it."""
    address = review_link(run.title.folder, branch.language) if branch.delivered else ""
    return f"[review]({address})" if address else ""


def show_notes(run: Run, summary: Mapping[str, Any]) -> None:
    """A table of the notes on fallbacks and limits in a title's summary."""
    rows = [{"language": language or "all", "note": note} for language, note in notes_of(summary)]
    with _only_shown():
        create_table_artifact(
            key=artifact_key(run, "notes"), table=rows, description=f"Fallbacks and limits of {run.title.name}"
        )


def show_title(run: Run, title: TitleResult, summary: Mapping[str, Any]) -> None:
    """How a title ended: `show_branches` and `show_notes`.

    Args:
        run: the title.
        title: its result.
        summary: the content of its ``summary.json``.
    """
    show_branches(run, title)
    show_notes(run, summary)


@contextlib.contextmanager
def branch_progress(branch: Branch) -> Iterator[None]:
    """Keep a progress artifact of a branch up to date while it runs, at most once a second, without holding it up."""
    bar = _Bar(artifact_key(branch, f"progress-{branch.language}"), f"{branch.title.name} {branch.language}")
    lane = lane_of(branch, Forecast(branch))
    # Prefect ties an artifact to the run that it finds in the context.
    teller = threading.Thread(target=contextvars.copy_context().run, args=(bar.tell,), name="progress", daemon=True)
    teller.start()

    def listen(event: StepEvent) -> None:
        if event.is_of(branch):
            lane.take(event)
            bar.percent = 100 * lane.share

    try:
        with listening(listen):
            yield
        bar.percent = 100.0
    finally:
        bar.over.set()
        teller.join()


class _Bar:
    """A progress artifact, and the progress to show in it."""

    def __init__(self, key: str, description: str) -> None:
        self.key, self.description = key, description
        self.percent = 0.0
        self.over = threading.Event()

    def tell(self) -> None:
        """Send every change to the server until the branch has ended, the last one included."""
        artifact: Any = None
        with _only_shown():
            artifact = create_progress_artifact(progress=0.0, key=self.key, description=self.description)
        reported, ended = 0.0, False
        while artifact is not None and not ended:
            ended = self.over.wait(_UPDATE_EVERY_S)
            percent = round(self.percent, 1)
            if percent != reported:
                with _only_shown():
                    update_progress_artifact(artifact, progress=percent)
                reported = percent


@contextlib.contextmanager
def _only_shown() -> Iterator[None]:
    """Display must not fail a branch: an unreachable server is logged, and the work continues."""
    try:
        yield
    except Exception as error:
        if not is_outage(error):
            raise
        _log.warning("The Prefect server does not answer (%s); its pages are not updated.", type(error).__name__)


def artifact_key(run: Run, what: str) -> str:
    """A stable key of lower-case letters, digits and dashes, as Prefect demands, one of each kind a title."""
    readable = re.sub(r"[^a-z0-9]+", "-", run.title.name.lower()).strip("-")[:40]
    unique = hashlib.sha256(run.title.name.encode()).hexdigest()[:6]
    kind = re.sub(r"[^a-z0-9]+", "-", what.lower())
    return "-".join(part for part in ("dub", readable, unique, kind) if part)

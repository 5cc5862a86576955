"""Tags of flow runs, for the dashboard's filters, and names of runs that are planned by time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tasks.records.title import Run, language_of


def tags_of(run: Run) -> list[str]:
    """The tags of a run."""
    facts = {"batch": run.batch, "video": run.title.name, "lang": language_of(run), "profile": run.profile.name}
    return [f"{name}:{value}" for name, value in facts.items() if value]


def at_its_time(what: str) -> str:
    """A name for the flow run in progress: what it does, and when it was planned."""
    from prefect.runtime import flow_run

    return f"{what}-{flow_run.scheduled_start_time:%Y-%m-%d-%H%M}"


@contextlib.contextmanager
def untagged() -> Iterator[None]:
    """Keep the run's tags from its steps: for each tag Prefect asks the server for a slot before every step."""
    from prefect.context import TagsContext

    with TagsContext(current_tags=set()):
        yield

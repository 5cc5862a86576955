"""Tags of flow runs, for the dashboard's filters."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tasks.records.title import Run, language_of


def tags_of(run: Run) -> list[str]:
    """The tags of a run."""
    facts = {"batch": run.batch, "video": run.title.name, "lang": language_of(run), "profile": run.profile.name}
    return [f"{name}:{value}" for name, value in facts.items() if value]


@contextlib.contextmanager
def untagged() -> Iterator[None]:
    """Keep the run's tags from its steps: for each tag Prefect asks the server for a slot before every step."""
    from prefect.context import TagsContext

    with TagsContext(current_tags=set()):
        yield

"""How a batch stands. No Prefect."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flows.kept.at_once import branches_at_once
from flows.kept.review import tally
from flows.kept.standing import expected_end, standing
from flows.night.batches import load_batch, runs_of


def status_of(batch_id: str | None) -> dict[str, Any]:
    """How a batch stands.

    Raises:
        BadInputError: no such batch.
    """
    batch = load_batch(batch_id)
    found = [standing(run.branch(language)) for run in runs_of(batch) for language in run.title.languages]
    end = expected_end(found, branches_at_once(batch))
    running = any(one.state == "running" for one in found)
    return {
        "batch": batch.id,
        "out": batch.out,
        "outcome": tally(one.state for one in found),
        "counts": dict(sorted(Counter(one.state for one in found).items())),
        "expected_end": end.isoformat(timespec="minutes") if end and running else None,
        "branches": [one.as_json() for one in found],
    }

"""A batch and its costs as the terminal shows them. No Prefect."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.batches import load_batch, runs_of
from flows.standing import expected_end, standing

_COLOURS = {
    "completed": "green",
    "needs_review": "yellow",
    "running": "blue",
    "failed": "red",
    "interrupted": "red",
    "set_aside": "magenta",
    "carried_over": "cyan",
}


def status_of(batch_id: str | None) -> dict[str, Any]:
    """How a batch stands.

    Raises:
        BadInputError: no such batch.
    """
    batch = load_batch(batch_id)
    found = [standing(run, language) for run in runs_of(batch) for language in run.title.languages]
    end = expected_end(found, batch.titles_at_once * batch.branches_at_once)
    running = any(one.state == "running" for one in found)
    return {
        "batch": batch.id,
        "out": batch.out,
        "counts": dict(sorted(Counter(one.state for one in found).items())),
        "expected_end": end.isoformat(timespec="minutes") if end and running else None,
        "branches": [one.as_json() for one in found],
    }


def show_status(found: dict[str, Any]) -> None:
    """Print it."""
    table = Table("title", "language", "state", "why", title=found["batch"])
    for branch in found["branches"]:
        state = branch["state"]
        told = f"{branch['step']}, {100 * branch['done']:.0f} %" if state == "running" else branch["why"]
        table.add_row(branch["title"], branch["language"], Text(state, _COLOURS.get(state, "")), Text(told))
    console = Console()
    console.print(table)
    told = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in found["counts"].items())
    console.print(Text(told))
    if found["expected_end"]:
        console.print(Text(f"expected to end at about {found['expected_end']}"))


def show_costs(rows: list[dict[str, Any]]) -> None:
    """Print sums of the ledger."""
    table = Table()
    for number, name in enumerate(rows[0]):
        table.add_column(name.replace("_", " "), justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*(value if isinstance(value, str) else f"{value:,.10g}" for value in row.values()))
    Console().print(table)

"""A batch and its costs as the terminal shows them. No Prefect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from flows.kept.approvals import in_words
from flows.night.batches import Batch, runs_of
from flows.night.morning import by_urgency, headline, morning_rows
from flows.printed import Console

_COLOURS = {
    "completed": "green",
    "needs_review": "yellow",
    "running": "blue",
    "failed": "red",
    "interrupted": "red",
    "set_aside": "magenta",
    "carried_over": "cyan",
    "waiting": "yellow",
}


def show_status(found: dict[str, Any]) -> None:
    """Print it."""
    table = Table("title", "language", "state", "why", title=found["batch"])
    for branch in found["branches"]:
        state = branch["state"]
        detail = f"{branch['step']}, {100 * branch['done']:.0f} %" if state == "running" else branch["why"]
        if branch["approval"] and not branch["waits"]:
            detail = "; ".join(filter(None, [in_words(branch["approval"]), detail]))
        table.add_row(branch["title"], branch["language"], Text(state, _COLOURS.get(state, "")), Text(detail))
    console = Console()
    console.print(table)
    console.print(Text(found["outcome"]))
    if found["expected_end"]:
        console.print(Text(f"expected to end at about {found['expected_end']}"))


def show_morning(batch: Batch, summaries: Sequence[dict[str, Any]]) -> None:
    """Print the outcome of a batch to stderr: branches that are not ready, why, and where to find the full report.

    Args:
        batch: as stored.
        summaries: of its titles; their errors are shown, each once.
    """
    rows = morning_rows(batch, runs_of(batch))
    console = Console(stderr=True)
    for what, fix in dict.fromkeys((one["error"]["what"], one["error"]["fix"]) for one in summaries if one["error"]):
        console.print(Text(f"{what} {fix}".rstrip(), "red"), soft_wrap=True)
    for row in by_urgency(rows):
        if row["state"] != "completed":
            line = f"{row['title']} {row['language']}: {row['state'].replace('_', ' ')}: {row['why']}".rstrip(": ")
            console.print(Text(line, _COLOURS.get(row["state"], "")), soft_wrap=True)
            if row["report"]:
                console.print(Text(f"    report  {row['report']}"), soft_wrap=True)
    console.print(Text(headline(batch, rows), "bold"), soft_wrap=True)
    console.print(Text(f"every branch: {batch.out}/summary.md, .csv, .parquet"), soft_wrap=True)
    if notes := sum(row["notes"] for row in rows):
        console.print(Text(f"{notes} notes on fallbacks and limits: in each title's summary.json"), soft_wrap=True)


def show_costs(rows: list[dict[str, Any]]) -> None:
    """Print sums of the ledger, without empty columns."""
    if not rows:
        Console(stderr=True).print("No paid service was billed in this time.")
        return
    table = Table()
    group, *numbers = rows[0]
    shown = [name for name in numbers if any(row[name] for row in rows)]
    for name in (group, *shown):
        table.add_column(name.replace("_", " "), justify="left" if name == group else "right", no_wrap=True)
    for row in rows:
        table.add_row(row[group], *(f"{row[name]:,.10g}" for name in shown))
    Console().print(table)

"""The morning report of a batch: one row for each branch, as CSV, Parquet and Markdown beside the deliverables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flows.kept.branches import branch_key, last_attempt
from flows.kept.costs import spent_by_branch
from flows.kept.standing import DELIVERED, Standing, standing
from flows.kept.summary import TitleResult, title_notes, title_result
from flows.night.batches import Batch
from tasks.keep.staging import staged
from tasks.records.model import Run
from tasks.words.visible import cell, visible


def morning_rows(batch: Batch, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The state of every branch of a batch, and its resource use over all nights.

    Returns:
        Rows with title, language, state, why, due, seconds, gpu_seconds, usd, notes (how many the title's
        ``summary.json`` has for this language), master and report.
    """
    spent = spent_by_branch(batch.id)
    rows = []
    for run in runs:
        for language in run.title.languages:
            used = spent.get((run.title.name, language), {})
            due = batch.request_of(run, language).due or ""
            rows.append(_row(run, standing(run, language), due, used))
    return rows


def counts_of(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Number of branches in each state; delivered ones together."""
    states = Counter("delivered" if row["state"] in DELIVERED else row["state"] for row in rows)
    return dict(sorted(states.items(), key=lambda entry: (entry[0] != "delivered", entry[0])))


def headline(batch: Batch, rows: Sequence[dict[str, Any]]) -> str:
    """A batch in one sentence."""
    counts = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in counts_of(rows).items())
    return f"{batch.id}: {counts or 'nothing to do'} of {len(rows)}"


def write_morning(batch: Batch, rows: Sequence[dict[str, Any]]) -> None:
    """Write ``summary.csv``, ``summary.parquet`` and ``summary.md`` into its folder, each atomically."""
    import pandas

    table = pandas.DataFrame(list(rows))
    folder = Path(batch.out)
    folder.mkdir(parents=True, exist_ok=True)
    with staged(folder / "summary.csv") as part:
        table.map(cell).to_csv(part, index=False)
    with staged(folder / "summary.parquet") as part:
        table.to_parquet(part, index=False)
    with staged(folder / "summary.md") as part:
        part.write_text(as_markdown(batch, rows), "utf-8")


def as_markdown(batch: Batch, rows: Sequence[dict[str, Any]]) -> str:
    """The report as Markdown, branches that need attention first."""
    lines = [f"# {headline(batch, rows)}", ""]
    seconds, gpu, usd = (sum(row[name] for row in rows) for name in ("seconds", "gpu_seconds", "usd"))
    lines += [f"{seconds / 60:.1f} minutes of steps, {gpu / 60:.1f} GPU-minutes, ${usd:.2f} for paid services.", ""]
    lines += [
        "| title | language | state | why | due | seconds | USD | notes |",
        "|---|---|---|---|---|---:|---:|---:|",
    ]
    for row in sorted(rows, key=lambda row: (row["state"] in DELIVERED, row["title"], row["language"])):
        cells = [row["title"], row["language"], row["state"], row["why"], row["due"]]
        texts = [_in_markdown(str(text)) for text in cells]
        lines.append(f"| {' | '.join(texts)} | {row['seconds']:.1f} | {row['usd']:.2f} | {row['notes']} |")
    return "\n".join(lines) + "\n"


def _in_markdown(text: str) -> str:
    """A text escaped for a table cell, so that it can neither make links nor break the table."""
    return re.sub(r"([\\|<\[`])", r"\\\1", " ".join(visible(text).split()))


def _row(run: Run, how: Standing, due: str, used: dict[str, float]) -> dict[str, Any]:
    folder = Path(run.title.folder)
    result = last_attempt(run, branch_key(run, how.language))
    places = list(result.outputs) if result and how.state in DELIVERED else []
    notes = {*title_notes(run, title_result(run) or TitleResult()), *result.notes} if result else ()

    def place(ending: str) -> str:
        return next((str(folder / name) for name in places if name.endswith(ending)), "")

    return {
        "title": how.title,
        "language": how.language,
        "state": how.state,
        "why": how.why,
        "due": due,
        "seconds": round(used.get("seconds", 0.0), 1),
        "gpu_seconds": round(used.get("gpu_seconds", 0.0), 1),
        "usd": round(used.get("usd", 0.0), 4),
        "notes": len(notes),
        "master": place(".mp4"),
        "report": place("report.html"),
    }

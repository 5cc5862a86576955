"""The morning report of a batch: one row for each branch, as CSV, Parquet and Markdown beside the deliverables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flows.kept.approvals import in_words
from flows.kept.branches import branch_key, last_attempt
from flows.kept.costs import spent_by_branch
from flows.kept.links import link
from flows.kept.review import tally
from flows.kept.standing import DELIVERED, Standing, standing
from flows.kept.summary import TitleResult, title_notes, title_result
from flows.night.batches import Batch
from tasks.keep.staging import staged
from tasks.records.title import Run
from tasks.words.visible import cell, visible


def morning_rows(batch: Batch, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The state of every branch of a batch, and its resource use over all nights.

    Returns:
        Rows with title, language, state, why, due, seconds, gpu_seconds, usd, notes (how many the title's
        ``summary.json`` has for this language), master, report, link (of the report, where it is served), waits_for
        (the stage that waits for approval), assignee, until, approval (in words) and review (gates that did not pass,
        worst first).
    """
    spent = spent_by_branch(batch.id)
    rows = []
    for run in runs:
        for language in run.title.languages:
            used = spent.get((run.title.name, language), {})
            due = batch.request_of(run, language).due or ""
            rows.append(_row(run, standing(run.branch(language)), due, used))
    return rows


def counts_of(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Number of branches in each state; delivered ones together."""
    states = Counter("delivered" if row["state"] in DELIVERED else row["state"] for row in rows)
    return dict(sorted(states.items(), key=lambda entry: (entry[0] != "delivered", entry[0])))


def headline(batch: Batch, rows: Sequence[dict[str, Any]]) -> str:
    """A batch in one sentence."""
    return f"{batch.id}: {tally(row['state'] for row in rows)} of {len(rows)}"


def by_urgency(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Undelivered branches first, then those to review, then those that are ready."""
    late = {"needs_review": 1, "completed": 2}
    return sorted(rows, key=lambda row: (late.get(row["state"], 0), row["title"], row["language"]))


def write_morning(batch: Batch, rows: Sequence[dict[str, Any]]) -> None:
    """Write ``summary.csv``, ``summary.parquet`` and ``summary.md`` into its folder, each atomically."""
    import pandas

    table = pandas.DataFrame([{name: value for name, value in row.items() if name != "review"} for row in rows])
    folder = Path(batch.out)
    folder.mkdir(parents=True, exist_ok=True)
    with staged(folder / "summary.csv") as part:
        table.map(cell).to_csv(part, index=False)
    with staged(folder / "summary.parquet") as part:
        table.to_parquet(part, index=False)
    with staged(folder / "summary.md") as part:
        part.write_text(as_markdown(batch, rows), "utf-8")


def as_markdown(batch: Batch, rows: Sequence[dict[str, Any]], *, mailed: bool = False) -> str:
    """The report as Markdown, branches that need attention first.

    Args:
        batch: the batch.
        rows: of `morning_rows`.
        mailed: it is read elsewhere than in the batch's folder.
    """
    lines = [f"# {headline(batch, rows)}", ""]
    seconds, gpu, usd = (sum(row[name] for row in rows) for name in ("seconds", "gpu_seconds", "usd"))
    lines += [f"{seconds / 60:.1f} minutes of steps, {gpu / 60:.1f} GPU-minutes, ${usd:.2f} for paid services.", ""]
    lines += [f"Deliverables: {_in_markdown(batch.out)}", ""]
    lines += [
        "| title | language | state | why | due | seconds | USD | notes | report |",
        "|---|---|---|---|---|---:|---:|---:|---|",
    ]
    for row in by_urgency(rows):
        cells = [row["title"], row["language"], row["state"].replace("_", " "), row["why"], row["due"]]
        texts = [_in_markdown(str(text)) for text in cells]
        figures = f"{row['seconds']:.1f} | {row['usd']:.2f} | {row['notes']} | {_page(batch, row, mailed)}"
        lines.append(f"| {' | '.join(texts)} | {figures} |")
    return "\n".join(lines) + "\n"


def _ending(places: Sequence[str], ending: str) -> str:
    return next((name for name in places if name.endswith(ending)), "")


def _page(batch: Batch, row: dict[str, Any], mailed: bool) -> str:
    """A link to a report: relative to the table, so that it works wherever the folder is; in a mail, as served."""
    place = Path(row["report"])
    if mailed:
        return f"[report]({row['link']})" if row["link"] else _in_markdown(row["report"])
    if not row["report"] or not place.is_relative_to(batch.out):
        return ""
    return f"[report]({quote(str(place.relative_to(batch.out)))})"


def _in_markdown(text: str) -> str:
    """A text escaped for a table cell, so that it can neither make links nor break the table."""
    return re.sub(r"([\\|<\[`])", r"\\\1", " ".join(visible(text).split()))


def _row(run: Run, how: Standing, due: str, used: dict[str, float]) -> dict[str, Any]:
    folder = Path(run.title.folder)
    result = last_attempt(run, branch_key(run.branch(how.language)))
    places = list(result.outputs) if result and how.state in DELIVERED else []
    notes = {*title_notes(run, title_result(run) or TitleResult()), *result.notes} if result else ()

    def place(ending: str) -> str:
        return str(folder / name) if (name := _ending(places, ending)) else ""

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
        "master": place(result.master) if result and result.master else "",
        "report": place("report.html"),
        "link": link(folder, report) if (report := _ending(places, "report.html")) else "",
        "waits_for": how.waits["stage"] if how.waits else "",
        "assignee": how.waits["assignee"] if how.waits else "",
        "until": how.waits["until"] if how.waits else "",
        "approval": in_words(how.approval) if how.approval else "",
        "review": [asdict(reason) for reason in how.review],
    }

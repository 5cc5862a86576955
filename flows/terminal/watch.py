"""A run with its progress in the terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from flows.dub.journal import is_json
from flows.kept.answered import answered_from_store
from flows.kept.budget import Cost, expected
from flows.kept.forecast import Forecast
from flows.kept.summary import TitleResult, title_result, write_summary
from flows.night.batches import Batch, unfinished
from flows.night.morning import morning_rows, write_morning
from flows.printed import Console
from flows.terminal.runner import dub_kept_batch, dub_titles
from flows.terminal.screen import Screen
from tasks.records.title import Run

Summaries = list[dict[str, Any]]


def run_watched(runs: Sequence[Run], dub: Callable[[Sequence[Run]], Summaries] = dub_titles) -> Summaries:
    """Run titles and show each step on stderr; finished titles are returned without a display."""
    answers = [answered_from_store(run) for run in runs]
    waiting = [run for run, answer in zip(runs, answers, strict=True) if answer is None]
    if waiting:
        forecasts = [Forecast(run) for run in waiting]
        screen = Screen(waiting, forecasts, Console(stderr=True))
        with contextlib.nullcontext() if is_json() else screen.showing():
            fresh = iter(dub(waiting))
        answers = [answer or next(fresh) for answer in answers]
    return [answer for answer in answers if answer is not None]


def run_batch(
    batch: Batch, runs: Sequence[Run], *, deployed: bool = False, language: str | None = None, force: bool = False
) -> Summaries:
    """Dub the unfinished part of a batch, after printing its forecast; write its morning report.

    Args:
        batch: as stored.
        runs: its titles.
        deployed: on the workers of the Prefect server, not here.
        language: only this one; None for all.
        force: include branches that are set aside.

    Returns:
        The summary of each title.
    """
    console = Console(stderr=True)
    console.print(forecast_of(batch, runs, language, force), markup=False, soft_wrap=True)

    def dub(waiting: Sequence[Run]) -> Summaries:
        return dub_kept_batch(batch.id, waiting, deployed, language, force)

    summaries = run_watched(runs, dub)
    write_morning(batch, morning_rows(batch, runs))  # no flow has run if every result was found, or it could not start
    return summaries


def finished_summaries(runs: Sequence[Run]) -> Summaries:
    """The summaries of titles of which nothing is to be run, as their results in the store say."""
    answers = ((run, answered_from_store(run)) for run in runs)
    return [answer or write_summary(run, title_result(run) or TitleResult()) for run, answer in answers]


def forecast_of(batch: Batch, runs: Sequence[Run], language: str | None, force: bool) -> str:
    """The expected resource use of a batch and its budget, in one line.

    Args:
        batch: the batch.
        runs: its titles.
        language: only this one; None for all.
        force: include branches that are set aside.
    """
    total, shared, branches = Cost(), Cost(), 0
    for one in unfinished(batch, runs, language, force):
        shared += expected(one.run)
        for tag in one.languages:
            total += expected(one.run.branch(tag))
            branches += 1
    hours = (shared.seconds / batch.titles_at_once) / 3600
    hours += total.seconds / (batch.titles_at_once * batch.branches_at_once) / 3600
    limits = {"until": batch.budget.until, "hours": batch.budget.hours}
    limits |= {"GPU-minutes": batch.budget.gpu_minutes, "USD": batch.budget.usd}
    limited = ", ".join(f"{name} {value}" for name, value in limits.items() if value is not None)
    gpu = (total.gpu_seconds + shared.gpu_seconds) / 60
    return (
        f"{batch.id}: {branches} branches to do, about {_clock(hours)} h, {gpu:.1f} GPU-minutes, ${total.usd:.2f}; "
        f"budget: {limited or 'none'}. What does not fit is carried over."
    )


def _clock(hours: float) -> str:
    minutes = round(60 * hours)
    return f"{minutes // 60}:{minutes % 60:02d}"

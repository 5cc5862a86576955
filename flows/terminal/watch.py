"""A run with its progress in the terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flows.ask.preflight import Asked, Fault, faults, stopped
from flows.dub.journal import is_json
from flows.kept.answered import answered_from_store
from flows.kept.at_once import branches_at_once, titles_at_once
from flows.kept.budget import Cost, expected
from flows.kept.forecast import Forecast
from flows.kept.refused import asked, keep_refusals, nothing_left
from flows.kept.summary import TitleResult, title_result, write_summary
from flows.night.batches import Batch, unfinished
from flows.night.morning import morning_rows, write_morning
from flows.night.notify import notify
from flows.printed import Console
from flows.terminal.interrupt import stopping_at_once
from flows.terminal.plan_table import RowOf, no_row, show_faults
from flows.terminal.runner import dub_kept_batch, dub_titles
from flows.terminal.screen import Screen
from tasks.records.title import Run

Summaries = list[dict[str, Any]]


def run_watched(runs: Sequence[Run]) -> Summaries:
    """Run titles and show each step on stderr; finished titles are returned without a display.

    What cannot be dubbed here is listed first; titles of which nothing can be are not begun.
    """
    answers = [answered_from_store(run) for run in runs]
    work = [asked(run, run.title.languages) for run, answer in zip(runs, answers, strict=True) if answer is None]
    found = _told(work)
    ended = {id(one.run): _ended(one, found) for one in work if stopped(one, found)}
    answers = [answer or ended.get(id(run)) for run, answer in zip(runs, answers, strict=True)]
    return _dubbed(runs, answers, dub_titles, found)


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

    work = [] if deployed else [asked(one.run, one.languages) for one in unfinished(batch, runs, language, force)]
    found = _told(work, row_of(batch))
    answers = [answered_from_store(run) for run in runs]
    if work and all(stopped(one, found) for one in work):  # else the flow of each title finds it so
        ended = {id(one.run): _ended(one, found) for one in work}
        summaries = [answer or ended.get(id(run)) or _as_kept(run) for run, answer in zip(runs, answers, strict=True)]
        for notice in notify(batch, morning_rows(batch, runs)):
            console.print(notice, markup=False, soft_wrap=True)
    else:
        summaries = _dubbed(runs, answers, dub, found)
    write_morning(batch, morning_rows(batch, runs))  # no flow has run if every result was found, or it could not start
    return summaries


def _dubbed(
    runs: Sequence[Run],
    answers: Sequence[dict[str, Any] | None],
    dub: Callable[[Sequence[Run]], Summaries],
    found: Sequence[Fault],
) -> Summaries:
    """The summaries of all titles: those that are known, and the others', dubbed while the screen shows how far."""
    waiting = [run for run, answer in zip(runs, answers, strict=True) if answer is None]
    fresh: Iterator[dict[str, Any]] = iter(())
    if waiting:
        refused = {(one.run.title.folder, tag): one.error.what for one in found for tag in _languages_of(one)}
        screen = Screen(waiting, [Forecast(run) for run in waiting], Console(stderr=True), refused=refused)
        with stopping_at_once(), contextlib.nullcontext() if is_json() else screen.showing():
            fresh = iter(dub(waiting))
    return [answer or next(fresh) for answer in answers]


def _told(work: Sequence[Asked], row: RowOf = no_row) -> list[Fault]:
    """What cannot be dubbed, after it was printed."""
    found = faults(work)
    if found:
        show_faults(found, all_of_it=all(stopped(one, found) for one in work), row_of=row)
    return found


def _languages_of(fault: Fault) -> Sequence[str]:
    return [fault.language] if fault.language else fault.run.title.languages


def _ended(one: Asked, found: Sequence[Fault]) -> dict[str, Any]:
    keep_refusals(one.run, one.languages, found)
    return write_summary(one.run, nothing_left(one.run))


def _as_kept(run: Run) -> dict[str, Any]:
    return write_summary(run, title_result(run) or TitleResult())


def row_of(batch: Batch) -> RowOf:
    """Where a batch's manifest asks for what cannot be dubbed."""

    def row(fault: Fault) -> int:
        return batch.request_of(fault.run, fault.language or fault.run.title.languages[0]).row

    return row


def finished_summaries(runs: Sequence[Run]) -> Summaries:
    """The summaries of titles of which nothing is to be run, as their results in the store say."""
    answers = ((run, answered_from_store(run)) for run in runs)
    return [answer or _as_kept(run) for run, answer in answers]


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
    hours = (shared.seconds / titles_at_once(batch) + total.seconds / branches_at_once(batch)) / 3600
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

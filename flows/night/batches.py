"""Batches: the requests, kept in the store, and the unfinished work, in order. No Prefect."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from configs.night import BudgetSettings, NotifySettings
from configs.profile import Profile
from flows.ask.naming import named, taken
from flows.ask.plan import Request, checked, checked_profile, fetched, parse_languages
from flows.kept.branches import branch_key, is_set_aside, last_attempt
from flows.kept.budget import unpriced
from tasks.keep.place import Place
from tasks.keep.places import place_of
from tasks.keep.store import store_at, store_place
from tasks.machine.jobs import Jobs
from tasks.records.errors import BadInputError, TransientError
from tasks.records.record import Record
from tasks.records.title import Run
from tasks.services.addresses import is_address

_FOLDER = "batches"
_LATER = datetime.datetime.max.replace(tzinfo=datetime.UTC)


class Batch(Record):
    """A manifest as it was submitted.

    Attributes:
        id: its name, unique in the store.
        requests: in order of rows.
        out: the folder of its summary.
        budget: limits of one night.
        notify: recipients of the result.
        jobs: steps that compute at once on a machine.
        titles_at_once: titles run in parallel; None: as many.
        branches_at_once: languages of one title run in parallel; None: as many.
    """

    id: str
    requests: tuple[Request, ...]
    out: str
    budget: BudgetSettings
    notify: NotifySettings = NotifySettings()
    jobs: Jobs = "auto"
    titles_at_once: int | None = None
    branches_at_once: int | None = None

    def with_jobs(self, jobs: int | str) -> Batch:
        """The same with so many steps at once, whatever its rows' profiles say."""
        requests = [replace(row, overrides={**row.overrides, "jobs": jobs}) for row in self.requests]
        return self.model_copy(update={"jobs": jobs, "requests": tuple(requests)})

    def request_of(self, run: Run, language: str) -> Request:
        """The row that requests a title in a language; the first if several do."""
        rows = [request for request in self.requests if run.title.source in request.videos]
        return next((row for row in rows if language in parse_languages(row.languages)), rows[0])


@dataclass(frozen=True)
class Unfinished:
    """A title of a batch with the languages of one row that are still to be run."""

    run: Run
    languages: list[str]


def new_batch(
    name: str,
    requests: Sequence[Request],
    profile: Profile,
    out: str,
    budget: BudgetSettings,
    batch_id: str = "",
    *,
    keep: bool = True,
) -> tuple[Batch, list[Run]]:
    """Check all requests, name the batch and store it.

    Args:
        name: the manifest's name, from which the batch's is derived.
        requests: one for each title.
        profile: the settings of the batch as a whole.
        out: the deliverables' folder.
        budget: limits of one night.
        batch_id: the existing name, for a repeated run.
        keep: store it, and take the titles' folders; False to look at it only.

    Raises:
        BadInputError: rows that cannot be dubbed, all listed, or a service without a known price under a USD budget.
    """
    faults: list[str] = []
    batch = Batch(
        id=batch_id or _free_id(name),
        requests=tuple(_here(requests, faults)),
        out=str(Path(out).expanduser().absolute()),
        budget=budget,
        notify=profile.notify,
        jobs=profile.jobs,
        titles_at_once=profile.titles_at_once,
        branches_at_once=profile.branches_at_once,
    )
    runs = _planned(batch, faults) if not faults else []
    if faults:
        raise BadInputError(f"{name} cannot be dubbed: {'; '.join(faults)}.", "Correct these rows and try again.")
    if budget.usd is not None and (unknown := sorted({service for run in runs for service in unpriced(run)})):
        raise BadInputError(
            f"A USD budget needs prices, and none is known for {', '.join(unknown)}.",
            "Add them to the profile, as `prices: {NAME: {characters: USD_A_MILLION}}`.",
        )
    if not keep:
        return batch, runs
    keep_batch(batch)
    return batch, taken(runs)


def _here(requests: Sequence[Request], faults: list[str]) -> Iterator[Request]:
    """The requests with titles of other places in the store, and faults of those that did not come."""
    for request in requests:
        if not any(is_address(video) and video not in request.brought for video in request.videos):
            yield request
            continue
        try:
            profile = checked_profile(request.profile, request.overrides)
            yield fetched(request, profile, store_at(store_place()))
        except (BadInputError, TransientError) as error:
            faults.append(f"row {request.row}, column title: {error}" if request.row else str(error))


def keep_batch(batch: Batch) -> None:
    """Store a batch, replacing an earlier one of this name."""
    _place().write(_name(batch.id), batch.model_dump_json().encode())


def load_batch(batch_id: str | None) -> Batch:
    """A batch by its name; the latest for None.

    Raises:
        BadInputError: there is no such batch.
    """
    if batch_id is not None and not re.fullmatch(r"[\w.-]+", batch_id):  # it is used as a file name
        raise BadInputError(f"{batch_id[:80]!r} is not the name of a batch.", "See `polydub status`.")
    place = _place()
    kept = place.names(_FOLDER)
    name = kept[-1] if kept and batch_id is None else _name(str(batch_id))
    try:
        return Batch.model_validate_json(place.read(name) or b"")
    except ValidationError as error:
        known = ", ".join(Path(entry).stem for entry in kept) or "none"
        raise BadInputError(f"There is no batch {batch_id or 'yet'}.", f"Batches known here: {known}.") from error


def runs_of(batch: Batch) -> list[Run]:
    """A batch's titles in order of rows, each once, with their current files and profiles.

    Raises:
        BadInputError: a file or a profile no longer exists.
    """
    faults: list[str] = []
    runs = _planned(batch, faults)
    if faults:
        raise BadInputError(f"Batch {batch.id} can no longer be dubbed: {'; '.join(faults)}.", "Restore these files.")
    return runs


def unfinished(batch: Batch, runs: Sequence[Run], language: str | None = None, force: bool = False) -> list[Unfinished]:
    """The unfinished work, in the order in which it is run.

    Carried-over work comes first, then overdue work, then by due date, priority (higher first) and row.

    Args:
        batch: as stored.
        runs: its titles, in order of rows.
        language: only this one; None for all.
        force: include branches that are set aside.
    """
    now = datetime.datetime.now(datetime.UTC)
    waiting = []
    for run, request, languages in _rows_of(batch, runs):
        last = {tag: last_attempt(run, branch_key(run.branch(tag))) for tag in languages}
        left = [
            tag
            for tag, result in last.items()
            if language in (None, tag)
            and not (result and result.delivered)
            and (force or not (result and is_set_aside(result)))
        ]
        if not left:
            continue
        carried = any(result and result.state == "carried_over" for result in last.values())
        due = datetime.datetime.fromisoformat(request.due) if request.due else _LATER
        order = (not carried, not due < now, due, -request.priority)
        waiting.append((order, Unfinished(run, left)))
    return [one for _, one in sorted(waiting, key=lambda entry: entry[0])]


def _rows_of(batch: Batch, runs: Sequence[Run]) -> Iterator[tuple[Run, Request, list[str]]]:
    """Each title with each of its rows and that row's languages, in order of rows."""
    found: dict[int, list[tuple[Run, Request, list[str]]]] = {}
    place = {id(request): number for number, request in enumerate(batch.requests)}
    for run in runs:
        asked: dict[int, tuple[Run, Request, list[str]]] = {}
        for language in run.title.languages:
            request = batch.request_of(run, language)
            asked.setdefault(place[id(request)], (run, request, []))[2].append(language)
        for number, row in asked.items():
            found.setdefault(number, []).append(row)
    for number in sorted(found):
        yield from found[number]


def _planned(batch: Batch, faults: list[str]) -> list[Run]:
    runs = []
    for request in batch.requests:
        try:
            runs += [run.model_copy(update={"batch": batch.id}) for run in checked(request)]
        except BadInputError as error:
            column = f", column {error.data['column']}" if error.data.get("column") else ""
            where = f"row {request.row}{column}: " if request.row else ""
            faults.append(f"{where}{error.what.rstrip('.')}")
    try:
        return named(runs)
    except BadInputError as error:
        faults.append(error.what.rstrip("."))
        return runs


def _free_id(name: str) -> str:
    day = datetime.datetime.now().astimezone().date().isoformat()
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "batch"
    number = 1
    taken = set(_place().names(_FOLDER))
    while _name(f"{day}-{stem}-{number}") in taken:
        number += 1
    return f"{day}-{stem}-{number}"


def _name(batch_id: str) -> str:
    return f"{_FOLDER}/{batch_id}.json"


def _place() -> Place:
    return place_of(store_place())[0]

"""How a step runs: ask the store, else compute, commit and answer with references."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from tasks.keep.store import Store, given_key, record_of
from tasks.machine.meter import metered
from tasks.machine.resident import rest
from tasks.machine.stop import refuse_when_stopping
from tasks.records.errors import PolydubError, disk_full
from tasks.records.progress import Progress, StepEvent, announce
from tasks.records.record import Asset
from tasks.records.registry import BackendFacts
from tasks.records.step_record import Made, StepRecord
from tasks.records.title import Run
from tasks.services.slots import held, slots_of
from tasks.step.table import needs_cores

_PROGRESS_EVERY_S = 0.25


Given = TypeVar("Given")


@dataclass(frozen=True)
class StepOutput(Generic[Made]):
    """What a step computed: what it made, its files in the store already (`Work.keep`), and what to tell the user.

    ``hits`` of its ``parts`` (lines) were found instead of computed.
    """

    value: Made
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    hits: int = 0
    parts: int = 0


@dataclass(frozen=True)
class Work:
    """What a computing step works with.

    Attributes:
        folder: its own, removed afterwards.
        progress: told the share that is done.
        keep: takes a finished file into the store.
    """

    folder: Path
    progress: Progress
    keep: Callable[[Path], Asset]


def remember(
    run: Run,
    step: str,
    version: int,
    given: Given,
    compute: Callable[[Given, Work], StepOutput[Made]],
    made: type[Made],
    *,
    uses: Sequence[BackendFacts] = (),
) -> StepRecord[Made]:
    """The step's record: found in the store, or computed and committed.

    Args:
        run: title, language and store.
        step: its name, the same in keys, logs and reports.
        version: raised whenever its code changes what comes out.
        given: all that the result depends on, a dataclass; its key is made of it (`tasks.keep.store.given_key`).
        compute: called at most once, with that and a workspace that is removed afterwards.
        made: the type of what it makes.
        uses: what it computes with; while it does, it holds a slot of each (`tasks.services.slots`).
    """
    store = Store(run.store)
    key = given_key(step, version, given)
    found = store.lookup(step, key, made)
    if found is None:
        with store.claim(key):
            found = store.lookup(step, key, made)  # another run may have made it while we waited
            if found is None:
                with held(slots_of(uses, cores=needs_cores(step))):
                    return _compute(run, store, step, key, functools.partial(compute, given), made)
    announce(
        StepEvent(
            run.title.name,
            run.language,
            step,
            "reused",
            1.0,
            hits=found.hits,
            parts=found.parts,
            folder=run.title.folder,
        )
    )
    return _with_notes(found, store)


def _compute(
    run: Run, store: Store, step: str, key: str, compute: Callable[[Work], StepOutput[Made]], made: type[Made]
) -> StepRecord[Made]:
    refuse_when_stopping()
    event = functools.partial(StepEvent, run.title.name, run.language, step, folder=run.title.folder)
    announce(event("started"))
    began = time.monotonic()
    with metered() as meter:
        try:
            with store.workspace(step) as folder:
                output = compute(Work(folder, _reporter(event), store.add))
        except BaseException as raised:
            error = disk_full(raised, store.root) or raised
            took, usage = time.monotonic() - began, meter.usage()
            announce(event("failed", seconds=took, message=str(error), usage=usage))
            if isinstance(error, PolydubError):
                error.data.setdefault("step", step)
            if error is raised:
                raise
            raise error from raised
        finally:
            rest()  # the next stage has the accelerator for itself
    seconds = round(time.monotonic() - began, 3)
    record = store.commit(
        record_of(made)(
            step=step,
            key=key,
            value=output.value,
            seconds=seconds,
            versions=dict(output.versions),
            notes=output.notes,
            hits=output.hits,
            parts=output.parts,
            usage=meter.usage(),
        )
    )
    announce(event("computed", 1.0, seconds, usage=record.usage, hits=record.hits, parts=record.parts))
    return _with_notes(record, store)


def _with_notes(record: StepRecord[Made], store: Store) -> StepRecord[Made]:
    """What was found damaged is told with this run's record; the stored one is the same either way."""
    return record.model_copy(update={"notes": (*record.notes, *store.notes)}) if store.notes else record


def _reporter(event: Callable[..., StepEvent]) -> Progress:
    last = 0.0

    def report(fraction: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _PROGRESS_EVERY_S:
            last = now
            announce(event("progress", min(max(fraction, 0.0), 1.0)))

    return report

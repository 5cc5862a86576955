"""Runs a step: look up its result in the store, else compute, commit and return references."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from tasks.keep.known import knowing
from tasks.keep.store import Store, given_key, record_of, store_at
from tasks.machine.jobs import at_work
from tasks.machine.meter import metered
from tasks.machine.resident import rest
from tasks.machine.stop import refuse_when_stopping
from tasks.machine.together import refuse_when_given_up
from tasks.records.errors import PolydubError, disk_full
from tasks.records.progress import Progress, StepEvent, announce
from tasks.records.record import Asset
from tasks.records.registry import BackendFacts
from tasks.records.step_record import Made, Maker, StepRecord
from tasks.records.title import Run, language_of
from tasks.services.slots import held, slots_of
from tasks.step.table import BY_NAME, Step
from tasks.step.versions import versions

_PROGRESS_EVERY_S = 0.25


Given = TypeVar("Given")


@dataclass(frozen=True)
class StepOutput(Generic[Made]):
    """What a step computed: what it made, its files in the store already (`Work.keep`), and notes for the user.

    ``hits`` of its ``parts`` (lines) were found instead of computed. ``makers``: the backends that did it; None: those
    among what the step is given.
    """

    value: Made
    notes: tuple[str, ...] = ()
    makers: Sequence[BackendFacts] | None = None
    hits: int = 0
    parts: int = 0


@dataclass(frozen=True)
class Work:
    """What a computing step works with.

    Attributes:
        folder: its own, removed afterwards.
        progress: called with the share that is done.
        store: of the run; damage that is found in it is reported with the step.
    """

    folder: Path
    progress: Progress
    store: Store

    def keep(self, path: Path) -> Asset:
        """Take a finished file into the store."""
        return self.store.add(path)


@dataclass(frozen=True)
class Computation(Generic[Given, Made]):
    """How a step's result comes from what it is given.

    Attributes:
        given: all that the result depends on, a dataclass; its key is made of it (`tasks.keep.store.given_key`).
        compute: called at most once, with that and a workspace that is removed afterwards.
        made: the type of what it makes.
        uses: what it computes with; while it does, it holds a slot of each (`tasks.services.slots`).
        check: called with the result, found or computed; raises where it does not serve this run.
    """

    given: Given
    compute: Callable[[Given, Work], StepOutput[Made]]
    made: type[Made]
    uses: Sequence[BackendFacts] = ()
    check: Callable[[Made], None] | None = None


def remember(run: Run, step: str, computation: Computation[Any, Made]) -> StepRecord[Made]:
    """The step's record: found in the store, or computed and committed.

    Args:
        run: of the title, or the branch of a language.
        step: its name in the table of steps (`tasks.step.table`), which knows its version.
        computation: what it is given, and how its result comes of that.

    Raises:
        KeyError: there is no such step.
    """
    record = _remembered(run, BY_NAME[step], computation)
    if computation.check is not None:
        computation.check(record.value)
    return record


def recalled(run: Run, step: str, computation: Computation[Any, Made]) -> StepRecord[Made] | None:
    """The step's record, if it has been computed of exactly that; arguments as for `remember`.

    Args:
        run: of the title, or the branch of a language.
        step: its name in the table of steps.
        computation: what it is given.
    """
    known = BY_NAME[step]
    return store_at(run.store).lookup(step, given_key(step, known.version, computation.given), computation.made)


def _remembered(run: Run, step: Step, computation: Computation[Any, Made]) -> StepRecord[Made]:
    store, made = store_at(run.store), computation.made
    key = given_key(step.name, step.version, computation.given)
    found = store.lookup(step.name, key, made)
    if found is None:
        with store.claim(key):
            found = store.lookup(step.name, key, made)  # another run may have made it while we waited
            if found is None:
                with held(slots_of(computation.uses, cores=step.cores)), _at_work(run, computation.uses):
                    return _compute(run, store, step.name, key, computation)
    announce(_event(run, step.name)("reused", 1.0, hits=found.hits, parts=found.parts))
    return _with_notes(found, store)


def _at_work(run: Run, uses: Sequence[BackendFacts]) -> contextlib.AbstractContextManager[None]:
    """A place among those that compute on this machine; none is needed to wait for a service."""
    return contextlib.nullcontext() if _waits(uses) else at_work(run.profile.jobs)


def _waits(uses: Sequence[BackendFacts]) -> bool:
    """Whether services do the work."""
    return bool(uses) and all(facts.network and (facts.services or facts.address) for facts in uses)


def _event(run: Run, step: str) -> Callable[..., StepEvent]:
    return functools.partial(StepEvent, run.title.name, language_of(run), step, folder=run.title.folder)


def _compute(run: Run, store: Store, step: str, key: str, computation: Computation[Any, Made]) -> StepRecord[Made]:
    refuse_when_stopping()
    refuse_when_given_up()
    event = _event(run, step)
    announce(event("started"))
    began = time.monotonic()
    with metered() as meter:
        try:
            with store.workspace(step) as folder, knowing(store):
                output = computation.compute(
                    computation.given, Work(folder, _reporter(event, _waits(computation.uses)), store)
                )
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
    makers = _backends(computation.given) if output.makers is None else output.makers
    record = store.commit(
        record_of(computation.made)(
            step=step,
            key=key,
            value=output.value,
            seconds=seconds,
            makers=tuple(_maker(one) for one in makers),
            versions=versions(makers, meter.programs),
            notes=output.notes,
            hits=output.hits,
            parts=output.parts,
            usage=meter.usage(),
        )
    )
    announce(event("computed", 1.0, seconds, usage=record.usage, hits=record.hits, parts=record.parts))
    return _with_notes(record, store)


def _backends(given: object) -> list[BackendFacts]:
    """The facts of the backends that a step is given."""
    parts = vars(given).values() if dataclasses.is_dataclass(given) else ()
    return [part.facts for part in parts if isinstance(getattr(part, "facts", None), BackendFacts)]


def _maker(facts: BackendFacts) -> Maker:
    return Maker(
        name=facts.name,
        code_licence=facts.code_licence,
        weights_licence=facts.weights_licence,
        service=bool(facts.services),
    )


def _with_notes(record: StepRecord[Made], store: Store) -> StepRecord[Made]:
    """The record with notes on damage found in this run; the stored record does not have them."""
    return record.model_copy(update={"notes": (*record.notes, *store.notes)}) if store.notes else record


def _reporter(event: Callable[..., StepEvent], paid: bool) -> Progress:
    """Announces how far a step is; given up, it ends there, unless a service is at work: what that makes is kept."""
    last = 0.0

    def report(fraction: float) -> None:
        nonlocal last
        if not paid:
            refuse_when_given_up()
        now = time.monotonic()
        if now - last >= _PROGRESS_EVERY_S:
            last = now
            announce(event("progress", min(max(fraction, 0.0), 1.0)))

    return report

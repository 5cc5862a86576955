"""How a step runs: ask the store, else compute, commit and answer with references."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.keep.store import Store, step_key
from tasks.machine.meter import metered
from tasks.machine.resident import rest
from tasks.machine.stop import refuse_when_stopping
from tasks.records.errors import PolydubError, disk_full
from tasks.records.model import Asset, Run, StepRecord
from tasks.records.progress import Progress, StepEvent, announce
from tasks.records.registry import BackendFacts
from tasks.services.slots import held, slots_of

_PROGRESS_EVERY_S = 0.25


@dataclass(frozen=True)
class Made:
    """What a step computed, before it enters the store: files by role, a small value, and what to tell the user.

    A file that is in the store already is named by its asset.
    """

    outputs: Mapping[str, Path | Asset] = field(default_factory=dict)
    value: Any = None
    notes: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    hits: int = 0
    parts: int = 0


@dataclass(frozen=True)
class Work:
    """What a computing step is given: a private folder and somebody to tell how far it is."""

    folder: Path
    progress: Progress


def remember(
    run: Run,
    step: str,
    version: int,
    compute: Callable[[Work], Made],
    *,
    settings: Any = None,
    backend: str = "",
    inputs: Mapping[str, Any] | None = None,
    uses: Sequence[BackendFacts] = (),
) -> StepRecord:
    """The step's record: found in the store, or computed and committed.

    Args:
        run: title, language and store.
        step: its name, the same in keys, logs and reports.
        version: raised whenever its code changes what comes out.
        compute: called at most once, with a workspace that is removed afterwards.
        settings: the settings that matter.
        backend: the backend's fingerprint.
        inputs: assets and small values that the result depends on.
        uses: what it computes with; while it does, it holds a slot of each (`tasks.services.slots`).
    """
    store = Store(Path(run.store))
    key = step_key(step, version, settings=settings, backend=backend, inputs=inputs)
    found = store.lookup(step, key)
    if found is None:
        with store.claim(key):
            found = store.lookup(step, key)  # another run may have made it while we waited
            if found is None:
                with held(slots_of(uses)):
                    return _compute(run, store, step, key, compute)
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


def _compute(run: Run, store: Store, step: str, key: str, compute: Callable[[Work], Made]) -> StepRecord:
    refuse_when_stopping()
    event = functools.partial(StepEvent, run.title.name, run.language, step, folder=run.title.folder)
    announce(event("started"))
    began = time.monotonic()
    with metered() as meter:
        try:
            with store.workspace(step) as folder:
                made = compute(Work(folder, _reporter(event)))
                outputs = {role: _stored(store, output) for role, output in made.outputs.items()}
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
        StepRecord(
            step=step,
            key=key,
            outputs=outputs,
            value=made.value,
            seconds=seconds,
            versions=dict(made.versions),
            notes=made.notes,
            hits=made.hits,
            parts=made.parts,
            usage=meter.usage(),
        )
    )
    announce(event("computed", 1.0, seconds, usage=record.usage, hits=record.hits, parts=record.parts))
    return _with_notes(record, store)


def _with_notes(record: StepRecord, store: Store) -> StepRecord:
    """What was found damaged is told with this run's record; the stored one is the same either way."""
    return record.model_copy(update={"notes": (*record.notes, *store.notes)}) if store.notes else record


def _stored(store: Store, output: Path | Asset) -> Asset:
    return output if isinstance(output, Asset) else store.add(output)


def _reporter(event: Callable[..., StepEvent]) -> Progress:
    last = 0.0

    def report(fraction: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _PROGRESS_EVERY_S:
            last = now
            announce(event("progress", min(max(fraction, 0.0), 1.0)))

    return report

"""The ledger lines, notes and failure of a flow. No Prefect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tasks.records.errors import PolydubError, is_transient
from tasks.records.result import Failure
from tasks.records.step_record import StepRecord, StepUse
from tasks.services.outage import is_outage


def steps_of(records: Iterable[StepRecord[Any]]) -> tuple[StepUse, ...]:
    """The ledger's lines; a reused step cost nothing in this run."""
    return tuple(
        StepUse(
            step=record.step,
            seconds=0.0 if record.reused else record.seconds,
            reused=record.reused,
            hits=record.hits,
            parts=record.parts,
            key=record.key,
        )
        for record in records
    )


def notes_of(records: Iterable[StepRecord[Any]]) -> tuple[str, ...]:
    """The steps' notes, each once."""
    return tuple(dict.fromkeys(note for record in records for note in record.notes))


def failure_of(error: BaseException) -> Failure:
    """An error as reports show it; a traceback stays in the log."""
    kind, transient = type(error).__name__, is_transient(error) or is_outage(error)
    if isinstance(error, PolydubError):
        step = str(error.data.get("step", ""))
        return Failure(kind=kind, what=error.what, fix=error.fix, step=step, transient=transient)
    return Failure(kind=kind, what=f"{kind}: {error}", transient=transient)

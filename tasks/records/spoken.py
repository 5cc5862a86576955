"""What the records of speaking steps hold: takes, and the places where they were laid."""

from __future__ import annotations

from tasks.records.model import Placement, StepRecord, Take


def takes_of(record: StepRecord) -> tuple[Take, ...]:
    """The takes in the record of a synthesize or an adapt step."""
    return tuple(Take.model_validate(take) for take in record.value["takes"])


def placements_of(laid: StepRecord) -> tuple[Placement, ...]:
    """The placements in the record of a fit or an ingest."""
    return tuple(Placement.model_validate(placed) for placed in laid.value)

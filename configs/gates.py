"""Quality gates: the checked values and their thresholds."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict


class GateRule(BaseModel):
    """One gate's thresholds.

    Attributes:
        side: which values are worse: ``above`` or ``below`` the threshold, or further ``away`` from zero.
        warn: threshold of a warning; None if there is none, or if it is set by the run.
        fail: threshold beyond which the branch needs review.
        label: description of the gate.
        unit: unit of the value and both thresholds; ``share`` is 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: Literal["above", "below", "away"]
    warn: float | None
    fail: float | None
    label: str
    unit: str


@cache
def gate_rules() -> dict[str, GateRule]:
    """All gates by name, in the order of the report."""
    table = yaml.load(files("configs").joinpath("gates.yaml").read_text("utf-8"), yaml.CSafeLoader)
    return {name: GateRule(**values) for name, values in table.items()}

"""Quality gates: what is judged, and from where on."""

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
        warn: beyond it somebody should look; None: no such threshold, or it comes with the run.
        fail: beyond it the branch needs review.
        label: the gate in words.
        unit: of the value and both thresholds; ``share`` is 0 to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: Literal["above", "below", "away"]
    warn: float | None
    fail: float | None
    label: str
    unit: str


@cache
def gate_rules() -> dict[str, GateRule]:
    """Every gate by name, in the order of the report."""
    table = yaml.safe_load(files("configs").joinpath("gates.yaml").read_text("utf-8"))
    return {name: GateRule(**values) for name, values in table.items()}

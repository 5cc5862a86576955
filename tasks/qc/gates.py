"""Figures judged against thresholds. Plain comparisons; the thresholds are data (``configs/gates.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from configs.gates import GateRule, gate_rules
from tasks.qc.evidence import Measured
from tasks.records.errors import BadInputError
from tasks.records.quality import Gate

Status = Literal["pass", "warn", "fail", "unmeasured"]


def judge(
    name: str,
    measured: Measured,
    *,
    warn: float | None = None,
    fail: float | None = None,
    fails: bool | None = None,
    waiver: str = "",
) -> Gate:
    """Judge one figure; a value exactly on a threshold is within it.

    Args:
        name: of the gate, as in ``configs/gates.yaml``.
        measured: the figure as reported (rounded), so that what is shown is what is judged.
        warn: threshold that comes with the run, in place of the configured one.
        fail: likewise.
        fails: decides failure where a plain comparison does not; None: compare.
        waiver: why a failure is accepted; recorded, the status stays.
    """
    rule = gate_rules()[name]
    warn = rule.warn if warn is None else warn
    fail = rule.fail if fail is None else fail
    status: Status = "pass"
    if measured.value is None:
        status = "unmeasured"
    elif fails or (fails is None and _beyond(measured.value, fail, rule)):
        status = "fail"
    elif _beyond(measured.value, warn, rule):
        status = "warn"
    return Gate(name=name, value=measured.value, warn=warn, fail=fail, status=status, waiver=waiver, note=measured.note)


def judge_av_offset(measured: Measured, waiver: str = "") -> Gate:
    """Sound that is early is noticed sooner than sound that is late (EBU R 37: 40 ms, 60 ms)."""
    is_early = measured.value is not None and measured.value < 0
    fail = gate_rules()["audio_early_ms"].fail if is_early else None
    return judge("av_offset_ms", measured, fail=fail, waiver=waiver)


def _beyond(value: float, threshold: float | None, rule: GateRule) -> bool:
    if threshold is None:
        return False
    if rule.side == "below":
        return value < threshold
    return (abs(value) if rule.side == "away" else value) > threshold


def state(gates: tuple[Gate, ...]) -> Literal["completed", "needs_review"]:
    """``needs_review`` when any gate fails without a waiver."""
    return "needs_review" if any(gate.status == "fail" and not gate.waiver for gate in gates) else "completed"


def check_waivers(waivers: Mapping[str, str]) -> None:
    """Refuse a waiver for a gate that does not exist, or without a reason.

    Raises:
        BadInputError: names the gate.
    """
    for name, reason in waivers.items():
        if name not in gate_rules():
            raise BadInputError(f"There is no gate {name!r} to waive.", f"Gates: {', '.join(gate_rules())}.")
        if not reason.strip():
            raise BadInputError(f"The waiver of gate {name!r} gives no reason.", 'Say why, e.g. "Creative Intent".')

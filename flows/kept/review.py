"""Why a language needs review: the quality gates that decided, worst first, in words. No Prefect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from configs.gates import gate_rules
from tasks.records.quality import Gate
from tasks.records.result import BranchResult, Failure
from tasks.report.wording import figure, threshold, urgency

_ALWAYS = {"completed": "ready", "needs_review": "to review", "failed": "failed"}
_MULTI = "multi-track master"

Kind = Literal["fail", "warn", "waived"]


@dataclass(frozen=True)
class Reason:
    """A quality gate that did not pass.

    Attributes:
        gate: its name, as in ``configs/gates.yaml``; empty if the title as a whole failed.
        value: as measured.
        limit: threshold of the failure or warning; None if there is none.
        status: ``fail`` leads to review; ``warn`` and ``waived`` do not.
        words: gate, value and limit in one phrase.
        note: details, such as line numbers.
    """

    gate: str
    value: float | None
    limit: float | None
    status: Kind
    words: str
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """The outcome of a language.

    Attributes:
        state: the branch's; also ``needs_review`` if its sound in the multi-track master, or the title, failed.
        why: one line: the failure, what it waits for, or the failed gates and the number of warnings; empty if the
            branch is ready.
        review: all gates that did not pass, worst first.
    """

    state: str
    why: str = ""
    review: tuple[Reason, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For ``summary.json``."""
        return {"why": self.why, "review": [asdict(reason) for reason in self.review]}


def verdict(result: BranchResult, multi: Gate | None = None, title: Failure | None = None) -> Verdict:
    """The verdict on a branch.

    Args:
        result: of the branch.
        multi: the gate on its sound in the multi-track master.
        title: the failure of the title as a whole.
    """
    if not result.delivered:
        return Verdict(result.state, str(result.failure or result.waits or ""))
    found = [_reason(gate) for gate in result.gates if gate.status in ("fail", "warn")]
    if multi is not None and multi.status in ("fail", "warn"):
        found.append(_reason(multi, _MULTI))
    if title is not None:
        found.append(Reason("", None, None, "fail", f"title: {title}"))
    review = tuple(sorted(found, key=_urgency))
    if result.state != "needs_review" and not any(reason.status == "fail" for reason in review):
        return Verdict(result.state, "", review)
    return Verdict("needs_review", _in_one_line(review), review)


def tally(states: Iterable[str] | Mapping[str, int]) -> str:
    """Counts in words: "8 ready, 10 to review, 0 failed", then any other states."""
    counts = Counter(states)
    known = [f"{counts.pop(state, 0)} {name}" for state, name in _ALWAYS.items()]
    others = (f"{count} {state.replace('_', ' ')}" for state, count in sorted(counts.items()) if count)
    return ", ".join([*known, *others])


def _in_one_line(review: tuple[Reason, ...]) -> str:
    parts = [reason.words for reason in review if reason.status == "fail"]
    if warned := sum(reason.status == "warn" for reason in review):
        parts.append(f"{warned} warning{'s' if warned > 1 else ''}")
    return "; ".join(parts) or "see its report"


def _reason(gate: Gate, where: str = "") -> Reason:
    rule = gate_rules()[gate.name]
    failed = gate.status == "fail"
    limit = gate.fail if failed and gate.fail is not None else gate.warn  # some gates fail on more than a number
    verb = "fails" if failed else "warns"
    bound = f" ({verb} {threshold(limit, rule)})" if limit is not None else ""
    waived = f", waived: {gate.waiver}" if failed and gate.waiver else ""
    place = f" in the {where}" if where else ""
    return Reason(
        gate=gate.name,
        value=gate.value,
        limit=limit,
        status="waived" if waived else "fail" if failed else "warn",
        words=f"{gate.name} {figure(gate.value, rule.unit)}{place}{bound}{waived}",
        note=gate.note,
    )


def _urgency(reason: Reason) -> tuple[int, float]:
    side = gate_rules()[reason.gate].side if reason.gate else ""
    return urgency(reason.status, reason.value, reason.limit, side)

"""Which lines and stages of a dub are approved, rejected or locked, and which approvals no longer fit. No Prefect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from configs.review import STAGES, Stage
from flows.kept.applied import Place, Row
from flows.kept.decision import Decision
from flows.kept.decision import in_words as decided
from flows.kept.decisions import is_locked
from flows.kept.edit import Edit
from flows.kept.seen import Seen, SeenLine, changes, kept_seen, line_changes, paired
from tasks.keep.store import Store

State = Literal["draft", "edited", "approved", "rejected", "locked"]


@dataclass(frozen=True)
class Judged:
    """A line, a stage or a language, as people left it.

    Attributes:
        state: ``draft``: nobody said anything of what it is now; ``edited``: likewise, and a person changed it.
        stale: it was approved or rejected before it became what it is now.
        changed: what is another since then, in words.
        decision: the last one about it.
    """

    state: State
    stale: bool = False
    changed: tuple[str, ...] = ()
    decision: Decision | None = None

    def as_json(self) -> dict[str, Any]:
        """For files and pages."""
        one = self.decision
        return {
            "state": self.state,
            "stale": self.stale,
            "changed": list(self.changed),
            "stage": one.stage if one else "",
            "verdict": one.verdict if one else "",
            "who": one.who if one else "",
            "when": one.when if one else "",
            "why": one.why if one else "",
            "decision": one.number if one else 0,
        }


@dataclass(frozen=True)
class Approvals:
    """The decisions about one language of a title, beside what it is now.

    Attributes:
        store: where what was seen is kept.
        decisions: in force, oldest first.
        now: every stage that was made, as it is now with people's edits.
        rows: the source script as people want it now.
        onto: from an edit to its place in the rows' script.
    """

    store: Store
    decisions: Sequence[Decision]
    now: dict[Stage, Seen]
    rows: Sequence[Row]
    onto: Callable[[Edit], Place]
    _seen: dict[str, Seen | None] = field(default_factory=dict)
    _pairs: dict[str, dict[int, SeenLine]] = field(default_factory=dict)

    @property
    def furthest(self) -> Stage | None:
        """The last stage that was made."""
        return list(self.now)[-1] if self.now else None

    def stage(self, stage: Stage) -> Judged:
        """What people said of a stage as it is now; of the script also line by line."""
        now = self.now.get(stage)
        if now is None:
            return Judged("draft")
        whole = self._whole(stage, now)
        settled = whole.state == "approved" and not self._lines_rejected_since(whole.decision)
        if stage != "script" or settled or whole.state == "rejected":
            return whole
        lines = self.lines
        if rejected := [(number, one) for number, one in lines.items() if one.state == "rejected"]:
            number, one = rejected[0]
            told = f"line {number}: {one.decision.why}" if one.decision and one.decision.why else f"line {number}"
            return Judged("rejected", False, (told,), one.decision)
        gone = whole.stale and any(what.endswith("is gone") for what in whole.changed)
        said = [one.decision.number for one in lines.values() if one.decision]
        is_last = not whole.decision or whole.stale or max(said, default=0) > whole.decision.number
        if lines and is_last and not gone and all(self._is_approved(one) for one in lines.values()):
            return Judged("approved", decision=max(lines.values(), key=lambda one: _number(one)).decision)
        return whole

    @cached_property
    def lines(self) -> dict[int, Judged]:
        """Every line by its number."""
        now = self.now.get("script")
        if now is None:
            return {}
        last: dict[int, tuple[Decision, SeenLine]] = {}
        for decision in self.decisions:
            for number, was in self._said_of_lines(decision):
                last[number] = decision, was
        rows = {row.line.id: row for row in self.rows}
        locked = is_locked(self.decisions)
        return {line.id: self._line(line, rows.get(line.id), last.get(line.id), locked) for line in now.lines}

    @property
    def language(self) -> Judged:
        """The language as a whole: what was last said of any stage, as that is now."""
        locked = is_locked(self.decisions)
        whole = next((one for one in reversed(self.decisions) if not one.lines and one.stage in self.now), None)
        known = self._whole(whole.stage, self.now[whole.stage], only=whole) if whole else Judged(self._plain)
        rejected = self.stage("script") if "script" in self.now else known
        if rejected.state == "rejected" and _number(rejected) > _number(known):
            known = rejected
        if locked:
            return Judged("locked", known.stale, known.changed, locked)
        return known

    def as_json(self) -> dict[str, Any]:
        """For ``summary.json`` and pages."""
        counts: dict[str, int] = {}
        for one in self.lines.values():
            counts[one.state] = counts.get(one.state, 0) + 1
        stages = {stage: self.stage(stage).as_json() for stage in self.now}
        return {**self.language.as_json(), "stages": stages, "lines": counts}

    def _whole(self, stage: Stage, now: Seen, only: Decision | None = None) -> Judged:
        """What was last said of a stage as a whole: of itself, or, where it is approved, of a later one."""
        own = [one for one in self.decisions if one.stage == stage and one.verdict == "approved" and not one.lines]
        for decision in [only] if only else reversed(self.decisions):
            if decision is None or decision.lines or not self._speaks_of(decision, stage):
                continue
            before = self._content(decision)
            if before is None:
                return Judged("draft", True, ("what was seen is no longer in the store",), decision)
            if before.facts(stage) == now.facts(stage):
                state = self._plain if decision.verdict == "timeout" else decision.verdict
                if decision.stage != stage and own and self._is_of(own[-1], stage, now):
                    return Judged(state, decision=own[-1])  # who approved this very stage
                return Judged(state, decision=decision)
            return Judged(self._plain, True, changes(before, now, self._paired(decision, before), stage), decision)
        return Judged(self._plain)

    def _is_of(self, decision: Decision, stage: Stage, now: Seen) -> bool:
        seen = self._content(decision)
        return seen is not None and seen.facts(stage) == now.facts(stage)

    def _speaks_of(self, decision: Decision, stage: Stage) -> bool:
        later = STAGES.index(decision.stage) > STAGES.index(stage)
        return decision.stage == stage or (later and decision.verdict == "approved")

    @property
    def _plain(self) -> State:
        return "edited" if any(row.edits for row in self.rows) else "draft"

    def _lines_rejected_since(self, whole: Decision | None) -> bool:
        after = whole.number if whole else 0
        return any(one.state == "rejected" and _number(one) > after for one in self.lines.values())

    def _said_of_lines(self, decision: Decision) -> Iterator[tuple[int, SeenLine]]:
        """The lines that a decision is about, by their numbers now; what rejects a whole stage rejects no line."""
        before = self._content(decision)
        if before is None or (not decision.lines and decision.verdict != "approved"):
            return
        named = {(ref.part, 0 if ref.part else ref.line) for ref in decision.lines}
        for number, was in self._paired(decision, before).items():
            if not named or (was.part, 0 if was.part else was.of) in named:
                yield number, was

    def _line(
        self, line: SeenLine, row: Row | None, said: tuple[Decision, SeenLine] | None, locked: Decision | None
    ) -> Judged:
        decision, was = said or (None, None)
        told = line_changes(was, line) if was is not None else ()
        plain: State = "edited" if row is not None and row.edits else "draft"
        if locked or (row is not None and row.lock):
            return Judged("locked", bool(told), told, decision or locked)
        if decision is None or told:
            return Judged(plain, bool(told), told, decision)
        return Judged("rejected" if decision.verdict == "rejected" else "approved", decision=decision)

    def _is_approved(self, line: Judged) -> bool:
        decided = line.decision is not None and line.decision.verdict == "approved" and not line.stale
        return line.state in ("approved", "locked") and decided

    def _content(self, decision: Decision) -> Seen | None:
        if decision.content not in self._seen:
            self._seen[decision.content] = kept_seen(self.store, decision.content)
        return self._seen[decision.content]

    def _paired(self, decision: Decision, before: Seen) -> dict[int, SeenLine]:
        if decision.content not in self._pairs:
            self._pairs[decision.content] = paired(before, self.rows, self.onto)
        return self._pairs[decision.content]


def in_words(judged: Mapping[str, Any]) -> str:
    """What `Judged.as_json` says, in one phrase."""
    if not judged["decision"]:
        return str(judged["state"])
    told = f"{judged['stage']} {judged['verdict']} by {judged['who'] or 'somebody'}, {judged['when']}"
    if judged["stale"]:
        return f"{judged['state']}; {told}, but changed since: {'; '.join(judged['changed'][:5])}"
    why = f": {judged['why']}" if judged["why"] else ""
    return f"{judged['state']} ({told}{why})" if judged["state"] == "locked" else f"{told}{why}"


def told_of(judged: Judged) -> str:
    """What was said of a stage that is not approved as it is; empty where nothing was."""
    one = judged.decision
    if one is None or judged.state == "approved":
        return ""
    if judged.stale:
        return f"{decided(one)} by {one.who or 'somebody'}, but changed since: {'; '.join(judged.changed[:5])}"
    return f"{decided(one)} by {one.who or 'somebody'}"


def _number(judged: Judged) -> int:
    return judged.decision.number if judged.decision else 0

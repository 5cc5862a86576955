"""What a person decided about a dub that they looked at: it is approved, or rejected and why. Kept as edits are."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from configs.review import Stage
from flows.kept.edit import LONGEST, Whole, sayable
from tasks.records.record import Record


class LineRef(Record):
    """A line of the source script that a decision is about.

    Attributes:
        line: its id there.
        part: number of the edit that made it, by a split or an insertion; 0: the script has it.
        words: what it says in the source.
    """

    line: Whole
    part: Whole = 0
    words: Annotated[str, Field(max_length=LONGEST)] = ""


class Decision(Record):
    """A decision about a dub, or lines of it.

    Attributes:
        number: in the order of a title's and language's decisions, from 1; given when it is added.
        who: the user's name.
        when: ISO 8601, UTC.
        why: as they said; a rejection has one.
        source: how it came here.
        verdict: what was decided; ``timeout``: nobody said anything in time, and it went on as configured.
        stage: what of the dub.
        lines: these alone; empty: all of it.
        content: digest of what was seen (`flows.kept.seen.Seen`).
        lock: nothing of the language is edited any more.
        undoes: number of the decision that is taken back; 0: none.
    """

    number: Whole = 0
    who: Annotated[str, Field(max_length=200), AfterValidator(sayable)] = ""
    when: Annotated[str, Field(max_length=40)] = ""
    why: Annotated[str, Field(max_length=LONGEST), AfterValidator(sayable)] = ""
    source: Literal["command", "page", "prefect form", "deadline"] = "command"
    verdict: Literal["approved", "rejected", "timeout"] = "approved"
    stage: Stage = "master"
    lines: Annotated[tuple[LineRef, ...], Field(max_length=50_000)] = ()
    content: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = ""
    lock: bool = False
    undoes: Whole = 0


def in_words(decision: Decision) -> str:
    """A decision in one row."""
    if decision.undoes:
        return f"decision {decision.undoes} taken back"
    numbers = ", ".join(str(ref.line) for ref in decision.lines)
    what = f"lines {numbers} of the {decision.stage}" if numbers else f"the {decision.stage}"
    locked = ", and locked" if decision.lock else ""
    why = f": {json.dumps(decision.why, ensure_ascii=False)}" if decision.why else ""
    if decision.verdict == "timeout":
        return f"{what}: nobody decided in time, it went on as configured"
    return f"{what} {decision.verdict}{locked}{why}"

"""The review server's endpoints for approvals: what the page uses beside those for lines, and programs may."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from configs.review import Stage
from flows.kept.approvals import Approvals
from flows.kept.approving import approvals_of, decide, take_back
from flows.kept.decision import Decision, in_words
from flows.kept.decisions import undone_decisions
from flows.kept.deliver import REVIEW
from flows.kept.dub_lines import DubLines
from flows.kept.edit import Text
from flows.kept.seen import digest_of
from flows.review.lines import parsed_key, read_json
from flows.review.opened import opened, seen, signed_by
from flows.review.writes import told
from flows.service.decided import follow
from tasks.records.errors import BadInputError

router = APIRouter()
_MOST = 5000
_MATERIAL = ("script.json", "mix", "picture")


class WantedDecision(BaseModel):
    """A decision.

    Attributes:
        verdict: what is decided.
        stage: of which stage; None: the last one that was made, of lines the script.
        lines: their keys; empty: all of it.
        seen: ``content`` of the stage as it was shown; empty: whatever there is now.
        seen_lines: the same of lines, by their keys.
        why: the reason; a rejection has one.
        lock: nothing of the language is edited any more.
    """

    model_config = ConfigDict(extra="forbid")

    verdict: Literal["approved", "rejected"]
    stage: Stage | None = None
    lines: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=_MOST)] = []
    seen: Annotated[str, Field(max_length=64)] = ""
    seen_lines: Annotated[dict[str, Annotated[str, Field(max_length=64)]], Field(max_length=_MOST)] = {}
    why: Text = ""
    lock: bool = False


class WantedUndo(BaseModel):
    """A decision that is taken back, by its number."""

    model_config = ConfigDict(extra="forbid")

    number: Annotated[int, Field(ge=1)]
    why: Text = ""


class ChangedSinceError(Exception):
    """What is decided about is no longer what was seen."""

    def __init__(self, dub: DubLines) -> None:
        super().__init__("changed since")
        self.dub = dub


@router.get("/titles/{key}/{language}/approvals")
def approvals(key: str, language: str) -> dict[str, Any]:
    """What is approved, rejected, locked and stale of the language, its stages and lines, and what it waits for."""
    return shown(seen(key, language).dub)


@router.post("/titles/{key}/{language}/decisions", status_code=201)
def decided(key: str, language: str, wanted: WantedDecision, request: Request) -> dict[str, Any]:
    """Approve or reject: 409 with everything as it is now where that is no longer what was seen."""
    dub = opened(key, language)
    found = approvals_of(dub)
    stage = wanted.stage or ("script" if wanted.lines else found.furthest)
    if wanted.seen and (stage is None or stage not in found.now or digest_of(found.now[stage]) != wanted.seen):
        raise ChangedSinceError(dub)
    if wanted.seen_lines:
        now = {key: one["content"] for key, one in _lines(dub, found).items()}
        if any(now.get(key) != seen for key, seen in wanted.seen_lines.items()):
            raise ChangedSinceError(dub)
    if wanted.lock:
        _check_owner(request)
    numbers = [_number(dub, line) for line in wanted.lines]
    sign = signed_by(request, wanted.why)
    decision, is_new = decide(dub, wanted.verdict, sign, wanted.stage, numbers, lock=wanted.lock)
    notes = follow(dub, decision) if is_new else []
    return {"number": decision.number, "new": is_new, "notes": notes, **shown(dub)}


@router.post("/titles/{key}/{language}/decisions/undo", status_code=201)
def undone(key: str, language: str, wanted: WantedUndo, request: Request) -> dict[str, Any]:
    """Take a decision back; taking that back restores it."""
    dub = opened(key, language)
    if any(one.number == wanted.number and one.lock for one in dub.decisions.records):
        _check_owner(request)
    added = take_back(dub, wanted.number, signed_by(request, wanted.why))
    return {"number": added.number, "new": True, "notes": [], **shown(dub)}


def shown(dub: DubLines) -> dict[str, Any]:
    """The approvals of a language, as the endpoints answer them."""
    found = approvals_of(dub)
    records = dub.decisions.records
    taken = undone_decisions(records)
    known = read_json(dub.folder / "summary.json").get("languages")
    language = known.get(dub.language) if isinstance(known, dict) else None
    waits = language.get("waits") if isinstance(language, dict) else None
    stages = {stage: {**found.stage(stage).as_json(), "content": digest_of(now)} for stage, now in found.now.items()}
    return {
        "approval": {**found.language.as_json(), "stages": stages, "furthest": found.furthest},
        "lines": _lines(dub, found),
        "waits": waits if isinstance(waits, dict) else None,
        "material": material(dub),
        "decisions": [_decision(one, taken) for one in records],
    }


def changed_since(_: Request, error: Exception) -> JSONResponse:
    """The answer to a decision about something that changed meanwhile."""
    assert isinstance(error, ChangedSinceError)
    return JSONResponse({**told("It changed since you saw it.", "Look at it again."), **shown(error.dub)}, 409)


def _check_owner(request: Request) -> None:
    if getattr(request.state, "role", "owner") != "owner":
        raise HTTPException(403, "Only an owner locks a language, or unlocks it.")


def _lines(dub: DubLines, found: Approvals) -> dict[str, Any]:
    keys = {row.line.id: f"{row.of.id}-{row.part}" for row in dub.applied.rows}
    contents = {line.id: line.content for line in found.now["script"].lines} if "script" in found.now else {}
    return {
        keys[number]: {**one.as_json(), "content": contents[number]}
        for number, one in found.lines.items()
        if number in keys
    }


def _number(dub: DubLines, key: str) -> int:
    place = parsed_key(key)
    row = dub.row_at(*place) if place else None
    if row is None:
        raise BadInputError(f"There is no line {key[:40]!r}.", "Look at the lines again.")
    return row.line.id


def material(dub: DubLines) -> list[str]:
    """Places of what waits for approval, below the title's folder."""
    folder = dub.folder / dub.language / REVIEW
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [
        f"{dub.language}/{REVIEW}/{path.name}" for path in found if path.is_file() and path.name.startswith(_MATERIAL)
    ]


def _decision(one: Decision, taken: dict[int, int]) -> dict[str, Any]:
    return {
        **one.model_dump(
            mode="json", include={"number", "who", "when", "why", "source", "verdict", "stage", "lock", "undoes"}
        ),
        "lines": [f"{ref.line}-{ref.part}" for ref in one.lines],
        "words": in_words(one),
        "taken_back_by": taken.get(one.number, 0),
    }

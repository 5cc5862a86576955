"""The review server's endpoints for lines and edits, under ``/api/v1``: what its page uses, and programs may."""

from __future__ import annotations

import pathlib
from collections.abc import Collection
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from configs.languages import display_name
from flows.kept import links
from flows.kept.applied import Row
from flows.kept.dub_lines import DubLines, undone_by
from flows.kept.edit import Text
from flows.kept.edit_cost import cost_of
from flows.review import changes, changing, decisions, lanes, making, readings
from flows.review.fit import predicted
from flows.review.lines import Shown, parsed_key, read_json, revision_of, shown_edit
from flows.review.lips import lip_spans
from flows.review.opened import opened, remember, seen, signed_by
from flows.review.voices import voices_of
from flows.review.writes import told
from tasks.keep.assets import path_of
from tasks.records.errors import BadInputError, PolydubError
from tasks.synthesize.recorded import keep_recording, recording

router = APIRouter()
_MAKING = making.Making()
_SPEAKING = readings.Speaking()


class Nothing(BaseModel):
    """A body without anything in it."""

    model_config = ConfigDict(extra="forbid")


def api(only: Collection[str] | None = None) -> FastAPI:
    """The application of the endpoints.

    Args:
        only: keys of the titles that it lists; None: all.
    """
    found = FastAPI(title="Polydub review", version="1", docs_url=None, redoc_url=None)
    found.state.only = only
    found.include_router(router)
    found.include_router(changes.router)
    found.include_router(decisions.router)
    found.add_exception_handler(PolydubError, _refused)
    found.add_exception_handler(HTTPException, _not_possible)
    found.add_exception_handler(RequestValidationError, _not_understood)
    found.add_exception_handler(changing.OvertakenError, _overtaken)
    found.add_exception_handler(decisions.ChangedSinceError, decisions.changed_since)
    return found


@router.get("/titles")
def titles(request: Request) -> dict[str, Any]:
    """Delivered titles with their languages, those whose quality is worst first."""
    return {"languages": worst_first(request.app.state.only)}


@router.get("/titles/{key}/{language}")
def lines(key: str, language: str) -> dict[str, Any]:
    """A language with its lines, and the revision that edits of them are made against."""
    found = seen(key, language)
    return {**_facts(key, found.dub), "lines": found.lines}


@router.get("/titles/{key}/{language}/revision")
def revision(key: str, language: str) -> dict[str, Any]:
    """The revision of the lines now."""
    return {"revision": revision_of(seen(key, language).dub)}


@router.post("/titles/{key}/{language}/edits", status_code=201)
def edit(key: str, language: str, wanted: changing.WantedEdits, request: Request) -> dict[str, Any]:
    """Keep edits, all or none: 409 with the lines as they are where somebody changed one of them since."""
    before = seen(key, language).lines
    dub, added = changing.keep(lambda: opened(key, language), wanted, signed_by(request, wanted.why))
    return {"numbers": [one.number for one in added], **_difference(key, before, dub)}


@router.post("/titles/{key}/{language}/edits/preview")
def preview(key: str, language: str, wanted: changing.WantedEdits, request: Request) -> dict[str, Any]:
    """What edits would make again, in how long and for how much; nothing is kept."""
    dub = seen(key, language).dub
    cost = cost_of(dub, dub.tried(changing.decided(dub, wanted, signed_by(request, wanted.why))))
    return {**cost.as_json(), "words": str(cost)}


@router.post("/titles/{key}/{language}/undo", status_code=201)
def undo(key: str, language: str, wanted: changing.Undo, request: Request) -> dict[str, Any]:
    """Take an edit back, by its number; taking that back restores it."""
    dub, before = opened(key, language), seen(key, language).lines
    added = dub.undo(wanted.number, signed_by(request, wanted.why))
    return {"numbers": [added.number], **_difference(key, before, dub)}


@router.get("/titles/{key}/{language}/history")
def history(
    key: str,
    language: str,
    line: Annotated[str, Query(max_length=40)] = "",
    latest: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> dict[str, Any]:
    """The latest edits, or those of a line (by its key), oldest first."""
    dub = seen(key, language).dub
    place = parsed_key(line)
    row = dub.row_at(*place) if place else None
    if line and row is None:
        raise BadInputError("There is no such line.")
    records = dub.history(row.line.id if row else None)
    undone = undone_by(dub.edits.records)
    return {"revision": revision_of(dub), "edits": [shown_edit(one, undone) for one in records[-latest:]]}


class Typed(BaseModel):
    """A text as it is typed, for a line (by its key); its times where they are being changed too."""

    model_config = ConfigDict(extra="forbid")

    line: Annotated[str, Field(max_length=40)]
    text: Text
    start_ms: Annotated[int, Field(ge=0, lt=1 << 31)] | None = None
    end_ms: Annotated[int, Field(ge=0, lt=1 << 31)] | None = None


@router.post("/titles/{key}/{language}/fit")
def fit(key: str, language: str, typed: Typed) -> dict[str, Any]:
    """How a text will fit its line, in syllables against the slot; nothing is kept."""
    found = seen(key, language)
    dub, row = found.dub, _row(found.dub, typed.line)
    times = {"start_ms": typed.start_ms, "end_ms": typed.end_ms}
    line = row.line.model_copy(update={name: value for name, value in times.items() if value is not None})
    return predicted(dub, row, typed.text, found.shown.measured, line).as_json()


@router.get("/titles/{key}/{language}/peaks/{lane}", response_class=Response)
def peaks(key: str, language: str, lane: Literal["source", "dub", "bed"]) -> Response:
    """The loudest sample of each 20 ms, a byte each: 255 is the lane's loudest. 204 where there is no such sound."""
    found = lanes.lane(key, seen(key, language).dub, lane)
    if found is None:
        return Response(status_code=204)
    return Response(found, media_type="application/octet-stream")


@router.get("/titles/{key}/{language}/lips")
def lips(key: str, language: str) -> dict[str, Any]:
    """What the lip sync did: ``[begin ms, end ms, edited or the reason why not]`` in order; null where not known."""
    return {"spans": lip_spans(seen(key, language).dub)}


@router.get("/titles/{key}/{language}/voices")
def voices(key: str, language: str) -> dict[str, Any]:
    """Names of voices that can say a line, as far as the backend says."""
    asked = links.asked_run(key)
    return {"voices": voices_of(asked, seen(key, language).dub.language) if asked else []}


@router.post("/titles/{key}/{language}/recordings", status_code=201)
async def recordings(key: str, language: str, request: Request) -> dict[str, Any]:
    """Take in a recorded take of a line, as ``application/octet-stream``; an edit (``recording``) then uses it."""
    sound = await request.body()
    return await run_in_threadpool(_recorded, key, language, sound)


@router.get("/titles/{key}/{language}/recordings/{name}", response_class=FileResponse)
def recorded(key: str, language: str, name: Annotated[str, Path(pattern="^[0-9a-f]{64}$")]) -> FileResponse:
    """A recorded take as it is used, a WAV; 404 for one that no edit of this language names."""
    dub = seen(key, language).dub
    named = any(edit.change.recording == name for edit in dub.edits.records)
    found = recording(dub.store, name) if named else None
    if found is None:
        raise HTTPException(404, "There is no such recorded take.")
    return FileResponse(path_of(found.audio), media_type="audio/wav")


@router.post("/titles/{key}/{language}/readings", status_code=202)
def read_line(key: str, language: str, wanted: readings.WantedReadings) -> dict[str, Any]:
    """Have the voice of a line read it in several ways, beside the dub; an edit (``take``) then uses one."""
    dub = seen(key, language).dub
    dub.check_open()
    row = _row(dub, wanted.line)
    _SPEAKING.begin((key, dub.language, wanted.line), dub, row, wanted.count)
    return _readings(key, dub, wanted.line)


@router.get("/titles/{key}/{language}/readings")
def line_readings(key: str, language: str, line: Annotated[str, Query(max_length=40)]) -> dict[str, Any]:
    """The readings of a line (by its key) as it is now, and whether more are being made."""
    return _readings(key, seen(key, language).dub, line)


@router.get("/titles/{key}/{language}/readings/{line}/{take}", response_class=FileResponse)
def reading(
    key: str, language: str, line: Annotated[str, Path(max_length=40)], take: Annotated[int, Path(ge=1, le=99)]
) -> FileResponse:
    """The sound of a reading, a WAV; 404 where it was not made of the line as it is now."""
    dub = seen(key, language).dub
    sound = readings.sound_of(dub, _row(dub, line), take)
    if sound is None:
        raise HTTPException(404, "There is no such reading.")
    return FileResponse(path_of(sound), media_type="audio/wav")


@router.post("/titles/{key}/{language}/make", status_code=202)
def make(key: str, language: str, _: Nothing) -> dict[str, Any]:
    """Dub the language again with its edits; only what they touch is made."""
    dub = seen(key, language).dub
    _MAKING.begin(key, dub.language, dub.folder)
    return _made(key, dub)


@router.get("/titles/{key}/{language}/make")
def made(key: str, language: str) -> dict[str, Any]:
    """How far that is, and whether the delivered dub has every edit."""
    return _made(key, seen(key, language).dub)


def _row(dub: DubLines, line: str) -> Row:
    place = parsed_key(line)
    row = dub.row_at(*place) if place else None
    if row is None:
        raise BadInputError("There is no such line.")
    return row


def _readings(key: str, dub: DubLines, line: str) -> dict[str, Any]:
    found, one = readings.shown_readings(dub, _row(dub, line)), _SPEAKING.of(key, dub.language, line)
    return {"state": one.state, "why": one.why, "readings": found}


def _recorded(key: str, language: str, sound: bytes) -> dict[str, Any]:
    dub = seen(key, language).dub
    dub.check_open()
    name, take = keep_recording(dub.store, sound)
    return {"recording": name, "duration_ms": take.duration_ms}


def _facts(key: str, dub: DubLines) -> dict[str, Any]:
    summary = read_json(dub.folder / "summary.json")
    known = summary.get("languages")
    language = known.get(dub.language, {}) if isinstance(known, dict) else {}
    qc = read_json(dub.folder / dub.language / "qc.json")
    return {
        "key": key,
        "title": dub.title,
        "language": dub.language,
        "language_name": display_name(dub.language),
        "source_language": dub.source_language,
        "duration_ms": dub.duration_ms,
        "revision": revision_of(dub),
        "state": str(language.get("state", "")),
        "why": str(language.get("why") or ""),
        "gates": qc.get("gates", []),
        "notes": [*dub.applied.notes, *([dub.applied.unreadable] if dub.applied.unreadable else [])],
        "master": language.get("master"),
        "report": language.get("report"),
    }


def worst_first(only: Collection[str] | None) -> list[dict[str, Any]]:
    """The languages of delivered titles, those whose quality is worst first; of these titles only, by key."""
    found = {key: title for key, title in links.delivered().items() if only is None or key in only}
    rows = [row for key, title in found.items() for row in languages_of(key, title.folder)]
    return sorted(rows, key=lambda row: (-row["failing"], -row["warning"], row["title"], row["tag"]))


def languages_of(key: str, folder: pathlib.Path) -> list[dict[str, Any]]:
    """The languages of a title, as its summary says."""
    summary = read_json(folder / "summary.json")
    known = summary.get("languages")
    found = []
    for tag, one in known.items() if isinstance(known, dict) else ():
        if not isinstance(one, dict):
            continue
        review = [gate.get("status") for gate in one.get("review") or () if isinstance(gate, dict)]
        found.append(
            {
                "key": key,
                "title": str(summary.get("title", "")),
                "tag": tag,
                "language": str(one.get("language", tag)),
                "state": str(one.get("state", "")),
                "why": str(one.get("why") or ""),
                "failing": review.count("fail") + (one.get("state") == "failed"),
                "warning": review.count("warn"),
                "report": one.get("report"),
                "master": one.get("master"),
            }
        )
    return found


def _difference(key: str, before: list[dict[str, Any]], dub: DubLines) -> dict[str, Any]:
    """The lines that are otherwise now, and the keys of those that are gone."""
    there, now = {row["key"]: row for row in before}, remember(key, dub.language, dub).lines
    keys = {row["key"] for row in now}
    return {
        "revision": revision_of(dub),
        "lines": [row for row in now if there.get(row["key"]) != row],
        "gone": [name for name in there if name not in keys],
        "notes": list(dub.applied.notes),
    }


def _made(key: str, dub: DubLines) -> dict[str, Any]:
    one, there = _MAKING.of(key, dub.language), making.standing_of(key, dub.language)
    since = making.delivered_lines(key, dub)
    cost = cost_of(dub, dub.applied, since) if since is not None else None
    return {
        "state": one.state,
        "why": one.why,
        "branch": there.state if there else "unknown",
        "step": there.step if there else "",
        "done": there.done if there else 0.0,
        "left_s": round(there.left_s) if there else 0,
        "up_to_date": bool(there and there.state in ("completed", "needs_review")),
        "cost": {**cost.as_json(), "words": str(cost)} if cost is not None else None,
        "revision": revision_of(dub),
    }


def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PolydubError)
    return JSONResponse(told(error.what, error.fix), 400 if isinstance(error, BadInputError) else 500)


def _not_possible(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse(told(str(error.detail)), error.status_code)


def _not_understood(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    return JSONResponse(told(f"{where or 'The body'}: {first['msg']}."[:500]), 422)


def _overtaken(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, changing.OvertakenError)
    dub, undone = error.dub, undone_by(error.dub.edits.records)
    now = [line for key, line in Shown(dub).by_key.items() if key in error.lines]
    body = {
        **told("Somebody changed it since you saw it.", "Look at the lines again."),
        "revision": revision_of(dub),
        "lines": now,
        "since": [shown_edit(one, undone) for one in error.since],
    }
    return JSONResponse(body, 409)

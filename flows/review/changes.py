"""Changes of a language as they come, by server-sent events: two people on one title see each other's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from flows.kept.decisions import Decisions
from flows.review.opened import seen

router = APIRouter()
_LOOK_S, _SILENT_S = 1.0, 15.0


@router.get("/me")
def me(request: Request) -> dict[str, str]:
    """Who asks, and what they may do: ``viewer``, ``reviewer``, ``editor`` or ``owner``, each what those before may."""
    return {"who": str(getattr(request.state, "who", "")), "role": str(getattr(request.state, "role", "owner"))}


@router.get("/titles/{key}/{language}/events")
def events(key: str, language: str, request: Request) -> StreamingResponse:
    """An event ``changed`` whenever somebody edited or decided, with the counts and who came last."""
    seen(key, language)
    stream = changes(lambda: state_of(key, language), request.is_disconnected)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def state_of(key: str, language: str) -> dict[str, Any]:
    """How many edits and decisions of a title's language there are now, and who made the last ones."""
    dub = seen(key, language).dub
    edits = dub.edits
    decisions = Decisions(dub.store, dub.name, dub.sha256, dub.language).records
    return {
        "revision": f"{dub.script[:16]}.{edits.count}",
        "edits": edits.count,
        "decisions": len(decisions),
        "edited_by": edits.records[-1].who if edits.records else "",
        "decided_by": decisions[-1].who if decisions else "",
    }


async def changes(
    look: Callable[[], dict[str, Any]],
    is_gone: Callable[[], Awaitable[bool]],
    look_s: float = _LOOK_S,
    silent_s: float = _SILENT_S,
) -> AsyncIterator[str]:
    """Events, the first at once; a comment where nothing changes for long, so that no proxy closes it.

    Args:
        look: the state now.
        is_gone: whether nobody listens any more.
        look_s: seconds between two looks.
        silent_s: seconds of silence at most.
    """
    last: dict[str, Any] | None = None
    silent = 0.0
    while not await is_gone():
        now = await run_in_threadpool(look)
        if now != last:
            last, silent = now, 0.0
            yield f"event: changed\ndata: {json.dumps(now)}\n\n"
        elif silent >= silent_s:
            silent = 0.0
            yield ": nothing new\n\n"
        await anyio.sleep(look_s)
        silent += look_s

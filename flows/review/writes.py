"""What a request must have that changes something: it comes from the page itself, or from a program that means it.

A form of another site can send a cookie, but neither JSON nor a header of its own; its origin and what the browser says
of it are refused before (`flows.service.own_origin`, `flows.review.guard`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

#: Every request that changes something has it, with any value: no form and no link can.
HEADER = "x-polydub"
_READS = frozenset({"GET", "HEAD"})
_OWN = frozenset({"", "same-origin", "none"})
_SCOPE = MutableMapping[str, Any]


class Writes:
    """Refuses requests that change something and are not what the page sends, or larger than anything it sends.

    Args:
        app: the ASGI application.
        largest: bytes of a body; of uploads, `largest_upload`.
        largest_upload: bytes of a body that is no JSON.
        uploads: ends of the paths that take one.
    """

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        largest: int = 4_000_000,
        largest_upload: int = 40_000_000,
        uploads: tuple[str, ...] = ("/recordings",),
    ) -> None:
        self._app, self._largest, self._largest_upload, self._uploads = app, largest, largest_upload, uploads

    async def __call__(self, scope: _SCOPE, receive: Any, send: Any) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] != "http" or scope["method"] in _READS:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        upload = str(scope["path"]).endswith(self._uploads)
        most = self._largest_upload if upload else self._largest
        if refusal := _refusal(request, upload=upload, most=most):
            status, what = refusal
            await JSONResponse(told(what), status)(scope, receive, send)
            return
        await self._app(scope, _bounded(receive, most), send)


def told(what: str, fix: str = "") -> dict[str, Any]:
    """An error as every endpoint answers it."""
    return {"error": {"what": what, "fix": fix}}


def _refusal(request: Request, *, upload: bool, most: int) -> tuple[int, str] | None:
    headers = request.headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    length = headers.get("content-length", "")
    if headers.get("sec-fetch-site", "") not in _OWN:
        return 403, "Another site's page may not change anything."
    if not headers.get(HEADER):
        return 403, f"A request that changes something has the header {HEADER}."
    if upload and kind != "application/octet-stream":
        return 415, "A file is sent as application/octet-stream."
    if not upload and kind != "application/json":
        return 415, "What changes something is sent as application/json."
    if not length.isascii() or not length.isdigit():
        return 411, "The length of the body is not given."
    if int(length) > most:
        return 413, f"The body is larger than {most} bytes."
    return None


def _bounded(receive: Any, most: int) -> Callable[[], Awaitable[Any]]:
    """A body that says it is smaller than it is ends where it may not go on."""
    taken = 0

    async def bounded() -> Any:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > most else message

    return bounded

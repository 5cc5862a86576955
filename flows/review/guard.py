"""Who may use the review server: who has its password, or came by an address with its token."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

_COOKIE = "polydub-review"
_ASKS = {"WWW-Authenticate": 'Basic realm="Polydub", charset="UTF-8"'}
#: Nothing of it is shown inside another site's page, guessed to be of another kind, or kept by a proxy.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}

Next = Callable[[Request], Awaitable[Response]]


class Guard:
    """Lets requests through that show the password, as browsers ask for it, or the token.

    A token in an address (``?token=``) is taken over into a cookie of this server, and leaves the address.

    Args:
        password: ``user:password``.
        token: of this server.
    """

    def __init__(self, password: str, token: str) -> None:
        self._password, self._token = password, token

    async def __call__(self, request: Request, call_next: Next) -> Response:
        """Answer a request, or have it answered."""
        answer = await self._answer(request, call_next)
        answer.headers.update({name: value for name, value in _HEADERS.items() if name not in answer.headers})
        return answer

    async def _answer(self, request: Request, call_next: Next) -> Response:
        if (
            request.headers.get("sec-fetch-site") == "cross-site"
            and request.headers.get("sec-fetch-mode") != "navigate"
        ):
            return PlainTextResponse("Another site's page may not use this server.\n", 403)
        if _same(request.query_params.get("token", ""), self._token):
            others = [(name, value) for name, value in request.query_params.multi_items() if name != "token"]
            plain = request.url.path + (f"?{urlencode(others)}" if others else "")
            answer = RedirectResponse("/" + plain.lstrip("/"), 303)
            answer.set_cookie(_COOKIE, self._token, httponly=True, samesite="lax", secure=request.url.scheme == "https")
            return answer
        if _same(request.cookies.get(_COOKIE, ""), self._token) or _same(_basic(request), self._password):
            return await call_next(request)
        return PlainTextResponse("This server asks for its password, or for the token in its address.\n", 401, _ASKS)


def _basic(request: Request) -> str:
    """What a browser was given as name and password; empty if nothing, or no such thing."""
    kind, _, words = request.headers.get("authorization", "").partition(" ")
    try:
        return base64.b64decode(words, validate=True).decode() if kind.lower() == "basic" else ""
    except (binascii.Error, ValueError):
        return ""


def _same(given: str, known: str) -> bool:
    return bool(known) and hmac.compare_digest(given.encode(), known.encode())

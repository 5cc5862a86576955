"""Who may use the review server, and for what: who has its password or a token, or whom the operator's proxy names."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from flows.review import audit
from flows.review.people import Person, Proxy, Role, may, people, person_of, proxied
from tasks.records.errors import BadInputError

_COOKIE = "polydub-review"
_ASKS = {"WWW-Authenticate": 'Basic realm="Polydub", charset="UTF-8"'}
#: Nothing of it is shown inside another site's page, guessed to be of another kind, or kept by a proxy.
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), display-capture=()",
}

_log = logging.getLogger(__name__)

Next = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Asking:
    """Who asks: name (empty for the one whose server it is) and role; ``cookie``: what their browser keeps of it."""

    name: str
    role: Role
    cookie: str = ""


class Guard:
    """Lets requests through that show the password, as browsers ask for it, or a token, and that their role may make.

    A token in an address (``?token=``) is taken over into a cookie of this server, and leaves the address. Programs
    send it as ``Authorization: Bearer``. What changes something, and what is refused, stands in the audit log.

    Args:
        password: ``user:password``; who has it is the owner.
        token: of this server, likewise.
        proxy: the operator's, whose word counts for who asks.
    """

    def __init__(self, password: str, token: str, proxy: Proxy | None = None) -> None:
        self._password, self._token = password, token
        self._proxy = Proxy.of_environment() if proxy is None else proxy

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
            return _noted(request, None, PlainTextResponse("Another site's page may not use this server.\n", 403))
        if named := request.query_params.get("token", ""):
            who = self._by_token(named)
            if who is not None:
                return _without_token(request, who)
        who = self._who(request)
        if who is None:
            asked = "This server asks for its password, or for the token in its address.\n"
            return _noted(request, None, PlainTextResponse(asked, 401, _ASKS))
        request.state.who, request.state.role = who.name, who.role
        if not may(who.role, request.method, request.url.path):
            refused = {"error": {"what": f"A {who.role} may not do that.", "fix": "Ask the owner for another role."}}
            return _noted(request, who, JSONResponse(refused, 403))
        answer = await call_next(request)
        return answer if request.method in ("GET", "HEAD") else _noted(request, who, answer)

    def _who(self, request: Request) -> Asking | None:
        kind, _, words = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return _by_person(words.strip())
        if _same(_basic(request), self._password):
            return Asking("", "owner")
        if (cookie := request.cookies.get(_COOKIE, "")) and (who := self._by_token(cookie)):
            return who
        return self._by_proxy(request)

    def _by_token(self, token: str) -> Asking | None:
        if _same(token, self._token):
            return Asking("", "owner", token)
        return _by_person(token)

    def _by_proxy(self, request: Request) -> Asking | None:
        """Whom the proxy names; the header of anybody else counts for nothing."""
        name = request.headers.get(self._proxy.header, "")
        if not name or request.client is None or request.client.host not in self._proxy.peers:
            return None
        person = proxied(name, _known())
        return Asking(person.name, person.role) if person else None


def _by_person(token: str) -> Asking | None:
    person = person_of(token, _known())
    return Asking(person.name, person.role, token) if person else None


def _without_token(request: Request, who: Asking) -> Response:
    """To the same address without its token, which a cookie keeps."""
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "token"]
    plain = request.url.path + (f"?{urlencode(others)}" if others else "")
    answer = RedirectResponse("/" + plain.lstrip("/"), 303)
    answer.set_cookie(_COOKIE, who.cookie, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return answer


def _noted(request: Request, who: Asking | None, answer: Response) -> Response:
    peer = request.client.host if request.client else ""
    name, role = (who.name or "owner", who.role) if who else ("", "")
    audit.note(name, role, peer, (request.method, request.url.path), answer.status_code)
    return answer


def _known() -> tuple[Person, ...]:
    """Everybody who is known; nobody where the file cannot be read."""
    try:
        return people()
    except BadInputError as error:
        _log.warning("%s", error)
        return ()


def _basic(request: Request) -> str:
    """What a browser was given as name and password; empty if nothing, or no such thing."""
    kind, _, words = request.headers.get("authorization", "").partition(" ")
    try:
        return base64.b64decode(words, validate=True).decode() if kind.lower() == "basic" else ""
    except (binascii.Error, ValueError):
        return ""


def _same(given: str, known: str) -> bool:
    return bool(known) and hmac.compare_digest(given.encode("utf-8", "replace"), known.encode())

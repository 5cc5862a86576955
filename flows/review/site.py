"""The review server: its pages and endpoints, and reports and films, of which a browser asks for parts."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from collections.abc import Callable, Collection
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from flows.kept import links
from flows.printed import Console
from flows.review import pages
from flows.review.api import api
from flows.review.guard import Guard
from flows.review.writes import Writes
from flows.service.login import password
from flows.service.own_origin import OwnOrigin, host_names
from flows.service.server import require_port
from tasks.records.errors import BadInputError
from tasks.report.report import SOURCE

PORT = 4201
_STARTS_S = 1.0
_ENDS_S = 2  # pages listen as long as they are open
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TYPES = {".mkv": "video/x-matroska", ".srt": "text/plain; charset=utf-8", ".vtt": "text/vtt; charset=utf-8"}
_TYPES |= {".m4a": "audio/mp4", ".m4b": "audio/mp4", ".mka": "audio/x-matroska", ".flac": "audio/flac"}
_TYPES |= {".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav", ".mp3": "audio/mpeg"}


def app(token: str, only: Collection[str] | None = None) -> Starlette:
    """The server's application.

    Args:
        token: that its address may carry instead of the password.
        only: keys of the titles that it lists; None: all.
    """
    routes = [
        *pages.ROUTES,
        Mount("/api/v1", api(only)),
        Route("/titles/{key}/" + SOURCE, _source),
        Route("/titles/{key}/{place:path}", _deliverable),
    ]
    guards = [
        Middleware(OwnOrigin, hosts=host_names()),
        Middleware(BaseHTTPMiddleware, dispatch=Guard(password(), token)),
        Middleware(Writes),
    ]
    site = Starlette(routes=routes, middleware=guards, exception_handlers={HTTPException: _refusal})
    site.router.redirect_slashes = False
    site.state.only = only
    return site


def serve(host: str, port: int) -> None:
    """Serve what was delivered until it is stopped.

    Args:
        host: address to listen on.
        port: port to listen on.

    Raises:
        BadInputError: the port cannot be used.
    """
    require_port(host, port)
    token, url = secrets.token_urlsafe(24), _url(host, port)
    lines = [f"Reports and masters: {url}/?token={token}"]
    if host not in _LOOPBACK:
        lines.append("It is not encrypted: put a proxy with TLS before it, and name that as POLYDUB_REVIEW_URL.")
    _tell(*lines)
    with links.serving(url):
        _listen(app(token), host, port)


def review(only: Collection[str] | None, port: int | None, opened: Callable[[str], object] | None) -> None:
    """Serve the review page on this machine until it is stopped.

    Args:
        only: keys of the titles that are listed; None: all.
        port: to listen on; None: the usual one, or any where that is taken.
        opened: called with its address, which has the token; None: it is only printed.

    Raises:
        BadInputError: the port cannot be used.
    """
    host = _LOOPBACK[0]
    port = _free(host) if port is None else port
    require_port(host, port)
    token, url = secrets.token_urlsafe(24), _url(host, port)
    address = f"{url}/?token={token}"
    _tell(f"Review page: {address}", "It stops with Ctrl-C.")
    if opened is not None:
        threading.Timer(_STARTS_S, opened, [address]).start()
    with contextlib.nullcontext() if links.site() else links.serving(url):
        _listen(app(token, only), host, port)


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _tell(*lines: str) -> None:
    for line in lines:
        Console(stderr=True).print(line, soft_wrap=True, markup=False, highlight=False)


def _listen(site: Starlette, host: str, port: int) -> None:
    import uvicorn

    uvicorn.run(site, host=host, port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=_ENDS_S)


def _free(host: str) -> int:
    """The usual port, or any if another program has that."""
    try:
        require_port(host, PORT)
        return PORT
    except BadInputError:
        with socket.socket() as probe:
            probe.bind((host, 0))
            return int(probe.getsockname()[1])


def _deliverable(request: Request) -> Response:
    """A file of a delivered title; ranges of it are answered, as players ask for them."""
    title, place = links.delivered_title(request.path_params["key"]), request.path_params["place"]
    if title is None or any(part.startswith(".") for part in place.split("/")):
        raise HTTPException(404)
    path = title.folder / place
    try:
        inside = path.resolve(strict=True).is_relative_to(title.folder.resolve())
    except (OSError, RuntimeError, ValueError):  # not there, a name that is none or too long, a loop of links
        raise HTTPException(404) from None
    if not inside or not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, media_type=_TYPES.get(path.suffix.lower()))


def _source(request: Request) -> Response:
    """The source of a delivered title, beside which its report plays the dub."""
    title = links.delivered_title(request.path_params["key"])
    if title is None or not Path(title.source).is_file():  # nor one that only a remote store has
        raise HTTPException(404)
    return FileResponse(title.source, media_type=_TYPES.get(Path(title.source).suffix.lower()))


def _refusal(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return PlainTextResponse("There is no such file here.\n" if status == 404 else "Not possible.\n", status)

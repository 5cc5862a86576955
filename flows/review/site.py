"""The review server: the list of delivered titles, and their reports and films, of which a browser asks for parts."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import jinja2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from flows.kept import links
from flows.printed import Console
from flows.review.api import api
from flows.review.guard import Guard
from flows.review.writes import Writes
from flows.service.login import password
from flows.service.own_origin import OwnOrigin, host_names
from flows.service.server import require_port
from tasks.report.report import SOURCE
from tasks.words.visible import visible

PORT = 4201
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: What the list of titles may do: show itself.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_TYPES = {".mkv": "video/x-matroska", ".srt": "text/plain; charset=utf-8", ".vtt": "text/vtt; charset=utf-8"}


def app(token: str) -> Starlette:
    """The server's application.

    Args:
        token: that its address may carry instead of the password.
    """
    routes = [
        Route("/", _titles),
        Mount("/api/v1", api()),
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
    import uvicorn

    token = secrets.token_urlsafe(24)
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    lines = [f"Reports and masters: {url}/?token={token}"]
    if host not in _LOOPBACK:
        lines.append("It is not encrypted: put a proxy with TLS before it, and name that as POLYDUB_REVIEW_URL.")
    for line in lines:
        Console(stderr=True).print(line, soft_wrap=True, markup=False, highlight=False)
    with links.serving(url):
        uvicorn.run(app(token), host=host, port=port, log_level="warning", server_header=False)


def _titles(request: Request) -> Response:
    rows = [row for key, title in links.delivered().items() for row in _rows(key, title.folder)]
    return HTMLResponse(_page(rows), headers={"Content-Security-Policy": _POLICY})


def _rows(key: str, folder: Path) -> list[dict[str, Any]]:
    """The languages of a title, as its summary says."""
    try:
        summary = json.loads((folder / "summary.json").read_bytes())
        title, languages = str(summary["title"]), dict(summary["languages"])
        return [
            {
                "title": visible(title),
                "language": visible(str(one["language"])),
                "state": str(one["state"]).replace("_", " "),
                "why": visible(str(one.get("why") or "")),
                "report": _place(key, one["report"]),
                "master": _place(key, one["master"]),
            }
            for one in languages.values()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def _place(key: str, place: str | None) -> str:
    return f"titles/{key}/{links.quoted(place)}" if place else ""


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


def _page(rows: list[dict[str, Any]]) -> str:
    here = jinja2.Environment(
        loader=jinja2.PackageLoader("flows.review", "."), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return here.get_template("titles.html.j2").render(rows=rows)

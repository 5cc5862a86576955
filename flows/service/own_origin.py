"""The Prefect server as started by Polydub: only its own pages and clients may use it, and only with the password.

A page of another site that is open in a browser on this machine can reach loopback. Its requests carry its origin, or,
after DNS rebinding, a foreign host name: both are rejected before any other processing, and logged.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from flows.service.login import password
from flows.service.server import require_port

_Scope = MutableMapping[str, Any]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Application = Callable[[_Scope, Any, _Send], Awaitable[None]]

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(\d{1,5}))?", re.IGNORECASE | re.ASCII)
_logger = logging.getLogger("uvicorn.error")  # the server's own log


class OwnOrigin:
    """Admits requests to one of the server's host names that do not come from a page of another origin.

    Args:
        app: the protected ASGI application; HTTP and WebSocket.
        hosts: the server's host names, without port.
    """

    def __init__(self, app: _Application, hosts: Iterable[str]) -> None:
        self._app, self._hosts = app, frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: _Scope, receive: Any, send: _Send) -> None:
        """Handle one request.

        Args:
            scope: of ASGI.
            receive: of ASGI.
            send: of ASGI.
        """
        if scope["type"] not in ("http", "websocket") or not (refusal := self._refusal(scope["headers"])):
            await self._app(scope, receive, send)
            return
        status, why = refusal
        _logger.warning("Refused %s %.200r: %s", scope.get("method", "WebSocket"), scope["path"], why)
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": why})
            return
        kind = [(b"content-type", b"text/plain; charset=utf-8")]
        await send({"type": "http.response.start", "status": status, "headers": kind})
        await send({"type": "http.response.body", "body": f"{why}\n".encode()})

    def _refusal(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str] | None:
        """Status and reason of a rejection; None if the request is allowed."""
        named = [value.decode("latin-1") for name, value in headers if name == b"host"]
        host = _HOST.fullmatch(named[0]) if len(named) == 1 else None
        if host is None or host[1].lower() not in self._hosts:
            return 400, f"{_shown(named)} is not a host name of this server (add it to POLYDUB_SERVER_HOSTS)."
        for origin in (value.decode("latin-1") for name, value in headers if name == b"origin"):
            if not self._is_own(origin, host):
                return 403, f"A page of {_shown([origin])} may not use this server."
        return None

    def _is_own(self, origin: str, host: re.Match[str]) -> bool:
        """Whether it is a page of the requested host, or of another of the server's names at its or a proxy's port."""
        scheme, _, place = origin.partition("://")
        page = _HOST.fullmatch(place)
        if scheme not in ("http", "https") or page is None:
            return False
        if place.lower() == host[0].lower() or origin in _proxies():
            return True
        return page[1].lower() in self._hosts and page[2] == host[2]


def app() -> Any:
    """Prefect's server, protected: for uvicorn (``--factory``), and for `serve`.

    Its password is ``PREFECT_SERVER_API_AUTH_STRING``, else that of this installation.
    """
    os.environ["PREFECT_SERVER_API_AUTH_STRING"] = password()
    os.environ.setdefault("PREFECT_SERVER_CORS_ALLOWED_ORIGINS", ",".join(_proxies()) or "http://127.0.0.1:4200")
    from prefect.server.api.server import create_app

    application = create_app()
    application.add_middleware(OwnOrigin, hosts=host_names())
    return application


def serve(host: str, port: int, services: bool) -> None:
    """Run the protected server until it is stopped.

    Args:
        host: address to listen on.
        port: port to listen on.
        services: run the background services in this process too; otherwise they run elsewhere.

    Raises:
        BadInputError: the port cannot be used.
    """
    require_port(host, port)
    import uvicorn

    os.environ["PREFECT__SERVER_FINAL"] = "1"
    if not services:
        os.environ["PREFECT__SERVER_WEBSERVER_ONLY"] = "1"
    os.environ.setdefault(
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS",
        ",".join([*(f"http://{name}:{port}" for name in _LOOPBACK), *_proxies()]),
    )
    uvicorn.run(app(), host=host, port=port, log_level="info", ws_ping_interval=20.0, ws_ping_timeout=20.0)


def host_names() -> list[str]:
    """Loopback's names, the page's address, and those of ``POLYDUB_SERVER_HOSTS``, separated by commas."""
    more = [name.strip() for name in os.environ.get("POLYDUB_SERVER_HOSTS", "").split(",") if name.strip()]
    pages = [found[1] for page in _proxies() if (found := _HOST.fullmatch(page.partition("://")[2]))]
    return [*_LOOPBACK, *pages, *more]


def _proxies() -> list[str]:
    """The origin at which a proxy shows the server's page (``PREFECT_SERVER_UI_API_URL``)."""
    page = urlsplit(os.environ.get("PREFECT_SERVER_UI_API_URL") or os.environ.get("PREFECT_UI_API_URL") or "")
    return [f"{page.scheme}://{page.netloc}"] if page.scheme and page.netloc else []


def _shown(names: list[str]) -> str:
    return ascii(", ".join(names) or "no host")[:120]

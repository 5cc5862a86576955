"""A webhook's answer that names another address is not followed."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flows.night import notify


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_webhook_does_not_follow_redirects(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            return None

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HOOK", f"http://127.0.0.1:{server.server_port}/hook")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(notify, "_payload", lambda *_: {})
        told = notify._try(lambda: notify._post("HOOK", cast(Any, SimpleNamespace()), []))
        server.shutdown()
    assert asked == ["/hook"]
    assert told == f"the server returned status {status}"

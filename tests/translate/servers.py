"""Local servers that speak the hosted translators' protocols, as their documentation gives them."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Recorded(BaseHTTPRequestHandler):
    """Keeps each request's query; answers ``status``, ``body`` or after ``wait_s``, where the server has those set."""

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        self.server.asked.append({"method": self.command, "path": address.path, **query})
        time.sleep(self.server.wait_s)
        body = self.server.body if self.server.body is not None else self.translated(query)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(self.server.status)
            self.end_headers()
            self.wfile.write(body.encode())

    def translated(self, query: dict[str, str]) -> str:
        """The body of a good answer, as the provider writes it."""
        return query.get("q", "")


class LibreServer(Recorded):
    """LibreTranslate: ``POST /translate`` with q, source, target; ``{"translatedText": ...}``."""

    def translated(self, query: dict[str, str]) -> str:
        return json.dumps({"translatedText": f"<{query['target']}> {query['q']}"})


class GooglePage(Recorded):
    """The mobile page: ``GET ?sl=&tl=&q=``; the translation in ``div.result-container``."""

    def translated(self, query: dict[str, str]) -> str:
        from html import escape

        return f'<html><body><div class="result-container">{escape(query["q"].upper())}</div></body></html>'


class MyMemory(Recorded):
    """``GET ?langpair=a|b&q=``; ``{"responseData": {"translatedText": ...}, "matches": []}``, HTML-escaped."""

    def translated(self, query: dict[str, str]) -> str:
        text = query["q"].upper().replace("'", "&#39;")
        return json.dumps({"responseData": {"translatedText": text}, "responseStatus": 200, "matches": []})


class DeepL(Recorded):
    """``/translate`` with auth_key, text; ``{"translations": [{"text": ...}]}``."""

    def translated(self, query: dict[str, str]) -> str:
        return json.dumps({"translations": [{"text": query["text"].upper()}]})


@contextlib.contextmanager
def serving(kind: type[Recorded]) -> Iterator[tuple[str, Any]]:
    """A server of that kind on a free port: its address, and itself to set and to read."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.asked, server.status, server.body, server.wait_s = [], 200, None, 0.0
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

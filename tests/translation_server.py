"""Local stand-ins for hosted translators, after their documented protocols; faults on demand."""

from __future__ import annotations

import contextlib
import html
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit


@dataclass
class Translations:
    """What the server was asked, and how it shall answer (the words of a text reversed, behind the target's code)."""

    url: str = ""
    status: int = 200
    delay_s: float = 0.0
    body: str | None = None
    asked: list[dict[str, str]] = field(default_factory=list)


@contextlib.contextmanager
def translation_server() -> Iterator[Translations]:
    """Google at ``/google``, LibreTranslate under ``/libre/``, MyMemory at ``/mymemory``, DeepL under ``/deepl/``."""
    state = Translations()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._answer()

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            state.asked.append({"path": parts.path, **query})
            time.sleep(state.delay_s)
            body = state.body if state.body is not None else _body(parts.path, query)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(state.status)
                self.end_headers()
                self.wfile.write(body.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def _body(path: str, query: dict[str, str]) -> str:
    if path.startswith("/google"):
        text = _translated(query["q"], query["tl"])
        return f'<html><body><div class="result-container">{html.escape(text)}</div></body></html>'
    if path.startswith("/libre"):
        return json.dumps({"translatedText": _translated(query["q"], query["target"])})
    if path.startswith("/mymemory"):
        text = _translated(query["q"], query["langpair"].split("|")[1])
        return json.dumps({"responseData": {"translatedText": text}, "matches": []})
    return json.dumps({"translations": [{"text": _translated(query["text"], query["target_lang"])}]})


def _translated(text: str, target: str) -> str:
    return f"({target}) {' '.join(reversed(text.split()))}"

"""Local servers that speak the hosted translators' protocols, as their documentation gives them."""

from __future__ import annotations

import contextlib
import json
import threading
from abc import ABC, abstractmethod
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
        self.server.released.wait(self.server.wait_s)
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


class JsonService(BaseHTTPRequestHandler, ABC):
    """JSON in, JSON out; keeps every request, and first plays the faults that the server was given, one a request.

    A fault: ``status``, ``body`` (text), ``headers``, ``wait_s``, ``drip_s`` (after each letter); what it leaves out is
    as in a good answer.
    """

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else {}
        asked = {"method": self.command, "path": self.path, "body": body, "headers": dict(self.headers)}
        self.server.asked.append(asked)
        counts = self.command == "POST"
        fault = self.server.faults.pop(0) if counts and self.server.faults else {}
        self.server.released.wait(fault.get("wait_s", 0.0))
        status, text = fault.get("status", 200), fault.get("body")
        if text is None:
            status, answer = (status, {"message": "told to fail"}) if status != 200 else self.good(body)
            text = json.dumps(answer)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            for name, value in fault.get("headers", {}).items():
                self.send_header(name, value)
            self.end_headers()
            for letter in text if "drip_s" in fault else [text]:
                self.wfile.write(letter.encode())
                self.server.released.wait(fault.get("drip_s", 0.0))

    @abstractmethod
    def good(self, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and body as the provider's documentation has them."""

    def spoken(self, text: str) -> str:
        """The translation of a text: the server's own, else a sentence that is certainly Spanish."""
        return self.server.answers.get(text, f"Esta frase está escrita en español: {text.split()[-1]}")


class LibreJson(JsonService):
    """LibreTranslate 1.x: ``q`` as a list, ``translatedText`` as a list; ``GET /languages``."""

    def good(self, body: dict[str, Any]) -> tuple[int, Any]:
        if self.path == "/languages":
            codes = ["en", "es", "fr", "pt-BR", "zh-Hans"]
            return 200, [{"code": code, "name": code, "targets": codes} for code in codes]
        if set(body) - {"q", "source", "target", "format", "api_key", "alternatives"}:
            return 400, {"error": "unknown field"}
        answer = {"translatedText": [self.spoken(text) for text in body["q"]]}
        if "alternatives" in body:
            answer["alternatives"] = [self.server.candidates.get(text, []) for text in body["q"]]
        return 200, answer


class DeepLJson(JsonService):
    """DeepL v2: the key in the header, up to 50 texts; unknown fields and a bare ``EN`` target are refused."""

    KNOWN = frozenset(
        {"text", "source_lang", "target_lang", "formality", "glossary_id", "context", "preserve_formatting"}
    )

    def good(self, body: dict[str, Any]) -> tuple[int, Any]:
        if not self.headers.get("Authorization", "").startswith("DeepL-Auth-Key "):
            return 403, {"message": "Forbidden"}
        if set(body) - self.KNOWN or len(body["text"]) > 50 or body["target_lang"] in ("EN", "PT"):
            return 400, {"message": "Bad request"}
        translations = [{"detected_source_language": "EN", "text": self.spoken(text)} for text in body["text"]]
        return 200, {"translations": translations}


class ChatServer(JsonService):
    """OpenAI's chat completions. ``server.replies`` (texts) are said first; then a good answer to what was asked."""

    def good(self, body: dict[str, Any]) -> tuple[int, Any]:
        if self.path != "/v1/chat/completions" or [m["role"] for m in body["messages"]] != ["system", "user"]:
            return 404, {"error": {"message": "not found"}}
        asked = json.loads(body["messages"][1]["content"])
        said = self.server.replies.pop(0) if self.server.replies else json.dumps({"lines": self._lines(asked)})
        message = {"role": "assistant", "content": said}
        return 200, {"id": "c1", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}

    def _lines(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        if asked["lines"] and "wanted" in asked["lines"][0]:
            given = self.server.candidates
            return [{"id": line["id"], "candidates": given.get(line["text"], [])} for line in asked["lines"]]
        return [{"id": line["id"], "text": self.spoken(line["text"])} for line in asked["lines"]]


def posts(server: Any) -> list[dict[str, Any]]:
    """The bodies of the ``POST`` requests so far."""
    return [asked["body"] for asked in server.asked if asked["method"] == "POST"]


@contextlib.contextmanager
def serving(kind: type[BaseHTTPRequestHandler]) -> Iterator[tuple[str, Any]]:
    """A server of that kind on a free port: its address, and itself to set and to read."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    server.released = threading.Event()  # whoever waits need not wait any longer
    server.asked, server.status, server.body, server.wait_s = [], 200, None, 0.0
    server.faults, server.answers, server.replies, server.candidates = [], {}, [], {}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()

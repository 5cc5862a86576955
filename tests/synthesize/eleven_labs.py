"""A local server that speaks ElevenLabs' protocol as its documentation gives it. What it says is a hum."""

from __future__ import annotations

import base64
import contextlib
import email
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

KEY = "xi-secret-0123456789abcdef"
VOICES = {"aria": "female", "brian": "male", "carl": "male", "dora": "female"}
_FIELDS = {
    "text", "model_id", "language_code", "voice_settings", "seed", "previous_text", "next_text",
    "previous_request_ids", "next_request_ids", "apply_text_normalization",
}  # fmt: skip
_SETTINGS = {"stability", "similarity_boost", "style", "use_speaker_boost", "speed"}
_CLONE_FIELDS = {"name", "files", "remove_background_noise", "description", "labels"}
_RATE = 24_000


class ElevenLabs(BaseHTTPRequestHandler):
    """``server.asked`` has every request; ``server.faults`` are answered first: (status, body, headers)."""

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self._take({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = self.headers["Content-Type"].startswith("multipart/form-data")
        self._take(_form(self.headers["Content-Type"], body) if form else json.loads(body))

    def _take(self, body: dict[str, Any]) -> None:
        self.server.asked.append({"path": self.path, "body": body, "headers": dict(self.headers)})
        if self.server.faults:
            return self._send(*self.server.faults.pop(0))
        if self.headers.get("xi-api-key") != KEY:
            detail = {"status": "invalid_api_key", "message": f"Invalid API key {self.headers.get('xi-api-key')}"}
            return self._send(401, {"detail": detail})
        if self.path == "/v1/voices":
            voices = [{"voice_id": name, "name": name, "labels": {"gender": sex}} for name, sex in VOICES.items()]
            return self._send(200, {"voices": [*voices, *self.server.cloned]})
        if self.path == "/v1/voices/add":
            return self._clone(body)
        found = re.fullmatch(r"/v1/text-to-speech/([^/?]+)/with-timestamps\?output_format=pcm_24000", self.path)
        if not found:
            return self._send(404, {"detail": "Not Found"})
        if found[1] not in {*VOICES, *(voice["voice_id"] for voice in self.server.cloned)}:
            return self._send(404, {"detail": {"status": "voice_not_found", "message": "No such voice."}})
        return self._speak(body)

    def _clone(self, form: dict[str, Any]) -> None:
        if set(form) - _CLONE_FIELDS or not form.get("name") or not form.get("files", b"").startswith(b"RIFF"):
            return self._send(422, {"detail": [{"loc": ["body"], "msg": "field required", "type": "value_error"}]})
        voice = f"cloned{len(self.server.cloned)}"
        self.server.cloned.append({"voice_id": voice, "name": form["name"], "labels": {}})
        if self.server.lost:
            return self._send(*self.server.lost.pop())
        self._send(200, {"voice_id": voice, "requires_verification": False})

    def _speak(self, body: dict[str, Any]) -> None:
        unknown = (set(body) - _FIELDS) | (set(body.get("voice_settings", {})) - _SETTINGS)
        untold = body["model_id"] == "eleven_multilingual_v2" and "language_code" in body
        if unknown or untold or not body.get("text"):
            said = [{"loc": ["body", *sorted(unknown)], "msg": "not permitted", "type": "value_error"}]
            return self._send(422, {"detail": said})
        text = re.sub(r"<[^>]+>", "", body["text"])
        length = int(_RATE * 0.06 * len(text) / body["voice_settings"]["speed"])
        hum = 0.2 * np.sin(2 * np.pi * (150 + 20 * body["seed"]) * np.arange(length) / _RATE)
        padded = np.concatenate([np.zeros(_RATE // 2), hum, np.zeros(_RATE // 2)])
        each = length / _RATE / len(text)
        alignment = {
            "characters": list(text),
            "character_start_times_seconds": [0.5 + each * n for n in range(len(text))],
            "character_end_times_seconds": [0.5 + each * (n + 1) for n in range(len(text))],
        }
        sound = base64.b64encode((padded * 32767).astype("<i2").tobytes()).decode()
        self._send(200, {"audio_base64": sound, "alignment": alignment, "normalized_alignment": alignment})

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())


def _form(kind: str, body: bytes) -> dict[str, Any]:
    """The parts of a form: text, or the bytes of a file."""
    parsed = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    parts: dict[str, Any] = {}
    for part in parsed.get_payload():
        content = part.get_payload(decode=True)
        parts[part.get_param("name", header="content-disposition")] = (
            content if part.get_filename() else content.decode()
        )
    return parts


@contextlib.contextmanager
def eleven_labs() -> Iterator[tuple[str, Any]]:
    """The server on a free port: its address, and itself to set and to read."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), ElevenLabs)
    server.asked, server.faults = [], []
    server.cloned, server.lost = [], []  # voices made; answers in place of the good one, although the voice is made
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

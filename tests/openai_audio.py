"""A local server with OpenAI's ``/v1/audio/speech`` and ``/v1/audio/transcriptions``, as its reference gives them.

What it says is a hum, as long as the text at the asked speed. What it hears are its ``words``, spread evenly over the
sound, in one of the shapes that servers in the field answer with.
"""

from __future__ import annotations

import contextlib
import email
import io
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import soundfile

KEY = "sk-secret-0123456789abcdef"
VOICES = ("alloy", "onyx", "nova", "echo")
_SPEECH = {"model", "input", "voice", "response_format", "speed", "instructions", "stream_format"}
_HEARING = {"file", "model", "language", "prompt", "response_format", "temperature", "timestamp_granularities[]"}
_RATE = 24_000
_CODECS = {"mp3": "libmp3lame", "opus": "libopus", "aac": "aac"}
_MUXERS = {"mp3": "mp3", "opus": "ogg", "aac": "adts"}


class OpenAiAudio(BaseHTTPRequestHandler):
    """``server.asked`` has every request; ``server.faults`` are answered first: (status, body, headers).

    A body is text, bytes, or what becomes JSON. ``server.known`` are further fields that this server takes;
    ``server.shape`` of its transcripts: ``words``, ``nested``, ``segments``, ``nanoseconds`` or ``text``;
    ``server.terse`` refuses ``verbose_json``; ``server.key`` is asked for where it is set.
    """

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self.server.asked.append({"path": self.path, "headers": dict(self.headers), "body": {}})
        if self.path == "/v1/audio/voices" and self.server.lists:
            return self._send(200, {"voices": list(VOICES)})
        return self._send(
            404, {"error": {"message": f"Invalid URL (GET {self.path})", "type": "invalid_request_error"}}
        )

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        form = self.headers["Content-Type"].startswith("multipart/form-data")
        body = _form(self.headers["Content-Type"], content) if form else json.loads(content)
        self.server.asked.append({"path": self.path, "headers": dict(self.headers), "body": body})
        if self.server.faults:
            return self._send(*self.server.faults.pop(0))
        if self.server.key and self.headers.get("Authorization") != f"Bearer {self.server.key}":
            told = f"Incorrect API key provided: {self.headers.get('Authorization')}."
            return self._refuse(401, told)
        if self.path == "/v1/audio/speech" and not form:
            return self._speak(body)
        if self.path == "/v1/audio/transcriptions" and form:
            return self._hear(body)
        return self._refuse(404, f"Invalid URL (POST {self.path})")

    def _speak(self, body: dict[str, Any]) -> None:
        if unknown := set(body) - _SPEECH - self.server.known:
            return self._refuse(400, f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}")
        if not body.get("input") or len(body["input"]) > 4096:
            return self._refuse(400, "'input' must have 1 to 4096 characters")
        if body["voice"] not in VOICES:
            return self._refuse(400, f"Invalid value: '{body['voice']}'. Supported values are voices {VOICES}.")
        if not 0.25 <= body.get("speed", 1.0) <= 4.0:
            return self._refuse(400, "'speed' must be between 0.25 and 4.0")
        length = int(_RATE * 0.06 * len(body["input"]) / body.get("speed", 1.0))
        pitch = 150 + 20 * VOICES.index(body["voice"]) + body.get("seed", 0)
        hum = 0.2 * np.sin(2 * np.pi * pitch * np.arange(length) / _RATE)
        self._send(200, encoded(np.pad(hum, _RATE // 2), body.get("response_format", "mp3")))

    def _hear(self, form: dict[str, Any]) -> None:
        if unknown := set(form) - _HEARING:
            return self._refuse(400, f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}")
        samples, rate = soundfile.read(io.BytesIO(form["file"][0]))
        verbose = form["response_format"] == ["verbose_json"]
        if verbose and self.server.terse:
            told = "response_format 'verbose_json' is not compatible with this model. Use 'json' instead."
            return self._refuse(400, told)
        self._send(200, self._heard(len(samples) / rate, verbose=verbose))

    def _heard(self, seconds: float, *, verbose: bool) -> dict[str, Any]:
        words = self.server.words
        text = " ".join(words)
        if not verbose or self.server.shape == "text":
            return {"text": text}
        unit = 1_000_000_000 if self.server.shape == "nanoseconds" else 1
        each = seconds / len(words)
        placed = [
            {"word": word.strip(".,!?¿¡"), "start": unit * each * place, "end": unit * each * (place + 1)}
            for place, word in enumerate(words)
        ]
        half = len(words) // 2
        parts = [part for part in ((words[:half], placed[:half]), (words[half:], placed[half:])) if part[0]]
        segments = [
            {"id": number, "start": own[0]["start"], "end": own[-1]["end"], "text": " " + " ".join(said)}
            | {"avg_logprob": -0.2, "no_speech_prob": 0.01, "compression_ratio": 1.1}
            | ({"words": own} if self.server.shape == "nested" else {})
            for number, (said, own) in enumerate(parts)
        ]
        answer = {"task": "transcribe", "language": self.server.language, "duration": seconds, "text": text}
        return {**answer, "segments": segments, **({"words": placed} if self.server.shape == "words" else {})}

    def _refuse(self, status: int, message: str) -> None:
        self._send(status, {"error": {"message": message, "type": "invalid_request_error", "param": None}})

    def _send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)


def encoded(samples: np.ndarray, form: str) -> bytes:
    """24 kHz mono samples as a file, or as bare 16-bit samples."""
    raw = (samples * 32767).astype("<i2").tobytes()
    if form == "pcm":
        return raw
    if form in ("wav", "flac"):
        out = io.BytesIO()
        soundfile.write(out, samples, _RATE, format=form.upper())
        return out.getvalue()
    command = ["ffmpeg", "-v", "error", "-f", "s16le", "-ar", str(_RATE), "-ac", "1", "-i", "-"]
    command += ["-c:a", _CODECS[form], "-f", _MUXERS[form], "-"]
    return subprocess.run(command, input=raw, check=True, stdout=subprocess.PIPE).stdout


def _form(kind: str, body: bytes) -> dict[str, list[Any]]:
    """The parts of a form by name, in order: text, or the bytes of a file."""
    parsed = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    parts: dict[str, list[Any]] = {}
    for part in parsed.get_payload():
        content = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        parts.setdefault(name, []).append(content if part.get_filename() else content.decode())
    return parts


@contextlib.contextmanager
def openai_audio() -> Iterator[tuple[str, Any]]:
    """The server on a free port: its address, and itself to set and to read."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), OpenAiAudio)
    server.asked, server.faults, server.known, server.key = [], [], set(), ""
    server.words, server.shape, server.language, server.terse, server.lists = (
        ["Hello."],
        "words",
        "english",
        False,
        True,
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

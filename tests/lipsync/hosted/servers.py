"""Local servers that speak the protocols of hosted lip sync, as their documentation gives them, and count what is paid.

Each plays the faults that it is given, by the kind of request (``upload``, ``create``, ``poll``, ``find``, ``cancel``,
``download``). A fault: ``status``, ``body`` (text), ``headers``; ``after`` does the work first and answers so then;
``silent`` does the work and never answers.
"""

from __future__ import annotations

import base64
import contextlib
import email
import hashlib
import hmac
import json
import os
import signal
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

KEY = "key-very-secret-12345"


@dataclass
class Job:
    """A job as the server knows it."""

    id: str
    request: Any
    created: float = field(default_factory=time.time)
    polls: int = 0
    cancelled: bool = False
    model: str = ""


@dataclass
class World:
    """What a server was asked and how it shall behave.

    Attributes:
        result: the bytes of every job's result.
        render: makes the result of the picture and the speech that were sent, instead.
        polls: answered "running" before a job ends.
        failure: how jobs end instead of well, in the provider's own form.
        faults: by kind of request, played first.
        kill: ``(kind, when)``: end the client with SIGKILL ``before``, ``after`` or in the ``middle`` of answering.
    """

    result: bytes = b""
    render: Callable[[bytes, bytes], bytes] | None = None
    polls: int = 2
    failure: Any = None
    faults: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    kill: tuple[str, str] = ("", "")
    victim: int = 0
    asked: list[dict[str, Any]] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    traces: set[str] = field(default_factory=set)

    @property
    def paid(self) -> int:
        """Jobs that were made."""
        return len(self.jobs)

    def count(self, kind: str) -> int:
        """Requests of a kind."""
        return sum(asked["kind"] == kind for asked in self.asked)


class Hosted(BaseHTTPRequestHandler, ABC):
    """What the protocols share: faults, records, files and the results' address."""

    protocol_version = "HTTP/1.0"
    variables: tuple[str, ...]
    header: tuple[str, str]  # that carries the key

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    @property
    def world(self) -> World:
        return self.server.world  # type: ignore[attr-defined]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"  # type: ignore[attr-defined]

    def _serve(self) -> None:
        self.raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.at = unquote(urlsplit(self.path).path)
        self.query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        kind = "download" if self.at.startswith("/results/") else self.kind()
        keyed = KEY in str(self.headers)
        self.world.asked.append({"kind": kind, "method": self.command, "path": self.path, "keyed": keyed})
        self._perhaps_kill(kind, "before")
        faults = self.world.faults.get(kind) or []
        fault = faults.pop(0) if faults else {}
        if "status" in fault and "after" not in fault:
            self._send(fault["status"], fault.get("body", '{"detail": "told to fail"}'), fault.get("headers", {}))
            return
        if kind == "download":
            self._result(fault)
            return
        if kind != "put" and not self.authorised():
            status, body = self.unauthorised()
        else:
            status, body = self.answer(kind)
        self._perhaps_kill(kind, "after")
        if fault.get("silent"):
            return
        self._send(fault.get("status", status), fault.get("body", json.dumps(body)), fault.get("headers", {}))

    def _perhaps_kill(self, kind: str, when: str) -> None:
        if self.world.kill == (kind, when):
            self.world.kill = ("", "")
            os.kill(self.world.victim, signal.SIGKILL)
            time.sleep(0.05)

    def _result(self, fault: dict[str, Any]) -> None:
        name = Path(self.query.get("filename", self.at)).stem
        content = self.world.result if self.world.render is None else self._rendered(self.world.jobs[name])
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            half = self.world.kill == ("download", "middle")
            self.wfile.write(content[: len(content) // 2] if half or fault.get("half") else content)
            self.wfile.flush()
        self._perhaps_kill("download", "middle")

    def _rendered(self, job: Job) -> bytes:
        """Of the files that the job's request leads to, in whatever way it does."""
        assert self.world.render is not None
        sent = [*self.world.files.values(), *self._sent(job.request)]  # Kling's shot was sent before
        speech = next(content for content in reversed(sent) if content[:4] == b"RIFF")
        picture = next(content for content in reversed(sent) if content[:4] != b"RIFF")
        return self.world.render(picture, speech)

    def _sent(self, told: Any) -> Iterator[bytes]:
        if isinstance(told, dict | list):
            for part in told.values() if isinstance(told, dict) else told:
                yield from self._sent(part)
            return
        last = str(told).split("/")[-1]
        if str(told).startswith("data:"):
            yield base64.b64decode(str(told).partition(",")[2])
        elif str(told).startswith("UklGR"):  # RIFF
            yield base64.b64decode(str(told))
        elif isinstance(self.world.files.get(last), bytes):
            yield self.world.files[last]
        elif isinstance(told, str) and told.startswith(os.environ.get("POLYDUB_PUBLIC_URL", "\0")):
            yield (Path(os.environ["POLYDUB_PUBLIC_FOLDER"]) / last).read_bytes()

    def _send(self, status: int, text: str, headers: dict[str, str]) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

    # -- for the protocols

    @abstractmethod
    def kind(self) -> str:
        """Of the request at hand."""

    @abstractmethod
    def answer(self, kind: str) -> tuple[int, Any]:
        """Status and body as the provider's documentation has them."""

    def authorised(self) -> bool:
        return self.headers.get(self.header[0]) == self.header[1]

    def unauthorised(self) -> tuple[int, Any]:
        return 401, {"detail": "Unauthorized"}

    def json(self) -> Any:
        return json.loads(self.raw or b"{}")

    def upload(self) -> str:
        """Keep the one file of a multipart body."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = [part for part in email.message_from_bytes(head + self.raw).walk() if part.get_filename()]
        return self.keep(parts[0].get_payload(decode=True))

    def public(self, url: str) -> bool:
        """Whether a file lies in the user's public folder at that address."""
        folder, base = (os.environ[name] for name in ("POLYDUB_PUBLIC_FOLDER", "POLYDUB_PUBLIC_URL"))
        return url.startswith(f"{base}/") and (Path(folder) / url.removeprefix(f"{base}/")).exists()

    def keep(self, content: Any) -> str:
        name = uuid.uuid4().hex
        self.world.files[name] = content
        return name

    def make(self, request: Any, tag: str = "", model: str = "") -> Job:
        """A job, or the one that the tag made."""
        if tag and tag in self.world.tags:
            return self.world.jobs[self.world.tags[tag]]
        job = Job(f"job{len(self.world.jobs) + 1}", request, model=model)
        self.world.jobs[job.id] = job
        self.world.tags[tag or job.id] = job.id
        return job

    def stage(self, job: Job) -> str:
        """``running``, ``done``, ``failed`` or ``cancelled`` at this poll."""
        job.polls += 1
        if job.cancelled:
            return "cancelled"
        if job.polls <= self.world.polls:
            return "running"
        return "failed" if self.world.failure else "done"

    def url(self, job: Job) -> str:
        return f"{self.base}/results/{job.id}.mp4?token={job.polls}"


_AUDIO = ("video", "audio")
_STILL = ("image", "audio")
#: Required and optional inputs of the models, from the pages of Replicate.
REPLICATE = {
    "kwaivgi/kling-lip-sync": (("video_url", "audio_file"), ()),
    "sync/lipsync-2": (_AUDIO, ("sync_mode", "temperature", "active_speaker")),
    "sync/lipsync-2-pro": (_AUDIO, ("sync_mode", "temperature", "active_speaker")),
    "sync/react-1": (_AUDIO, ("emotion", "model_mode", "sync_mode", "temperature")),
    "pixverse/lipsync": (_AUDIO, ()),
    "bytedance/omni-human": (_STILL, ()),
    "bytedance/omni-human-1.5": (_STILL, ("prompt", "seed", "fast_mode")),
    "veed/fabric-1.0": (_STILL, ("resolution",)),
    "heygen/lipsync-precision": (
        _AUDIO,
        ("enable_dynamic_duration", "disable_music_track", "enable_speech_enhancement"),
    ),
    "heygen/lipsync-speed": (_AUDIO, ("enable_dynamic_duration", "disable_music_track", "enable_speech_enhancement")),
    "heygen/video-translate": (("video", "output_language"), ("mode",)),
    "prunaai/p-video-avatar": (("image",), ("audio", "resolution", "video_prompt", "negative_prompt", "seed")),
}


class ReplicateServer(Hosted):
    """``/v1/files``, ``/v1/models/../predictions``, ``/v1/predictions``; 201, ``starting``, one address as output."""

    variables = ("REPLICATE_API_TOKEN",)
    header = ("Authorization", f"Bearer {KEY}")

    def kind(self) -> str:
        if self.at == "/v1/files":
            return "upload"
        if self.at.endswith("/cancel"):
            return "cancel"
        if self.command == "POST":
            return "create"
        if self.at.startswith("/v1/models/"):
            return "model"
        return "find" if self.at == "/v1/predictions" else "poll"

    def answer(self, kind: str) -> tuple[int, Any]:
        if kind == "upload":
            name = self.upload()
            return 201, {"id": name, "urls": {"get": f"{self.base}/v1/files/{name}"}}
        if kind == "create":
            return self._create()
        if kind == "model":
            schemas = {"output_language": {"enum": ["English", "Spanish (Spain)", "Spanish (Mexico)", "French"]}}
            return 200, {"latest_version": {"openapi_schema": {"components": {"schemas": schemas}}}}
        if kind == "find":
            latest = sorted(self.world.jobs.values(), key=lambda job: -job.created)
            return 200, {"next": None, "previous": None, "results": [self._shown(job, "processing") for job in latest]}
        job = self.world.jobs[self.at.split("/")[3]]
        if kind == "cancel":
            job.cancelled = True
            return 200, self._shown(job, "canceled")
        word = {"running": "processing", "done": "succeeded", "failed": "failed", "cancelled": "canceled"}
        stage = self.stage(job)
        shown = self._shown(job, word[stage] if stage != "failed" else self.world.failure.get("status", "failed"))
        if stage == "done":
            shown["output"] = self.url(job)
        if stage == "failed":
            shown["error"] = self.world.failure.get("error")
        return 200, shown

    def _create(self) -> tuple[int, Any]:
        model = self.at.removeprefix("/v1/models/").removesuffix("/predictions")
        told = self.json()["input"]
        if model not in REPLICATE:
            return 404, {"title": "Not found", "detail": "The requested resource could not be found.", "status": 404}
        required, optional = REPLICATE[model]
        wrong = set(told) - {*required, *optional} or set(required) - set(told)
        if wrong:
            return 422, {"title": "Input validation failed", "detail": f"- input: {sorted(wrong)}", "status": 422}
        job = self.make(told, model=model)
        return 201, self._shown(job, "starting")

    def _shown(self, job: Job, status: str) -> dict[str, Any]:
        at = datetime.fromtimestamp(job.created, UTC).isoformat().replace("+00:00", "Z")
        shown = {"id": job.id, "model": job.model, "version": "hidden", "input": job.request, "output": None}
        return {
            **shown,
            "error": None,
            "logs": "",
            "status": status,
            "created_at": at,
            "urls": {"get": "", "cancel": ""},
        }


_FAL_AUDIO = ("video_url", "audio_url")
_FAL_STILL = ("image_url", "audio_url")
#: Required and optional arguments of the apps, from the pages of fal.
FAL = {
    "fal-ai/kling-video/lipsync/audio-to-video": (_FAL_AUDIO, ()),
    "fal-ai/sync-lipsync/v2": (_FAL_AUDIO, ("sync_mode",)),
    "fal-ai/sync-lipsync/v2/pro": (_FAL_AUDIO, ("sync_mode",)),
    "fal-ai/sync-lipsync/react-1": ((*_FAL_AUDIO, "emotion"), ("model_mode", "lipsync_mode", "temperature")),
    "fal-ai/pixverse/lipsync": (_FAL_AUDIO, ()),
    "fal-ai/bytedance/omnihuman": (_FAL_STILL, ()),
    "fal-ai/bytedance/omnihuman/v1.5": (_FAL_STILL, ("prompt", "mask_url", "resolution")),
    "veed/fabric-1.0": ((*_FAL_STILL, "resolution"), ()),
}


class FalServer(Hosted):
    """The queue, the storage and the list of ended requests at one address."""

    variables = ("FAL_KEY",)
    header = ("Authorization", f"Key {KEY}")

    def kind(self) -> str:
        if self.at.startswith("/v1/models/requests"):
            return "find"
        if self.at.startswith("/storage/"):
            return "upload"
        if self.at.startswith("/signed/"):
            return "put"
        if self.at.endswith("/cancel"):
            return "cancel"
        return "create" if self.command == "POST" else "poll"

    def answer(self, kind: str) -> tuple[int, Any]:
        if kind == "upload":
            name = self.keep(None)
            return 200, {"upload_url": f"{self.base}/signed/{name}", "file_url": f"{self.base}/files/{name}"}
        if kind == "put":
            self.world.files[self.at.split("/")[-1]] = self.raw
            return 200, {}
        if kind == "create":
            return self._create()
        if kind == "find":
            ended = [job for job in self.world.jobs.values() if job.polls > self.world.polls]
            items = [{"request_id": job.id, "endpoint_id": job.model, "json_input": job.request} for job in ended]
            return 200, {"items": items, "next_cursor": None, "has_more": False}
        job = self.world.jobs[self.at.split("/requests/")[1].split("/")[0]]
        if kind == "cancel":
            job.cancelled = True
            return 202, {"status": "CANCELLATION_REQUESTED"}
        if not self.at.endswith("/status"):
            if isinstance(self.world.failure, list):
                return 422, {"detail": self.world.failure}
            return 200, {"video": {"url": self.url(job), "content_type": "video/mp4", "file_name": "out.mp4"}}
        stage = self.stage(job)
        if stage == "running":
            return 200, {"status": "IN_PROGRESS", "logs": []} if job.polls > 1 else {
                "status": "IN_QUEUE",
                "queue_position": 0,
            }
        ended = {"status": "COMPLETED", "logs": [], "metrics": {}}
        if stage == "cancelled":
            return 200, {**ended, "error": "Request was cancelled", "error_type": "request_cancelled"}
        return 200, {**ended, **(self.world.failure if isinstance(self.world.failure, dict) else {})}

    def _create(self) -> tuple[int, Any]:
        app, told = self.at.strip("/"), self.json()
        if app not in FAL:
            return 404, {"detail": f"Application {app!r} not found"}
        required, optional = FAL[app]
        wrong = set(told) - {*required, *optional} or set(required) - set(told)
        if wrong:
            return 422, {"detail": [{"loc": ["body", name], "msg": "wrong", "type": "missing"} for name in wrong]}
        job = self.make(told, model=app)
        root = f"{self.base}/{'/'.join(app.split('/')[:2])}/requests/{job.id}"  # without the sub-path
        urls = {"response_url": root, "status_url": f"{root}/status", "cancel_url": f"{root}/cancel"}
        return 200, {"request_id": job.id, **urls, "queue_position": 0}


class SyncServer(Hosted):
    """Assets in three steps, ``/v2/generate`` with its idempotency key; upper-case states."""

    variables = ("SYNC_API_KEY",)
    header = ("x-api-key", KEY)
    MODELS = ("lipsync-2", "lipsync-2-pro", "react-1", "sync-3")

    def kind(self) -> str:
        if self.at.startswith("/v2/assets"):
            return "upload"
        if self.at.startswith("/signed/"):
            return "put"
        return "create" if self.command == "POST" else "poll"

    def unauthorised(self) -> tuple[int, Any]:
        return 401, {"message": "Unauthorized", "statusCode": 401}

    def answer(self, kind: str) -> tuple[int, Any]:
        if kind == "put":
            self.world.files[self.at.split("/")[-1]] = self.raw
            return 200, {}
        if self.at == "/v2/assets/upload":
            told = self.json()
            if set(told) != {"fileName", "contentType", "size"}:
                return 400, {"message": ["bad upload"], "statusCode": 400}
            name = self.keep(None)
            return 201, {
                "uploadUrl": f"{self.base}/signed/{name}",
                "url": f"{self.base}/files/{name}",
                "expiresIn": 900,
            }
        if self.at == "/v2/assets":
            name = self.json()["url"].split("/")[-1]
            if not self.world.files.get(name) or self.json()["type"] not in ("VIDEO", "AUDIO"):
                return 422, {"message": "the file was not uploaded", "statusCode": 422, "errorCode": "asset_missing"}
            return 201, {"id": name, "type": self.json()["type"]}
        if kind == "create":
            return self._create()
        job = self.world.jobs[self.at.split("/")[-1]]
        stage = self.stage(job)
        word = {"running": "PROCESSING" if job.polls > 1 else "PENDING", "done": "COMPLETED", "failed": "FAILED"}
        shown = {"id": job.id, "createdAt": "2026-01-01T00:00:00Z", "model": "m", "input": [], "status": word[stage]}
        if stage == "done":
            shown |= {"outputUrl": self.url(job), "outputDuration": 2.0}
        return 200, shown | (self.world.failure if stage == "failed" else {})

    def _create(self) -> tuple[int, Any]:
        told, tag = self.json(), self.headers.get("Idempotency-Key", "")
        kinds = [(entry["type"], entry["assetId"] in self.world.files) for entry in told["input"]]
        if told["model"] not in self.MODELS or kinds != [("video", True), ("audio", True)]:
            return 422, {"message": ["bad generation"], "statusCode": 422, "errorCode": "generation_input_invalid"}
        job = self.make(told, tag)
        return 201, {"id": job.id, "createdAt": "2026-01-01T00:00:00Z", "status": "PENDING", "model": told["model"]}


class HeyGenServer(Hosted):
    """``/v3``: everything inside ``data``, media as objects, an idempotency key, ``running``."""

    variables = ("HEYGEN_API_KEY",)
    header = ("X-Api-Key", KEY)
    COMMON = frozenset({"video", "mode", "title", "enable_dynamic_duration", "disable_music_track"})
    KNOWN = COMMON | {
        "audio",
        "enable_speech_enhancement",
        "keep_the_same_format",
        "fps_mode",
        "output_languages",
        "speaker_num",
    }

    def kind(self) -> str:
        if self.at.startswith("/signed/"):
            return "put"
        if self.at.startswith("/v3/assets"):
            return "upload"
        if self.at.endswith("/languages"):
            return "languages"
        return "create" if self.command == "POST" else "poll"

    def unauthorised(self) -> tuple[int, Any]:
        return 401, {"error": {"code": "unauthorized", "message": "Invalid API key"}}

    def answer(self, kind: str) -> tuple[int, Any]:
        if kind == "put":
            right = self.headers["X-Upload-Grant"] == "granted"
            self.world.files[self.at.split("/")[-1]] = self.raw if right else b""
            return (200, {}) if right else (403, {"error": "SignatureDoesNotMatch"})
        if kind == "upload":
            return self._asset()
        if kind == "languages":
            return 200, {"data": {"languages": ["English", "Spanish (Spain)", "Spanish (Mexico)", "French (France)"]}}
        if kind == "create":
            return self._create()
        job = self.world.jobs[self.at.split("/")[-1]]
        stage = self.stage(job)
        word = {"running": "running" if job.polls > 1 else "pending", "done": "completed", "failed": "failed"}
        shown = {"id": job.id, "status": word[stage], "video_url": None, "failure_message": None}
        if stage == "done":
            shown |= {"video_url": self.url(job), "duration": 2.0}
        return 200, {"data": shown | (self.world.failure if stage == "failed" else {})}

    def _asset(self) -> tuple[int, Any]:
        if self.at == "/v3/assets":
            if len(self.raw) > 32_001_000:
                return 413, {"error": {"code": "file_too_large", "message": "use direct uploads"}}
            return 200, {"data": {"asset_id": self.upload(), "mime_type": "video/mp4"}}
        if self.at == "/v3/assets/direct-uploads":
            name = self.keep(b"")
            signed = {"upload_url": f"{self.base}/signed/{name}", "upload_headers": {"X-Upload-Grant": "granted"}}
            return 200, {"data": {"asset_id": name, **signed, "expires_in_seconds": 900, "max_bytes": 40_000_000}}
        name = self.at.split("/")[3]
        if not self.world.files.get(name):
            return 400, {"error": {"code": "asset_missing", "message": "nothing was uploaded"}}
        return 200, {"data": {"asset_id": name, "status": "ready"}}

    def _create(self) -> tuple[int, Any]:
        told, tag = self.json(), self.headers.get("Idempotency-Key", "")
        media = [told[name] for name in ("video", "audio") if name in told]
        known = all(entry.get("type") == "asset_id" and entry["asset_id"] in self.world.files for entry in media)
        if set(told) - self.KNOWN or not known or not tag:
            return 400, {"error": {"code": "invalid_parameter", "message": "bad request", "param": "video"}}
        job = self.make(told, tag)
        if self.at == "/v3/video-translations":
            return 200, {"data": {"video_translation_ids": [job.id]}}
        return 200, {"data": {"lipsync_id": job.id}}


class ComfyServer(Hosted):
    """``/upload/image``, ``/prompt``, ``/queue``, ``/history``, ``/view``; the partner's key inside ``extra_data``."""

    variables = ("COMFY_API_KEY",)
    header = ("Content-Length", "")  # the server itself asks for no key

    def kind(self) -> str:
        if self.at == "/view":
            return "download"
        if self.at == "/upload/image":
            return "upload"
        if self.at == "/interrupt" or (self.at, self.command) == ("/queue", "POST"):
            return "cancel"
        if self.at == "/prompt":
            return "create"
        return "find" if self.at == "/history" else "poll"

    def authorised(self) -> bool:
        return self.at != "/prompt" or self.json()["extra_data"] == {"api_key_comfy_org": KEY}

    def answer(self, kind: str) -> tuple[int, Any]:
        if kind == "upload":
            return 200, {"name": self.upload(), "subfolder": "", "type": "input"}
        if kind == "create":
            return self._create()
        if kind == "cancel":
            for name in self.json().get("delete", [self.json().get("prompt_id")]):
                self.world.jobs[name].cancelled = True
            return 200, {}
        if kind == "find":
            return 200, {job.id: self._history(job) for job in self.world.jobs.values() if self._over(job)}
        if self.at == "/queue":
            waiting = [[1, job.id, job.request, {}, []] for job in self.world.jobs.values() if not self._over(job)]
            return 200, {"queue_running": waiting[:1], "queue_pending": waiting[1:]}
        job = self.world.jobs[self.at.split("/")[-1]]
        self.stage(job)
        return 200, {job.id: self._history(job)} if self._over(job) else {}

    def _over(self, job: Job) -> bool:
        return job.cancelled or job.polls > self.world.polls

    def _history(self, job: Job) -> dict[str, Any]:
        messages: list[Any] = [["execution_start", {}]]
        outputs = {"4": {"images": [{"filename": f"{job.id}.mp4", "subfolder": "polydub", "type": "output"}]}}
        if job.cancelled:
            messages, outputs = [["execution_interrupted", {}]], {}
        if self.world.failure:
            messages, outputs = [["execution_error", self.world.failure]], {}
        status = {"status_str": "success" if outputs else "error", "completed": bool(outputs), "messages": messages}
        return {"prompt": [1, job.id, job.request, {}, []], "outputs": outputs, "status": status}

    def _create(self) -> tuple[int, Any]:
        nodes = self.json()["prompt"]
        loaded = [node["inputs"].get("file") or node["inputs"].get("audio") for node in nodes.values()]
        if sum(str(name) in self.world.files for name in loaded) != 2:
            return 400, {"error": {"type": "prompt_outputs_failed_validation"}, "node_errors": {"1": "invalid file"}}
        return 200, {"prompt_id": self.make(nodes).id, "number": 1, "node_errors": {}}


class PixVerseServer(Hosted):
    """200 for everything, ``ErrCode`` inside; a fresh trace id each time; status 1 comes before the address."""

    variables = ("PIXVERSE_API_KEY",)
    header = ("API-KEY", KEY)

    def kind(self) -> str:
        if self.at == "/openapi/v2/media/upload":
            return "upload"
        return "create" if self.command == "POST" else "poll"

    def answer(self, kind: str) -> tuple[int, Any]:
        trace = self.headers.get("Ai-trace-id", "")
        if not trace or trace in self.world.traces:
            return 200, {"ErrCode": 400011, "ErrMsg": "Ai-trace-id must be unique", "Resp": None}
        self.world.traces.add(trace)
        if kind == "upload":
            self.world.files[str(len(self.world.files) + 1)] = self.world.files.pop(self.upload())
            return self._good({"media_id": len(self.world.files), "media_type": "video", "url": ""})
        if kind == "create":
            told = self.json()
            if set(told) != {"video_media_id", "audio_media_id"} or not {str(m) for m in told.values()} <= set(
                self.world.files
            ):
                return 200, {"ErrCode": 400013, "ErrMsg": "invalid media", "Resp": None}
            return self._good({"video_id": int(self.make(told).id.removeprefix("job"))})
        job = self.world.jobs[f"job{self.at.split('/')[-1]}"]
        stage = self.stage(job)
        if stage == "failed":
            return self._good({"id": 1, "status": self.world.failure, "url": ""})
        early = stage == "done" and job.polls == self.world.polls + 1
        return self._good(
            {"status": 1 if stage == "done" else 5, "url": self.url(job) if stage == "done" and not early else ""}
        )

    def _good(self, answer: Any) -> tuple[int, Any]:
        return 200, {"ErrCode": 0, "ErrMsg": "Success", "Resp": answer}


class VeedServer(Hosted):
    """All three fields and no other, public addresses, 202; a job is readable below its model alone."""

    variables = ("VEED_API_KEY",)
    header = ("Authorization", f"Bearer {KEY}")

    def kind(self) -> str:
        return "create" if self.command == "POST" else "poll"

    def unauthorised(self) -> tuple[int, Any]:
        return 401, {"error": {"code": "unauthenticated", "message": "no", "details": [{"reason": "api_key_invalid"}]}}

    def answer(self, kind: str) -> tuple[int, Any]:
        if kind == "create":
            told = self.json()
            if set(told) != {"image_url", "audio_url", "resolution"} or not self.public(told["image_url"]):
                return 422, {"error": {"code": "invalid_request", "message": "bad fields", "details": []}}
            return 202, {"data": {"job_id": self.make(told).id, "status": "PROCESSING"}}
        model, name = self.at.split("/")[-2:]
        if model != "fabric-1.0":
            return 404, {"error": {"code": "not_found", "details": [{"reason": "job_not_found"}]}}
        job = self.world.jobs[name]
        stage = self.stage(job)
        data: dict[str, Any] = {"job_id": job.id, "status": "PROCESSING"}
        if stage == "done":
            data |= {"status": "COMPLETED", "result": {"video": {"url": self.url(job), "content_type": "video/mp4"}}}
        if stage == "failed":
            data |= {"status": "FAILED", "error": self.world.failure}
        return 200, {"data": data}


class KlingServer(Hosted):
    """Faces first, then the task; a signed token, a ``code`` in every body, ``succeed``."""

    variables = ("KLING_ACCESS_KEY", "KLING_SECRET_KEY")
    header = ("Authorization", "")

    def kind(self) -> str:
        if self.at.endswith("/identify-face"):
            return "upload"
        if self.command == "POST":
            return "create"
        return "find" if self.at.endswith("/advanced-lip-sync") else "poll"

    def authorised(self) -> bool:
        head, claims, signature = self.headers.get("Authorization", "Bearer ..").removeprefix("Bearer ").split(".")
        made = hmac.new(KEY.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
        told = json.loads(base64.urlsafe_b64decode(claims + "=="))
        good = base64.urlsafe_b64encode(made).decode().rstrip("=") == signature
        return good and told["iss"] == KEY and told["nbf"] <= time.time() < told["exp"]

    def unauthorised(self) -> tuple[int, Any]:
        return 401, {"code": 1000, "message": "Signature is invalid", "request_id": "r"}

    def answer(self, kind: str) -> tuple[int, Any]:
        if kind == "upload":
            faces = [
                {"face_id": 0, "start_time": 0, "end_time": 400},
                {"face_id": 1, "start_time": 0, "end_time": 3000},
            ]
            known = self.public(self.json()["video_url"])
            self.world.files["shot"] = next(self._sent(self.json()["video_url"]), b"")
            return self._good({"session_id": "s1", "face_data": faces if known else []})
        if kind == "create":
            return self._create()
        if kind == "find":
            return self._good([self._shown(job, "processing") for job in self.world.jobs.values()])
        job = self.world.jobs[self.at.split("/")[-1]]
        stage = self.stage(job)
        shown = self._shown(job, {"running": "processing", "done": "succeed", "failed": "failed"}[stage])
        if stage == "done":
            shown["task_result"] = {"videos": [{"id": "v", "url": self.url(job), "duration": "3.0"}]}
        if stage == "failed":
            shown["task_status_msg"] = self.world.failure
        return self._good(shown)

    def _create(self) -> tuple[int, Any]:
        told = self.json()
        (chosen,) = told["face_choose"]
        sound = base64.b64decode(chosen["sound_file"])
        if told["session_id"] != "s1" or chosen["face_id"] != 1 or len(sound) > 5e6:
            return 400, {"code": 1201, "message": "bad parameters", "request_id": "r"}
        if chosen["sound_end_time"] - chosen["sound_start_time"] < 2000:
            return 400, {"code": 1201, "message": "sound too short", "request_id": "r"}
        if told["external_task_id"] in self.world.tags:
            return 400, {"code": 1201, "message": "external_task_id is not unique", "request_id": "r"}
        return self._good(self._shown(self.make(told, told["external_task_id"]), "submitted"))

    def _shown(self, job: Job, status: str) -> dict[str, Any]:
        return {
            "task_id": job.id,
            "task_status": status,
            "task_info": {"external_task_id": job.request["external_task_id"]},
        }

    def _good(self, data: Any) -> tuple[int, Any]:
        return 200, {"code": 0, "message": "SUCCEED", "request_id": "r", "data": data}


SERVERS: dict[str, type[Hosted]] = {
    "replicate": ReplicateServer,
    "fal": FalServer,
    "sync": SyncServer,
    "heygen": HeyGenServer,
    "comfyui": ComfyServer,
    "pixverse": PixVerseServer,
    "veed": VeedServer,
    "kling": KlingServer,
}


@contextlib.contextmanager
def serving(provider: str, result: bytes) -> Iterator[tuple[str, World]]:
    """A provider's server on a free port: its address, and what it knows."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), SERVERS[provider])
    server.daemon_threads = True
    server.world = World(result=result)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.world
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""Kling's own API: it first finds the faces of a video at a public address, then lip-syncs one of them.

``POST /v1/videos/identify-face`` returns a session and its faces; ``POST /v1/videos/advanced-lip-sync`` takes the
sound as base64 and returns ``task_id``; ``GET`` on it returns submitted, processing, succeed or failed. Errors have a
``code`` other than 0. Each request carries a new token, signed with the secret key. Jobs are listed with the
``external_task_id`` of their request; there is no cancel.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import wave
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from configs.lipsync_models import Offer
from tasks.lipsync.hosted import public
from tasks.lipsync.hosted.jobs import Inputs, State, phase
from tasks.lipsync.hosted.wire import UnclearError, Wire
from tasks.records.errors import PermanentError, ProviderBusyError
from tasks.services.secrets import secret

_PATH = "/v1/videos/advanced-lip-sync"
_BUSY = {1302, 1303}  # rate and concurrency, from memory
_TOKEN_S = 1800


class Kling:
    """Requests a lip sync of the most visible face from Kling."""

    title: ClassVar[str] = "Kling"
    variables: ClassVar[tuple[str, ...]] = ("KLING_ACCESS_KEY", "KLING_SECRET_KEY", *public.VARIABLES)
    address: ClassVar[str] = "https://api-singapore.klingai.com"
    repeats_s: float = 0.0

    def __init__(self, offer: Offer, values: Mapping[str, Any], url: str) -> None:
        self._access, self._secret = (secret(name) for name in self.variables[:2])
        self.url = url
        self._wire = Wire(self.title, url, {}, secret=self._secret, variable=" and ".join(self.variables[:2]))

    def prepare(self, inputs: Inputs) -> dict[str, Any]:
        """The request's body, after face detection."""
        assert inputs.speech is not None
        address = public.publish(inputs.picture)
        try:
            session = self._data("POST", "/v1/videos/identify-face", json={"video_url": address})
        except BaseException:
            public.withdraw(address)
            raise
        faces = [face for face in session.get("face_data") or [] if face.get("face_id") is not None]
        if not faces:
            public.withdraw(address)
            raise PermanentError("Kling found no face in the shot.")
        face = max(faces, key=lambda face: int(face.get("end_time") or 0) - int(face.get("start_time") or 0))
        with wave.open(str(inputs.speech)) as sound:
            length_ms = sound.getnframes() * 1000 // sound.getframerate()
        chosen = {
            "face_id": face["face_id"],
            "sound_file": base64.b64encode(inputs.speech.read_bytes()).decode(),
            "sound_start_time": 0,
            "sound_end_time": length_ms,
            "sound_insert_time": 0,
            "sound_volume": 1,
            "original_audio_volume": 0,
        }
        body = {"session_id": self._wire.part(session, "session_id"), "face_choose": [chosen]}
        return {"body": body, "address": address}

    def create(self, request: dict[str, Any], tag: str) -> str:
        """A task's id."""
        body = {**request["body"], "external_task_id": tag}
        return self._wire.part(self._data("POST", _PATH, creates=True, json=body), "task_id", creates=True)

    def poll(self, job: str) -> State:
        """The state of the task."""
        data = self._data("GET", f"{_PATH}/{quote(job, safe='')}")
        videos = (data.get("task_result") or {}).get("videos") or [{}]
        said = data.get("task_status_msg")
        return State(
            phase(data.get("task_status")),
            url=str(videos[0].get("url") or ""),
            said=self._wire.said(said) if said else "",
        )

    def find(self, request: dict[str, Any], tag: str, since: float) -> str | None:
        """Search by our tag among the latest tasks.

        Args:
            request: as of `create`.
            tag: as of `create`.
            since: earliest creation, seconds of the epoch.
        """
        listed = self._ask("GET", f"{_PATH}?pageNum=1&pageSize=100").get("data")
        for task in listed if isinstance(listed, list) else []:
            if (task.get("task_info") or {}).get("external_task_id") == tag:
                return self._wire.part(task, "task_id")
        raise UnclearError("Kling lists no such task.")  # how soon a task is listed is not documented

    def withdraw(self, request: dict[str, Any]) -> None:
        """Unpublish the video."""
        public.withdraw(request["address"])

    def _data(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        data = self._ask(method, path, **more).get("data")
        return data if isinstance(data, dict) else {}

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token(self._access, self._secret, int(time.time()))}"}
        body = self._wire.ask(method, path, headers=headers, **more)
        code = body.get("code")
        if code in _BUSY:
            raise ProviderBusyError(f"Kling is busy (code {code}).", waits=True)
        if code:
            raise PermanentError(f"Kling rejected the request (code {code}): {self._wire.said(body.get('message'))}")
        return body


def token(access: str, secret: str, now: int) -> str:
    """A JSON Web Token (HS256), valid for half an hour.

    Args:
        access: access key.
        secret: secret key.
        now: seconds of the epoch; the token is valid from five seconds before.
    """
    head = {"alg": "HS256", "typ": "JWT"}
    claims = {"iss": access, "exp": now + _TOKEN_S, "nbf": now - 5}
    signed = b".".join(_coded(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    return b".".join([signed, _coded(hmac.new(secret.encode(), signed, hashlib.sha256).digest())]).decode()


def _coded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")

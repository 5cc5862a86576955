"""PixVerse: every response has status 200, errors are in ``ErrCode``; each request has a new ``Ai-trace-id``.

``POST /openapi/v2/media/upload``; ``POST /openapi/v2/video/lip_sync/generate`` returns ``video_id``;
``GET /openapi/v2/video/result/{id}`` returns status 1 when it is done, sometimes before there is a ``url``. A repeated
create is a second job; there is no list and no cancel.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from configs.lipsync_models import Offer
from tasks.lipsync.hosted.jobs import Inputs, State
from tasks.lipsync.hosted.media import media_type
from tasks.lipsync.hosted.wire import Wire
from tasks.records.errors import PermanentError
from tasks.services.secrets import secret

_DONE = 1
_ENDED_BADLY = {
    6: "it was deleted",
    7: "refused by moderation",
    8: "the generation failed",
}  # from third-party descriptions


class PixVerse:
    """Requests a lip sync from PixVerse."""

    title: ClassVar[str] = "PixVerse"
    variables: ClassVar[tuple[str, ...]] = ("PIXVERSE_API_KEY",)
    address: ClassVar[str] = "https://app-api.pixverse.ai"
    repeats_s: float = 0.0

    def __init__(self, offer: Offer, values: Mapping[str, Any], url: str) -> None:
        key = secret("PIXVERSE_API_KEY")
        self.url = url
        self._offer, self._values = offer, dict(values)
        self._wire = Wire(self.title, url, {"API-KEY": key}, secret=key, variable="PIXVERSE_API_KEY")

    def prepare(self, inputs: Inputs) -> dict[str, Any]:
        """The request's body, with files as media ids."""
        assert inputs.speech is not None
        media = {self._offer.picture: self._media(inputs.picture), self._offer.speech: self._media(inputs.speech)}
        return {**self._values, **media}

    def create(self, request: dict[str, Any], tag: str) -> str:
        """A video's id."""
        answer = self._ask("POST", f"/openapi/v2/video/{self._offer.id}/generate", creates=True, json=request)
        return self._wire.part(answer, "video_id", creates=True)

    def poll(self, job: str) -> State:
        """The state of the job; done only when there is an address."""
        answer = self._ask("GET", f"/openapi/v2/video/result/{quote(job, safe='')}")
        status, url = answer.get("status"), str(answer.get("url") or "")
        if status in _ENDED_BADLY:
            return State("failed", said=_ENDED_BADLY[status])
        return State("done", url=url) if status == _DONE and url else State("running")

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        body = self._wire.ask(method, path, headers={"Ai-trace-id": str(uuid.uuid4())}, **more)
        if body.get("ErrCode"):
            said = self._wire.said(body.get("ErrMsg") or "")
            raise PermanentError(f"PixVerse rejected the request (error {body['ErrCode']}): {said}")
        answer = body.get("Resp")
        return answer if isinstance(answer, dict) else {}

    def _media(self, path: Path) -> int:
        with path.open("rb") as file:
            answer = self._ask("POST", "/openapi/v2/media/upload", files={"file": (path.name, file, media_type(path))})
        return int(self._wire.part(answer, "media_id"))

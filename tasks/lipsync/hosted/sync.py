"""Sync (sync.so), whose own systems are lipsync-2, lipsync-2-pro and react-1.

A file is uploaded in three steps: ``POST /v2/assets/upload`` returns a signed address, ``PUT`` to it, then
``POST /v2/assets`` returns an id. ``POST /v2/generate`` returns 201 with an ``id``; the same ``Idempotency-Key`` gives
the same job. ``GET /v2/generate/{id}`` until ``status`` (upper case) is final. There is no cancel.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from configs.lipsync_models import Offer
from tasks.lipsync.hosted.jobs import Inputs, State, phase
from tasks.lipsync.hosted.media import media_type, put
from tasks.lipsync.hosted.wire import Wire
from tasks.services.secrets import secret

_PASSING = {"generation_infra_service_unavailable", "internal_error", "concurrency_limit_reached"}


class Sync:
    """Requests a generation from Sync."""

    title: ClassVar[str] = "Sync"
    variables: ClassVar[tuple[str, ...]] = ("SYNC_API_KEY",)
    address: ClassVar[str] = "https://api.sync.so"
    repeats_s: float = 24 * 3600.0  # the lifetime of a key is not documented; a day is usual

    def __init__(self, offer: Offer, values: Mapping[str, Any], url: str) -> None:
        key = secret("SYNC_API_KEY")
        self.url = url
        self._offer, self._values = offer, dict(values)
        self._wire = Wire(self.title, url, {"x-api-key": key}, secret=key, variable="SYNC_API_KEY")

    def prepare(self, inputs: Inputs) -> dict[str, Any]:
        """A generation of two assets."""
        assert inputs.speech is not None
        return {
            "model": self._offer.id,
            "input": [
                {"type": "video", "assetId": self._asset(inputs.picture, "VIDEO")},
                {"type": "audio", "assetId": self._asset(inputs.speech, "AUDIO")},
            ],
            "options": self._values,
        }

    def create(self, request: dict[str, Any], tag: str) -> str:
        """A generation's id; the same tag gives the same generation."""
        headers = {"Idempotency-Key": tag}
        body = self._wire.ask("POST", "/v2/generate", creates=True, json=request, headers=headers)
        return self._wire.part(body, "id", creates=True)

    def poll(self, job: str) -> State:
        """The state of the generation."""
        body = self._wire.ask("GET", f"/v2/generate/{quote(job, safe='')}")
        words = [str(body[name]) for name in ("error", "errorCode") if body.get(name)]
        seconds = body.get("outputDuration")
        return State(
            phase(body.get("status")),
            url=str(body.get("outputUrl") or ""),
            said=self._wire.said(" ".join(words)) if words else "",
            passing=body.get("errorCode") in _PASSING,
            seconds=float(seconds) if isinstance(seconds, int | float) and seconds > 0 else None,
        )

    def _asset(self, path: Path, kind: str) -> str:
        details = {"fileName": path.name, "contentType": media_type(path), "size": path.stat().st_size}
        given = self._wire.ask("POST", "/v2/assets/upload", json=details)
        put(path, self._wire.part(given, "uploadUrl"), self.url)
        named = {"url": self._wire.part(given, "url"), "type": kind, "name": path.name}
        return self._wire.part(self._wire.ask("POST", "/v2/assets", json=named), "id")

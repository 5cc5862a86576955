"""HeyGen, API v3: lip sync of a shot, and translation of a whole video.

``POST /v3/assets`` takes a file up to 32 MB, ``POST /v3/assets/direct-uploads`` returns an address for a larger one and
``POST /v3/assets/ID/complete`` confirms the upload. ``POST /v3/lipsyncs`` and ``/v3/video-translations`` take media as
objects and an ``Idempotency-Key`` that is valid for 24 hours; ``GET`` on the id returns pending, running, completed or
failed. There is no cancel. Responses are wrapped in ``data``.
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
from tasks.records.errors import PermanentError
from tasks.services.secrets import secret

_IN_A_REQUEST_BYTES = 32_000_000


class HeyGen:
    """Requests a lip sync or a translation from HeyGen."""

    title: ClassVar[str] = "HeyGen"
    variables: ClassVar[tuple[str, ...]] = ("HEYGEN_API_KEY",)
    address: ClassVar[str] = "https://api.heygen.com"
    repeats_s: float = 23 * 3600.0  # of the 24 hours

    def __init__(self, offer: Offer, values: Mapping[str, Any], url: str) -> None:
        key = secret("HEYGEN_API_KEY")
        self.url = url
        self._offer, self._values = offer, dict(values)
        self._wire = Wire(self.title, url, {"X-Api-Key": key}, secret=key, variable="HEYGEN_API_KEY")

    def prepare(self, inputs: Inputs) -> dict[str, Any]:
        """The request's body, with files as assets."""
        body = {**self._values, self._offer.picture: self._asset(inputs.picture)}
        if inputs.speech:
            body[self._offer.speech] = self._asset(inputs.speech)
        if inputs.language:
            body[self._offer.language] = [inputs.language]
        return body

    def create(self, request: dict[str, Any], tag: str) -> str:
        """A job's id; the same tag gives the same job."""
        headers = {"Idempotency-Key": tag}
        data = self._data("POST", f"/v3/{self._offer.id}", creates=True, json=request, headers=headers)
        listed = data.get("video_translation_ids")
        if isinstance(listed, list) and listed:
            return str(listed[0])
        return self._wire.part(data, "lipsync_id", creates=True)

    def poll(self, job: str) -> State:
        """The state of the job."""
        data = self._data("GET", f"/v3/{self._offer.id}/{quote(job, safe='')}")
        seconds = data.get("duration")
        return State(
            phase(data.get("status")),
            url=str(data.get("video_url") or ""),
            said=self._wire.said(data["failure_message"]) if data.get("failure_message") else "",
            seconds=float(seconds) if isinstance(seconds, int | float) and seconds > 0 else None,
        )

    def languages(self) -> list[str]:
        """The names of its target languages."""
        return [str(name) for name in self._data("GET", "/v3/video-translations/languages").get("languages") or []]

    def _data(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        data = self._wire.ask(method, path, **more).get("data")
        return data if isinstance(data, dict) else {}

    def _asset(self, path: Path) -> dict[str, str]:
        if path.stat().st_size > _IN_A_REQUEST_BYTES:
            return {"type": "asset_id", "asset_id": self._large_asset(path)}
        with path.open("rb") as file:
            data = self._data("POST", "/v3/assets", files={"file": (path.name, file, media_type(path))})
        return {"type": "asset_id", "asset_id": self._wire.part(data, "asset_id")}

    def _large_asset(self, path: Path) -> str:
        size = path.stat().st_size
        body = {"filename": path.name, "content_type": media_type(path), "size_bytes": size}
        given = self._data("POST", "/v3/assets/direct-uploads", json=body)
        most = given.get("max_bytes")
        if isinstance(most, int) and size > most:
            raise PermanentError(
                f"{self.title} takes files up to {most / 1e6:g} MB; {path.name} has {size / 1e6:.0f} MB.",
                "Encode the title at a lower bit rate, or choose another --lipsync.",
            )
        headers = given.get("upload_headers")
        put(path, self._wire.part(given, "upload_url"), self.url, headers if isinstance(headers, dict) else {})
        asset = self._wire.part(given, "asset_id")
        self._data("POST", f"/v3/assets/{quote(asset, safe='')}/complete", json={})
        return asset

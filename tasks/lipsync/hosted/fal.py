"""fal: a queue for all its systems.

``POST queue.fal.run/{app}`` with the arguments returns ``request_id`` and addresses; these lack the app's sub-path, so
they are used as returned. ``.../status`` is ``COMPLETED`` for failed jobs too. A repeated submit creates a second job;
the platform lists only finished requests, so a missing entry proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from configs.lipsync_models import Offer
from tasks.lipsync.hosted.jobs import Inputs, State, phase
from tasks.lipsync.hosted.media import DATA_URI_BYTES, data_uri, media_type, put
from tasks.lipsync.hosted.wire import UnclearError, Wire
from tasks.records.errors import PermanentError
from tasks.services.secrets import secret

_STORAGE = "https://rest.fal.ai"
_PLATFORM = "https://api.fal.ai"
_CLOCKS_S = 120.0
_PASSING = {"internal_server_error", "generation_timeout", "downstream_service_error", "downstream_service_unavailable"}


class Fal:
    """Runs one app of fal."""

    title: ClassVar[str] = "fal"
    variables: ClassVar[tuple[str, ...]] = ("FAL_KEY",)
    address: ClassVar[str] = "https://queue.fal.run"
    repeats_s: float = 0.0

    def __init__(self, offer: Offer, values: Mapping[str, Any], url: str) -> None:
        key = secret("FAL_KEY")
        self.url = url
        self._offer, self._values = offer, dict(values)

        def wire(host: str) -> Wire:
            own = host if url == self.address else url  # another address replaces all of fal's
            return Wire(self.title, own, {"Authorization": f"Key {key}"}, secret=key, variable="FAL_KEY")

        self._queue, self._storage, self._platform = wire(url), wire(_STORAGE), wire(_PLATFORM)

    def prepare(self, inputs: Inputs) -> dict[str, Any]:
        """The app's arguments, with files as URLs."""
        arguments = {**self._values, self._offer.picture: self._address(inputs.picture)}
        if inputs.speech:
            arguments[self._offer.speech] = self._address(inputs.speech)
        return arguments

    def create(self, request: dict[str, Any], tag: str) -> str:
        """The path of a request, relative to the queue's address."""
        body = self._queue.ask("POST", f"/{self._offer.id}", creates=True, json=request)
        return self._path(self._queue.part(body, "request_id", creates=True), str(body.get("response_url") or ""))

    def poll(self, job: str) -> State:
        """The status, with the result when there is one."""
        status = self._queue.ask("GET", f"/{job}/status")
        at = phase(status.get("status"))
        if status.get("error"):
            return self._failed(status["error"], status.get("error_type"))
        if at != "done":
            return State(at)
        try:
            result = self._queue.ask("GET", f"/{job}")
        except PermanentError as error:
            if error.data.get("status") in (400, 422):
                return self._failed(error.what, None)
            raise
        video = result.get("video")
        return State("done", url=str(video.get("url") or "") if isinstance(video, dict) else "")

    def cancel(self, job: str) -> None:
        """Remove it from the queue, or stop it."""
        self._queue.ask("PUT", f"/{job}/cancel")

    def find(self, request: dict[str, Any], tag: str, since: float) -> str | None:
        """Search by its arguments among the finished requests.

        Args:
            request: as of `create`.
            tag: as of `create`.
            since: earliest creation, seconds of the epoch.
        """
        start = datetime.fromtimestamp(since - _CLOCKS_S, UTC).isoformat(timespec="seconds")
        query = {"endpoint_id": self._offer.id, "expand": "payloads", "start": start, "limit": "100"}
        listed = self._platform.ask("GET", "/v1/models/requests/by-endpoint", params=query)
        for item in listed.get("items") or []:
            if isinstance(item, dict) and item.get("json_input") == request and item.get("request_id"):
                return self._path(str(item["request_id"]), "")
        raise UnclearError("fal lists no such finished request.")

    def _path(self, request_id: str, named: str) -> str:
        """The path as returned by fal, if it is below the queue's own address (the key is sent nowhere else)."""
        if named.startswith(f"{self.url}/"):
            return urlsplit(named).path.strip("/").removesuffix("/response")
        owner, alias, *_ = self._offer.id.split("/")
        return f"{owner}/{alias}/requests/{request_id}"

    def _failed(self, said: Any, kind: Any) -> State:
        return State("failed", said=self._queue.said(said), passing=kind in _PASSING)

    def _address(self, path: Path) -> str:
        if path.stat().st_size <= DATA_URI_BYTES:
            return data_uri(path)
        named = {"file_name": path.name, "content_type": media_type(path)}
        given = self._storage.ask("POST", "/storage/upload/initiate?storage_type=gcs", json=named)
        put(path, self._storage.part(given, "upload_url"), self.url)
        return self._storage.part(given, "file_url")

"""VEED: Fabric 1.0, with files at public addresses only.

``POST /v1/fabric-1.0`` requires exactly its own fields and returns 202; ``GET /v1/fabric-1.0/{job_id}`` every ten
seconds. Bad media is reported in the job. A repeated create is a second job; there is no list and no cancel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from configs.lipsync_models import Offer
from tasks.lipsync.hosted import public
from tasks.lipsync.hosted.jobs import Inputs, State, phase
from tasks.lipsync.hosted.wire import Wire
from tasks.services.secrets import secret

_PASSING = {"transload_failed", "timeout"}


class Veed:
    """Requests a speaking portrait from VEED."""

    title: ClassVar[str] = "VEED"
    variables: ClassVar[tuple[str, ...]] = ("VEED_API_KEY", *public.VARIABLES)
    address: ClassVar[str] = "https://api.veed.io"
    repeats_s: float = 0.0

    def __init__(self, offer: Offer, values: Mapping[str, Any], url: str) -> None:
        key = secret("VEED_API_KEY")
        self.url = url
        self._offer, self._values = offer, dict(values)
        self._wire = Wire(self.title, url, {"Authorization": f"Bearer {key}"}, secret=key, variable="VEED_API_KEY")

    def prepare(self, inputs: Inputs) -> dict[str, Any]:
        """The request's body, with files at public addresses."""
        assert inputs.speech is not None
        files = {self._offer.picture: public.publish(inputs.picture), self._offer.speech: public.publish(inputs.speech)}
        return {**self._values, **files}

    def create(self, request: dict[str, Any], tag: str) -> str:
        """A job's id."""
        body = self._wire.ask("POST", f"/v1/{self._offer.id}", creates=True, json=request)
        return self._wire.part(body, "data", "job_id", creates=True)

    def poll(self, job: str) -> State:
        """How the job stands."""
        body = self._wire.ask("GET", f"/v1/{self._offer.id}/{quote(job, safe='')}")
        at = phase(self._wire.part(body, "data", "status"))
        data = body["data"]
        error = data.get("error") or {}
        return State(
            at,
            url=self._wire.part(data, "result", "video", "url") if at == "done" else "",
            said=self._wire.said(f"{error.get('message', '')} ({error.get('code', '')})") if error else "",
            passing=error.get("code") in _PASSING,
        )

    def withdraw(self, request: dict[str, Any]) -> None:
        """Unpublish the files."""
        for name in (self._offer.picture, self._offer.speech):
            public.withdraw(request[name])

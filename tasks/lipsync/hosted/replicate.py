"""Replicate: one protocol for all its systems.

``POST /v1/files``; ``POST /v1/models/{owner}/{name}/predictions`` with ``{"input"}`` returns an ``id``;
``GET /v1/predictions/{id}`` until ``status`` is final, ``output`` is one URL. A repeated create is a second job,
but ``GET /v1/predictions`` lists the latest with their input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from configs.lipsync_models import Offer
from tasks.lipsync.hosted.jobs import Inputs, State, phase
from tasks.lipsync.hosted.media import DATA_URI_BYTES, data_uri, media_type
from tasks.lipsync.hosted.wire import UnclearError, Wire
from tasks.services.secrets import secret

_PAGES = 20
_CLOCKS_S = 120.0  # maximum difference of two clocks


class Replicate:
    """Runs one model of Replicate."""

    title: ClassVar[str] = "Replicate"
    variables: ClassVar[tuple[str, ...]] = ("REPLICATE_API_TOKEN",)
    address: ClassVar[str] = "https://api.replicate.com"
    repeats_s: float = 0.0

    def __init__(self, offer: Offer, values: Mapping[str, Any], url: str) -> None:
        key = secret("REPLICATE_API_TOKEN")
        self.url = url
        self._offer, self._values = offer, dict(values)
        self._wire = Wire(
            self.title, url, {"Authorization": f"Bearer {key}"}, secret=key, variable="REPLICATE_API_TOKEN"
        )

    def prepare(self, inputs: Inputs) -> dict[str, Any]:
        """The model's input, with files as URLs."""
        fields = {**self._values, self._offer.picture: self._address(inputs.picture)}
        if inputs.speech:
            fields[self._offer.speech] = self._address(inputs.speech)
        if inputs.language:
            fields[self._offer.language] = inputs.language
        return {"input": fields}

    def create(self, request: dict[str, Any], tag: str) -> str:
        """A prediction's id."""
        body = self._wire.ask("POST", f"/v1/models/{self._offer.id}/predictions", creates=True, json=request)
        return self._wire.part(body, "id", creates=True)

    def poll(self, job: str) -> State:
        """The state of the prediction; ``aborted`` means that it never started, so it may be requested again."""
        body = self._wire.ask("GET", f"/v1/predictions/{quote(job, safe='')}")
        output = body.get("output")
        url = output[0] if isinstance(output, list) and output else output
        return State(
            phase(body.get("status")),
            url=url if isinstance(url, str) else "",
            said=self._wire.said(body["error"]) if body.get("error") else "",
            passing=body.get("status") == "aborted",
        )

    def cancel(self, job: str) -> None:
        """Cancel the prediction."""
        self._wire.ask("POST", f"/v1/predictions/{quote(job, safe='')}/cancel")

    def find(self, request: dict[str, Any], tag: str, since: float) -> str | None:
        """Search by its input among the model's predictions of that time.

        Args:
            request: as of `create`.
            tag: as of `create`.
            since: earliest creation, seconds of the epoch.
        """
        unsure = False
        for listed in self._latest(since - _CLOCKS_S):
            if listed.get("model") != self._offer.id:
                continue
            same = _same(request["input"], listed.get("input"))
            if same:
                return str(listed["id"])
            unsure = unsure or same is None
        if unsure:
            raise UnclearError("Replicate lists predictions of that time without their input.")
        return None

    def languages(self) -> list[str]:
        """The values that the model's live schema allows for its language."""
        fields = self._wire.ask("GET", f"/v1/models/{self._offer.id}")
        found: Any = fields
        for name in ("latest_version", "openapi_schema", "components", "schemas", self._offer.language, "enum"):
            found = found.get(name) if isinstance(found, dict) else None
        return [str(name) for name in found or []]

    def _latest(self, since: float) -> Iterator[dict[str, Any]]:
        query = ""
        for _ in range(_PAGES):
            page = self._wire.ask("GET", f"/v1/predictions{query}")
            for listed in page.get("results") or []:
                if _seconds(listed.get("created_at")) < since:
                    return
                yield listed
            if not page.get("next"):
                return
            query = f"?{urlsplit(page['next']).query}"
        raise UnclearError("Replicate lists too many predictions of that time.")

    def _address(self, path: Path) -> str:
        if path.stat().st_size <= DATA_URI_BYTES:
            return data_uri(path)
        with path.open("rb") as file:
            sent = {"content": (path.name, file, media_type(path))}
            return self._wire.part(self._wire.ask("POST", "/v1/files", files=sent), "urls", "get")


def _same(asked: Mapping[str, Any], shown: Any) -> bool | None:
    """Whether a prediction was created by that request; None if the listed data does not show it."""
    if not isinstance(shown, dict):
        return None
    unlike = [name for name, value in asked.items() if shown.get(name) != value]
    if not unlike:
        return True
    kept = any(str(asked[name]).startswith("data:") and not str(shown.get(name)).startswith("data:") for name in unlike)
    return None if kept else False


def _seconds(moment: Any) -> float:
    """Seconds of the epoch of an ISO 8601 time; infinity if it is invalid, so that the entry is examined."""
    try:
        return datetime.fromisoformat(str(moment)).timestamp()
    except ValueError:
        return float("inf")

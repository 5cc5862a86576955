"""A ComfyUI server, which runs a workflow; Kling Lip Sync is one of its partner nodes, paid by a key of comfy.org.

``POST /upload/image`` takes any file; ``POST /prompt`` takes a workflow and, in ``extra_data``, the partner's key, and
returns a ``prompt_id``; ``GET /history/{id}`` lists it when finished, ``GET /queue`` until then; ``GET /view`` returns
the file. Both lists are in the server's memory: a job in neither was never accepted, or the server was restarted.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from configs.lipsync_models import Offer
from tasks.lipsync.hosted.jobs import Inputs, State
from tasks.lipsync.hosted.media import media_type
from tasks.lipsync.hosted.wire import UnclearError, Wire
from tasks.records.errors import PermanentError
from tasks.services.secrets import secret

_VIDEOS = (".mp4", ".webm", ".mov", ".mkv")


class ComfyUI:
    """Runs the table's workflow or the user's own, with our files for ``{{picture}}`` and ``{{speech}}``."""

    title: ClassVar[str] = "ComfyUI"
    variables: ClassVar[tuple[str, ...]] = ("COMFY_API_KEY",)
    address: ClassVar[str] = "http://127.0.0.1:8188"
    repeats_s: float = 0.0

    def __init__(self, offer: Offer, values: Mapping[str, Any], url: str) -> None:
        self._key = secret("COMFY_API_KEY")
        self.url = url
        self._values = dict(values)
        self._workflow = self._values.pop("workflow")
        self._wire = Wire(self.title, url, {}, secret=self._key, variable="COMFY_API_KEY")

    def prepare(self, inputs: Inputs) -> dict[str, Any]:
        """The workflow, filled in; the names of its files are unique to this job."""
        assert inputs.speech is not None
        own = {"picture": self._file(inputs.picture), "speech": self._file(inputs.speech)}
        return {"prompt": _filled(self._workflow, {**self._values, **own}), "picture": own["picture"]}

    def create(self, request: dict[str, Any], tag: str) -> str:
        """A prompt's id; the partner's key is only sent here."""
        payload = {"prompt": request["prompt"], "client_id": tag, "extra_data": {"api_key_comfy_org": self._key}}
        return self._wire.part(self._wire.ask("POST", "/prompt", creates=True, json=payload), "prompt_id", creates=True)

    def poll(self, job: str) -> State:
        """Finished, waiting, or unknown to the server."""
        for _ in range(2):  # it may finish between the two requests
            ended = self._wire.ask("GET", f"/history/{quote(job, safe='')}").get(job)
            if isinstance(ended, dict):
                return self._ended(ended)
            if job in dict(self._waiting()):
                return State("running")
        raise PermanentError(
            f"ComfyUI at {self.url} no longer knows the job {job}; it may have been paid for.",
            "Look in the server's output folder. To request it again, delete its folder (lipsync-jobs in the store).",
        )

    def cancel(self, job: str) -> None:
        """Remove it from the queue, or stop it if it is running."""
        self._wire.ask("POST", "/queue", json={"delete": [job]})
        running = self._wire.ask("GET", "/queue").get("queue_running")
        if any(entry[1] == job for entry in running or []):
            self._wire.ask("POST", "/interrupt", json={"prompt_id": job})

    def find(self, request: dict[str, Any], tag: str, since: float) -> str | None:
        """Search by the name of its picture, in the queue and the history.

        Args:
            request: as of `create`.
            tag: as of `create`.
            since: earliest creation, seconds of the epoch.
        """
        history = self._wire.ask("GET", "/history", params={"max_items": 200})
        ended = ((job, entry.get("prompt")) for job, entry in history.items() if isinstance(entry, dict))
        for job, prompt in [*self._waiting(), *ended]:
            if request["picture"] in json.dumps(prompt):
                return job
        raise UnclearError("ComfyUI has no such job, or was restarted.")

    def _waiting(self) -> Iterator[tuple[str, Any]]:
        queue = self._wire.ask("GET", "/queue")
        for entry in [*(queue.get("queue_running") or []), *(queue.get("queue_pending") or [])]:
            yield str(entry[1]), entry[2]

    def _ended(self, ended: Mapping[str, Any]) -> State:
        for file in _files(ended.get("outputs")):
            if str(file.get("filename", "")).lower().endswith(_VIDEOS):
                where = {name: str(file.get(name) or "") for name in ("filename", "subfolder", "type")}
                return State("done", url=f"{self.url}/view?{urlencode(where)}")
        messages = (ended.get("status") or {}).get("messages") or []
        by_kind: dict[str, Any] = dict(pair for pair in messages if isinstance(pair, list) and len(pair) == 2)
        if "execution_interrupted" in by_kind:
            return State("cancelled")
        error = by_kind.get("execution_error", {})
        return State("failed", said=self._wire.said(error.get("exception_message") or "the workflow saved no video"))

    def _file(self, path: Path) -> str:
        name = f"polydub-{uuid.uuid4().hex}{path.suffix}"
        with path.open("rb") as file:
            sent = {"image": (name, file, media_type(path))}
            taken = self._wire.ask("POST", "/upload/image", files=sent, data={"type": "input"})
        folder = str(taken.get("subfolder") or "")
        return f"{folder}/{self._wire.part(taken, 'name')}".lstrip("/")


def _filled(part: Any, values: Mapping[str, Any]) -> Any:
    """A workflow with every ``{{name}}`` in its texts replaced by that value."""
    if isinstance(part, dict):
        return {name: _filled(inner, values) for name, inner in part.items()}
    if isinstance(part, list):
        return [_filled(inner, values) for inner in part]
    if isinstance(part, str) and part.startswith("{{") and part.endswith("}}"):
        return values[part[2:-2].strip()]
    return part


def _files(outputs: Any) -> Iterator[Mapping[str, Any]]:
    """All files saved by nodes, under any name."""
    for node in (outputs or {}).values():
        for listed in node.values():
            yield from (entry for entry in listed if isinstance(entry, dict)) if isinstance(listed, list) else ()

"""A delivered title of three lines in a store of its own, and somebody who has opened the review server."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flows.ask.naming import card_of
from flows.ask.plan import Request, plan
from flows.kept import links
from flows.review.site import app
from tasks.records.facts import MediaFacts
from tasks.records.script import Line, Script, Speaker
from tasks.records.title import Run

TOKEN = "a-token-of-this-server"
CUES = ((300, 1000, "Good morning."), (1200, 2000, "Nice to see you here."), (2300, 3400, "See you next week."))
SAID = ("Buenos días.", "Me alegra verte.", "Hasta la semana que viene.")


def deliver(run: Run, cues: Sequence[tuple[int, int, str]], said: Sequence[str], duration_ms: int = 4000) -> None:
    """Write what a run delivers, as far as its page reads it."""
    folder = Path(run.title.folder)
    (folder / "es").mkdir(parents=True, exist_ok=True)
    lines = tuple(Line(id=n, start_ms=a, end_ms=b, text=text) for n, (a, b, text) in enumerate(cues, start=1))
    script = Script(language="en", lines=lines, speakers=(Speaker(id="S1"),))
    facts = MediaFacts(duration_ms=duration_ms, container="mp4", picture=None, audio=())
    title = {"facts": facts.model_dump(mode="json"), "script": script.model_dump(mode="json")}
    dub = [line.model_copy(update={"text": text}) for line, text in zip(lines, said, strict=True)]
    per_line = [
        {"line": line.id, "slot_ms": line.end_ms - line.start_ms, "fit": "natural", "natural_of_slot": 1.0}
        for line in lines
    ]
    gates = [{"name": "stretch_max", "value": 1.0, "status": "pass", "warn": 1.2, "fail": 1.3, "note": ""}]
    language = {"language": "Spanish", "state": "completed", "why": "", "report": None, "master": "talk.es.mp4"}
    files: dict[str, Any] = {
        "title.json": {**card_of(run.title), **title},
        "summary.json": {"title": run.title.name, "languages": {"es": language}},
        "es/script.json": script.model_copy(update={"language": "es", "lines": tuple(dub)}).model_dump(mode="json"),
        "es/qc.json": {"per_line": per_line, "gates": gates, "state": "completed"},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    links.note_delivered(run)


@pytest.fixture(scope="session")
def planned(short_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A title as it is asked for; planned once for all tests."""
    folder = tmp_path_factory.mktemp("planned")
    video = str(shutil.copy(short_clip, folder / "talk.mp4"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYDUB_STORE", str(folder / "store"))
        return plan(Request([video], ["es"], str(folder / "out"), "fake", source_language="en"))[0]


@pytest.fixture
def run(planned: Run, tmp_path: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.delenv("PREFECT_SERVER_API_AUTH_STRING", raising=False)
    video = planned.title.video.model_copy(
        update={"uri": str(shutil.copy(planned.title.video.uri, tmp_path / "talk.mp4"))}
    )
    title = planned.title.model_copy(
        update={"folder": str(tmp_path / "out/talk"), "video": video, "source": str(video.uri)}
    )
    made = planned.model_copy(update={"title": title, "store": str(store_folder)})
    deliver(made, CUES, SAID)
    shutil.copy(video.uri, Path(title.folder) / "talk.es.mp4")
    return made


class Page:
    """What the page asks of the server, for one language."""

    def __init__(self, client: TestClient, run: Run) -> None:
        self.client, self.run = client, run
        self.place = f"/api/v1/titles/{links.key_of(run.title.folder)}/es"

    def look(self) -> dict[str, Any]:
        answer = self.client.get(self.place)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def texts(self) -> list[str]:
        return [line["text"] for line in self.look()["lines"]]

    def send(self, where: str, body: Any, **headers: str) -> Any:
        return self.client.post(f"{self.place}/{where}", json=body, headers={"x-polydub": "page", **headers})

    def edit(self, *edits: dict[str, Any], revision: str = "") -> Any:
        return self.send("edits", {"revision": revision or self.look()["revision"], "edits": list(edits)})


@pytest.fixture
def page(run: Run) -> Iterator[Page]:
    with TestClient(app(TOKEN), base_url="http://127.0.0.1:4201", follow_redirects=False) as client:
        assert client.get(f"/?token={TOKEN}").status_code == 303
        yield Page(client, run)

"""Readings of a line by its voice, side by side: made beside the dub, heard, and one chosen by an edit."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import soundfile

from flows.ask.plan import Request, plan
from flows.dub import readings
from flows.dub.readings import LineReadings
from flows.kept import links
from flows.kept.branches import branch_key, keep_shared_work
from flows.kept.dub_lines import DubLines
from tasks.records.facts import MediaFacts
from tasks.records.record import Asset
from tasks.records.result import SharedWork
from tasks.records.script import Line, Script, Speaker
from tasks.records.title import Run
from tests.flows.review.conftest import CUES, Page
from tests.flows.test_edited_lines import Title

pytestmark = pytest.mark.usefixtures("store_folder")

VARIES = {"synthesize": {"backend": "fake", "options": {"varies": True}}}


def shared(run: Run) -> None:
    nothing = Asset(uri="/nowhere.wav", sha256="0" * 64, bytes=1)
    lines = tuple(Line(id=n, start_ms=a, end_ms=b, text=text) for n, (a, b, text) in enumerate(CUES, start=1))
    facts = MediaFacts(duration_ms=4000, container="mp4", picture=None, audio=())
    names = ("video", "original", "dialogue", "bed", "speech", "analysis")
    script = Script(language="en", lines=lines, speakers=(Speaker(id="S1"),))
    keep_shared_work(run, SharedWork(**dict.fromkeys(names, nothing), facts=facts, script=script))  # type: ignore[arg-type]


@pytest.fixture
def varied(page: Page, monkeypatch: pytest.MonkeyPatch) -> Page:
    """The page of a title whose voice reads a line in several ways; what is a process of its own is a call here."""
    synthesize = page.run.profile.synthesize.model_copy(update={"options": {"varies": True}})
    run = page.run.model_copy(update={"profile": page.run.profile.model_copy(update={"synthesize": synthesize})})
    links.note_delivered(run)
    shared(run)

    def called(command: Sequence[str], deadline_s: float) -> str:
        assert deadline_s < 3600
        assert readings.main(*command[3:]) == 0
        return ""

    monkeypatch.setattr("flows.review.readings.run", called)
    return page


def made(page: Page, line: str = "2-0") -> list[dict[str, Any]]:
    end = time.monotonic() + 60
    while (found := page.client.get(f"{page.place}/readings?line={line}").json())["state"] in ("waiting", "running"):
        assert time.monotonic() < end
    assert (found["state"], found["why"]) in (("made", ""), ("none", ""))
    rows: list[dict[str, Any]] = found["readings"]
    return rows


def test_readings_are_made_heard_and_chosen_without_changing_the_dub(varied: Page) -> None:
    before = varied.look()
    answer = varied.send("readings", {"line": "2-0"})
    assert answer.status_code == 202, answer.text
    found = made(varied)
    assert [one["take"] for one in found] == [1, 2, 3]
    assert len({one["sound"] for one in found}) == 3
    sound = varied.client.get(f"{varied.place}/readings/2-0/3")
    samples, rate = soundfile.read(io.BytesIO(sound.content))
    assert round(len(samples) * 1000 / rate) == pytest.approx(found[2]["duration_ms"], abs=2)
    assert varied.look() == before
    assert varied.edit({"line": "2-0", "change": {"take": 3}}).status_code == 201
    assert made(varied) == found


def test_a_line_that_was_edited_since_has_no_readings_of_before(varied: Page) -> None:
    assert varied.send("readings", {"line": "2-0", "count": 2}).status_code == 202
    assert len(made(varied)) == 2
    assert varied.edit({"line": "2-0", "change": {"text": "Qué alegría."}}).status_code == 201
    assert made(varied) == []
    assert varied.client.get(f"{varied.place}/readings/2-0/1").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"line": "9-0"}, 400, "no such line"),
        ({"line": "2-0", "count": 4}, 422, "count"),
        ({"line": "2-0", "folder": "/etc"}, 422, "folder"),
    ],
)
def test_what_is_no_line_or_too_many_is_refused(varied: Page, body: dict[str, Any], status: int, told: str) -> None:
    answer = varied.send("readings", body)
    assert (answer.status_code, told in answer.text) == (status, True), answer.text


def test_a_voice_that_reads_a_line_in_one_way_says_so(page: Page) -> None:
    shared(page.run)
    answer = page.send("readings", {"line": "2-0"})
    assert answer.status_code == 400
    assert "fake reads a line the same way every time" in answer.json()["error"]["what"]
    assert made(page) == []


def test_the_reading_that_is_chosen_is_the_one_that_was_heard(short_clip: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"languages": ["es"], "out": str(tmp_path / "out"), "overrides": VARIES}
    video = str(shutil.copy(short_clip, tmp_path / "clip.mp4"))
    title = Title(plan(Request([video], **given, profile="fake", source_language="en"))[0])
    branch, key = title.run.branch("es"), branch_key(title.run.branch("es"))
    heard = list(LineReadings(branch, DubLines(title.folder, "es"), 2).speak(3))
    assert branch_key(branch) == key
    title.edit("2", "--take", "2")
    _, spoken = title.dub()
    assert spoken == 0
    found = LineReadings(branch, DubLines(title.folder, "es"), 2).made()
    assert [one.take for one in found] == [one.take for one in heard]

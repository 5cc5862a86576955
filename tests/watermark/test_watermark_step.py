"""What a voice speaks is marked line by line; what a person recorded never is; without a watermark nothing changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from configs.profile import load_profile
from flows.ask.plan import Request, plan
from flows.terminal.runner import dub_titles
from tasks.keep.assets import path_of
from tasks.keep.store import Store
from tasks.records.made import Marked, MarkedLine, Watermark, WatermarkHeard
from tasks.records.progress import StepEvent, listening
from tasks.records.record import Asset
from tasks.records.step_record import StepRecord
from tasks.records.take import RECORDED, Take
from tasks.records.title import Branch, Run, Title
from tasks.watermark import fake
from tasks.watermark.task import watermark

RATE_HZ = 24_000


@pytest.fixture
def branch(tmp_path: Path) -> Branch:
    nothing = tmp_path / "nothing"
    nothing.write_bytes(b"")
    title = Title(
        name="t",
        video=Store(tmp_path / "store").reference(nothing),
        source="t",
        folder=str(tmp_path / "out"),
        languages=("es",),
    )
    profile = load_profile("fake", {"watermark": {"backend": "fake"}})
    return Run(title=title, profile=profile, store=str(tmp_path / "store")).branch("es")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with every line that is marked."""
    found: list[int] = []
    mark = fake.FakeWatermarker.mark

    def noted(self: fake.FakeWatermarker, samples: Any, rate_hz: int) -> Any:
        found.append(len(samples))
        return mark(self, samples, rate_hz)

    monkeypatch.setattr(fake.FakeWatermarker, "mark", noted)
    return found


def take(branch: Branch, folder: Path, line: int, voice: str, hz: float) -> Take:
    sound = 0.1 * np.sin(2 * np.pi * hz * np.arange(RATE_HZ) / RATE_HZ)
    path = folder / f"{line}-{hz:g}.wav"
    soundfile.write(path, sound, RATE_HZ)
    return Take(line=line, audio=Store(branch.store).add(path, keep=True), duration_ms=1000, voice=voice)


def marked(branch: Branch, *takes: Take) -> StepRecord[Marked]:
    answer = watermark.fn(branch, takes)
    return answer if isinstance(answer, StepRecord) else answer.data


def test_a_recording_of_a_person_is_never_marked(branch: Branch, tmp_path: Path) -> None:
    spoken, recorded = take(branch, tmp_path, 1, "hum-110", 110), take(branch, tmp_path, 2, RECORDED, 150)
    record = marked(branch, spoken, recorded)
    assert record.value.takes[1] == recorded
    assert record.value.takes[0].audio != spoken.audio
    assert [one.line for one in record.value.lines] == [1]
    assert "1 recorded line is not watermarked: a person speaks." in record.notes


def test_an_edited_line_alone_is_marked_again(branch: Branch, tmp_path: Path, counted: list[int]) -> None:
    first, second = take(branch, tmp_path, 1, "hum-110", 110), take(branch, tmp_path, 2, "hum-110", 120)
    before = marked(branch, first, second).value.takes
    assert len(counted) == 2
    again = marked(branch, first, take(branch, tmp_path, 2, "hum-110", 130))
    assert len(counted) == 3
    assert again.value.takes[0] == before[0]
    assert (again.hits, again.parts) == (1, 2)


def test_a_marked_line_keeps_its_length_and_says_what_the_mark_did(branch: Branch, tmp_path: Path) -> None:
    plain = take(branch, tmp_path, 1, "hum-110", 110)
    made = marked(branch, plain).value
    one = soundfile.info(path_of(made.takes[0].audio))
    assert (one.frames, one.samplerate) == (RATE_HZ, RATE_HZ)
    (line,) = made.lines
    assert 15 < line.snr_db < 25
    assert abs(line.level_lu) < 1
    assert line.score > 0.9


def dubbed(clip: Path, out: Path, mark: str) -> tuple[dict[str, Any], dict[str, Any], set[str]]:
    """The summary of a run, its quality sheet and the steps that were computed."""
    overrides = {"lipsync": {"backend": "fake"}, "watermark": {"backend": mark}}
    given: dict[str, Any] = {"videos": [str(clip)], "languages": ("es",), "out": str(out), "profile": "fake"}
    run = plan(Request(**given, overrides=overrides, source_language="en"))[0]
    events: list[StepEvent] = []
    with listening(events.append):
        (summary,) = dub_titles([run])
    sheet = json.loads((out / "clip" / "es" / "qc.json").read_text())
    return summary, sheet, {event.step for event in events if event.language}


@pytest.mark.usefixtures("store_folder")
def test_the_mark_is_looked_for_in_the_encoded_master(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    summary, sheet, steps = dubbed(short_clip, tmp_path / "marked", "fake")
    gates = {gate["name"]: gate for gate in sheet["gates"]}
    assert sheet["watermark"]["watermark"]["verdict"] == "found"
    assert gates["watermark"]["status"] == "pass"
    assert gates["watermark"]["note"].startswith("found, in the encoded master")
    assert {"watermark", "find-watermark"} <= steps
    assert summary["languages"]["es"]["watermark"] == "found"


def test_a_mark_that_is_not_heard_fails_and_one_that_nobody_could_hear_is_not_measured() -> None:
    from tasks.qc.gates import judge
    from tasks.qc.watermark import watermark_figures

    lines = [MarkedLine(line=1, snr_db=16.0, level_lu=0.1, score=0.9)]

    def status(heard: Watermark, share: float | None) -> str:
        return judge(
            "watermark", watermark_figures(lines, WatermarkHeard(watermark=heard, share=share))["watermark"]
        ).status

    assert status(Watermark(verdict="not found", score=0.1), 0.0) == "fail"
    assert status(Watermark(verdict="not measured", note="no sound"), None) == "unmeasured"
    assert status(Watermark(verdict="found", score=0.9), 0.9) == "pass"


def test_an_asset_is_marked_to_the_same_bytes(branch: Branch, tmp_path: Path) -> None:
    made: list[Asset] = []
    for name in ("a", "b"):
        other = branch.model_copy(update={"store": str(tmp_path / name)})
        made.append(marked(other, take(other, tmp_path, 1, "hum-110", 110)).value.takes[0].audio)
    assert made[0].sha256 == made[1].sha256

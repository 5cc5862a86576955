"""Steps that need nothing of each other run beside each other; what comes out is the same as one after the other."""

from __future__ import annotations

import contextvars
import hashlib
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from flows.ask.plan import Request, plan
from flows.dub.beside import beside, side_by_side
from flows.kept.ahead import steps_ahead
from flows.kept.forecast import Forecast
from flows.terminal.runner import dub_titles
from tasks.machine.process import capture, stream
from tasks.records.errors import GivenUpError, ProcessFailedError
from tasks.records.progress import StepEvent, listening
from tasks.records.title import Run
from tasks.separate.fake import FakeSeparator
from tasks.step.table import BY_NAME

LANGUAGES = ["es", "fr", "it"]


def planned(clip: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Run:
    """A title with a store of its own."""
    monkeypatch.setenv("POLYDUB_STORE", str(folder / "store"))
    folder.mkdir(exist_ok=True)
    video = str(shutil.copy(clip, folder / "talk.mp4"))
    asked = Request([video], LANGUAGES, str(folder / "out"), "fake", changes, source_language="en")
    return plan(asked)[0]


def told_of(run: Run) -> list[StepEvent]:
    events: list[StepEvent] = []
    with listening(events.append):
        (summary,) = dub_titles([run])
    assert summary["failed"] == 0
    return events


def files_of(run: Run) -> dict[str, str]:
    """Digests of what is delivered, but for what has seconds or the folder's name in it."""
    folder, timed = Path(run.title.folder), ("summary.json", "title.json", "lipsync.json", "report.html")
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in timed)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def test_no_step_begins_before_those_that_it_needs_have_ended(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = planned(short_clip, tmp_path, monkeypatch, jobs=4)
    events = told_of(run)
    for language in ("", *LANGUAGES):
        ahead = {step.name for step in steps_ahead(run.branch(language) if language else run, Forecast(run).facts)}
        ended: set[str] = set()
        for event in (one for one in events if one.language == language):
            if event.state == "started" and event.step in ahead:
                assert ahead.intersection(BY_NAME[event.step].needs) <= ended, event.step
            elif event.state in ("computed", "reused"):
                ended.add(event.step)
        assert ahead <= ended


def test_faces_are_tracked_while_the_sound_is_separated(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits until the other has begun: one after the other, this would never end."""
    met = threading.Barrier(2)
    separate, track = FakeSeparator.separate, "tasks.lipsync.tracker.NoTracker.track"

    def separating(*given: Any) -> Any:
        met.wait(timeout=60)
        return separate(*given)

    def tracking(_self: object, _video: Path, out: Path, _progress: object) -> None:
        met.wait(timeout=60)
        out.write_bytes(b"no faces\n")

    monkeypatch.setattr(FakeSeparator, "separate", separating)
    monkeypatch.setattr(track, tracking)
    told_of(planned(short_clip, tmp_path, monkeypatch, jobs=2))


def test_many_at_once_make_the_same_files_as_one_after_the_other(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for name, jobs in (("one", 1), ("many", 4)):
        run = planned(short_clip, tmp_path / name, monkeypatch, jobs=jobs)
        told_of(run)
        made.append(files_of(run))
    assert len(made[0]) > 3 * len(LANGUAGES)
    assert made[0] == made[1]


def test_the_block_ends_when_both_have_and_the_error_of_either_is_raised() -> None:
    gate, log = threading.Event(), []

    def slow() -> str:
        gate.wait(timeout=60)
        log.append("slow")
        return "made"

    with beside(slow) as made:
        gate.set()
    assert (log, made()) == (["slow"], "made")

    def broken() -> None:
        raise ValueError("no faces")

    with beside(broken) as made_by_none:
        log.append("went on")
    with pytest.raises(ValueError, match="no faces"):
        made_by_none()
    gate.clear()

    def interrupted() -> None:
        with beside(slow):
            gate.set()
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert log == ["slow", "went on", "slow"]


@pytest.mark.parametrize("at_once", [1, 3])
def test_works_keep_their_callers_context(at_once: int) -> None:
    where: contextvars.ContextVar[str] = contextvars.ContextVar("where", default="nowhere")
    where.set("here")
    seen: list[str] = []
    side_by_side([lambda: seen.append(where.get())] * 5, at_once)
    assert seen == ["here"] * 5


def test_what_runs_beside_a_failure_is_ended_and_begins_nothing_more() -> None:
    begun, said = threading.Event(), []

    def long() -> None:
        try:
            for line in stream(["sh", "-c", "echo begun; sleep 600"], deadline_s=900):
                assert line == "begun"
                begun.set()
        except GivenUpError:
            said.append("ended")
        with pytest.raises(GivenUpError):
            capture(["true"])

    def failing() -> None:
        with beside(long):
            assert begun.wait(60)
            raise ValueError("no lips")

    began = time.monotonic()
    with pytest.raises(ValueError, match="no lips"):
        failing()
    assert said == ["ended"]
    assert time.monotonic() - began < 60

    def first() -> None:
        begun.wait(60)
        raise ValueError("no faces")

    def either() -> None:
        with beside(first):
            begun.clear()
            for _ in stream(["sh", "-c", "echo begun; sleep 600"], deadline_s=900):
                begun.set()

    with pytest.raises(ValueError, match="no faces"):
        either()
    assert capture(["true"]) == b""  # only what was beside it


def test_a_failed_language_mixes_no_more(short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mix has begun when the lip sync fails: it would wait for the film for ever, and is ended."""
    mixing = threading.Event()

    def slow(*_given: Any, **_more: Any) -> Any:
        mixing.set()
        capture(["sleep", "600"], deadline_s=900)

    def broken(*_given: Any, **_more: Any) -> Any:
        assert mixing.wait(60)
        raise ProcessFailedError("no lips")

    monkeypatch.setattr("tasks.mix.mix.mix", slow)
    monkeypatch.setattr("tasks.lipsync.fake.FakeLipSyncer.resync", broken)
    run = planned(short_clip, tmp_path, monkeypatch, jobs=2)
    events: list[StepEvent] = []
    with listening(events.append):
        (summary,) = dub_titles([run])
    assert {one["state"] for one in summary["languages"].values()} == {"failed"}
    assert all("no lips" in one["error"]["what"] for one in summary["languages"].values())
    assert not [event for event in events if event.step == "mix" and event.state == "computed"]

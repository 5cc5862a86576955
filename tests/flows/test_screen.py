"""The screen tells what runs, what ended, the total and the end, and fits into its window; Ctrl-C ends at once."""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from flows.ask.plan import Request, plan
from flows.kept.lane import Lane
from flows.terminal.screen import Screen
from tasks.records.progress import StepEvent, announce
from tasks.records.title import Run

pytestmark = pytest.mark.usefixtures("store_folder")


@pytest.fixture
def run(short_clip: Path, tmp_path: Path) -> Run:
    video = str(shutil.copy(short_clip, tmp_path / "talk.mp4"))
    return plan(Request([video], ["es", "fr", "it"], str(tmp_path / "out"), "fake", source_language="en"))[0]


def titles(run: Run, count: int) -> list[Run]:
    """So many titles, which differ by name and folder."""
    named = [{"name": f"title-{number:02d}", "folder": f"{run.title.folder}-{number}"} for number in range(count)]
    return [run.model_copy(update={"title": run.title.model_copy(update=one)}) for one in named]


def window(runs: list[Run], height: int = 24, **more: Any) -> tuple[Screen, Console]:
    console = Console(file=io.StringIO(), width=80, height=height, force_terminal=True, color_system=None)
    forecast = SimpleNamespace(
        seconds=lambda _step: 10.0, facts=SimpleNamespace(picture=None, still=False, sound_only=False)
    )
    return Screen(runs, [forecast] * len(runs), console, **more), console  # type: ignore[arg-type]


def seen(screen: Screen, console: Console) -> list[str]:
    with console.capture() as captured:
        console.print(screen._draw())
    return [line.rstrip() for line in captured.get().splitlines()]


def tell(screen: Screen, title: str, language: str, step: str, state: Any = "started", fraction: float = 0.0) -> None:
    screen._listen(StepEvent(title, language, step, state, fraction))


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step of the table is ahead, whatever the picture is."""
    monkeypatch.setattr("flows.kept.ahead.takes_as_it_is", lambda _run, _facts: True)


@pytest.mark.usefixtures("plain")
def test_before_the_first_step_the_clock_runs_and_says_what_is_ahead(run: Run) -> None:
    screen, console = window([run])
    lines = seen(screen, console)
    assert ", about " in lines[0]
    assert "ends " in lines[0]
    assert "0 of 3 languages done" in lines[1]
    assert "talk: starting" in lines[-1]


@pytest.mark.usefixtures("plain")
def test_while_shared_steps_run_they_are_shown_and_the_languages_are_next(run: Run) -> None:
    screen, console = window([run])
    tell(screen, "talk", "", "separate", "progress", 0.5)
    tell(screen, "talk", "", "separate")
    tell(screen, "talk", "", "separate", "progress", 0.5)
    text = "\n".join(seen(screen, console))
    assert "separate 50 %" in text
    assert "es, fr, it" in text
    assert "waiting" not in text


@pytest.mark.usefixtures("plain")
def test_what_runs_at_once_and_what_is_found_shorten_the_time_left(run: Run) -> None:
    def with_jobs(jobs: int) -> Run:
        return run.model_copy(update={"profile": run.profile.model_copy(update={"jobs": jobs})})

    title, two, many = (window([with_jobs(jobs)])[0]._titles["talk"] for jobs in (1, 2, 30))
    a_language = title.languages["es"].work_s
    assert title.left_s == pytest.approx(title.shared.work_s + 3 * a_language)
    assert two.left_s == pytest.approx(title.left_s / 2)
    assert many.left_s == pytest.approx(title.shared.left_s + title.languages["es"].left_s)  # what waits for each other
    assert many.left_s < two.left_s
    title.languages["es"].find(title.languages["es"].steps)
    assert title.left_s == pytest.approx(title.shared.work_s + 2 * a_language)
    assert title.languages["es"].over


@pytest.mark.usefixtures("plain")
def test_what_will_not_be_begun_is_shown_as_failed_and_takes_no_time(run: Run) -> None:
    screen, console = window([run], refused={(run.title.folder, "it"): "Apertium has no route to Italian."})
    tell(screen, "talk", "es", "translate")
    text = "\n".join(seen(screen, console))
    assert "failed: Apertium has no route" in text
    assert "0 of 3 languages done, 1 failed" in text
    assert screen._titles["talk"].languages["it"].left_s == 0


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("height", [10, 24, 60])
def test_thirty_titles_fit_into_any_window_with_those_that_run_on_top(run: Run, height: int) -> None:
    screen, console = window(titles(run, 30), height, at_once=2)
    for step in (lane.steps for lane in screen._titles["title-00"].lanes):
        for name in step:
            tell(screen, "title-00", "", name, "computed")
            for tag in ("es", "fr", "it"):
                tell(screen, "title-00", tag, name, "computed")
    for number in (7, 21):
        tell(screen, f"title-{number:02d}", "es", "lipsync")
        tell(screen, f"title-{number:02d}", "es", "lipsync", "progress", 0.3)
    lines = seen(screen, console)
    assert len(lines) < height
    text = "\n".join(lines)
    assert "3 of 90 languages done" in lines[1]
    assert "title-07" in text
    assert "title-21" in text
    assert "lipsync 30 %" in text
    assert "27 titles wait" in text
    assert "title-00: es, fr, it done" in text


@pytest.mark.usefixtures("plain")
def test_steps_beside_each_other_are_both_shown_and_neither_passes_for_done(run: Run) -> None:
    screen, console = window([run])
    for step in ("separate", "track-faces"):
        tell(screen, "talk", "", step)
    shared = screen._titles["talk"].shared
    assert "separate, track-faces" in "\n".join(seen(screen, console))
    left = shared.work_s
    tell(screen, "talk", "", "track-faces", "computed")
    assert shared.current == "separate"
    assert 0 < left - shared.work_s < 11  # the faces alone, of ten seconds; separating goes on


def test_a_lane_counts_no_step_twice_nor_one_that_was_not_expected() -> None:
    lane = Lane({"probe": 1.0, "mix": 1.0})
    for step in ("probe", "turn-picture", "probe", "mix"):
        lane.take(StepEvent("talk", "es", step, "computed"))
    assert (len(lane.done), len(lane.steps), lane.over) == (2, 2, True)


STOPPED = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from flows.terminal.interrupt import stopping_at_once
from tasks.machine.ending import notifying_threads
with stopping_at_once(), notifying_threads(), ThreadPoolExecutor(1) as pool:
    pool.submit(time.sleep, 60)
    print("begun", flush=True)
    pool.submit(time.sleep, 60).result()
"""


@pytest.mark.parametrize(("number", "times", "code"), [(signal.SIGINT, 1, 130), (signal.SIGINT, 2, 130), (15, 1, 143)])
def test_ctrl_c_and_sigterm_once_or_twice_say_how_to_resume_and_end_the_run(number: int, times: int, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "begun\n"
        began = time.monotonic()
        for _ in range(times):
            process.send_signal(number)
        said = process.stderr.read()
        assert process.wait(30) == code
    assert time.monotonic() - began < 5
    assert said.strip() == "Stopping. What is finished is kept: run the same command again to resume."


def test_events_of_a_run_reach_the_screen_while_it_shows(run: Run) -> None:
    screen, _ = window([run])
    with screen.showing():
        announce(StepEvent("talk", "", "probe", "started"))
    assert screen._titles["talk"].shared.current == "probe"

"""Titles are dubbed without Prefect where the user has no server of it: the same steps, tries, isolation and files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.ask.plan import Request, plan
from flows.terminal import runner
from flows.terminal.runner import dub_titles
from tasks.records.errors import PermanentError, TransientError
from tasks.records.progress import StepEvent, listening
from tasks.records.title import Branch, Run
from tasks.step import prefect as steps
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput

pytestmark = pytest.mark.usefixtures("store_folder")


def planned(video: Path, out: Path, *languages: str, fail: tuple[str, ...] = ()) -> Run:
    overrides = {"lipsync": {"backend": "fake", "options": {"fail": list(fail)}}}
    given: dict[str, Any] = {"videos": [str(video)], "languages": languages, "out": str(out), "profile": "fake"}
    return plan(Request(**given, overrides=overrides, source_language="en"))[0]


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))

    def refused(*_arguments: object) -> None:
        raise AssertionError("no server is asked for")

    monkeypatch.setattr(runner, "_with_prefect", refused)


def test_languages_are_dubbed_apart_with_the_store_opened_once(
    short_clip: Path, tmp_path: Path, opened_stores: list[object]
) -> None:
    events: list[StepEvent] = []
    with listening(events.append):
        (summary,) = dub_titles([planned(short_clip, tmp_path / "out", "es", "fr", fail=("fr",))])
    assert {tag: one["state"] == "failed" for tag, one in summary["languages"].items()} == {"es": False, "fr": True}
    assert summary["languages"]["es"]["watermark"] == "not watermarked"
    assert not any("watermark" in event.step for event in events)
    there = tmp_path / "out" / "clip"
    assert (there / "clip.es.mp4").exists()
    assert (there / "clip.multi.mkv").exists()
    assert not (there / "clip.fr.mp4").exists()
    assert len(set(map(str, opened_stores))) == len(opened_stores) == 1
    assert {event.language for event in events if event.state == "computed"} == {"", "es", "fr"}

    (again,) = dub_titles([planned(short_clip, tmp_path / "out", "es", "fr")])
    assert {one["state"] == "failed" for one in again["languages"].values()} == {False}
    assert len(opened_stores) == 1


def test_a_step_is_tried_again_for_what_may_pass_alone(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "PAUSES_S", (0, 0))
    tries: list[str] = []

    @step_task("mix")
    def mix(branch: Branch, error: Exception) -> Computation[str, int]:
        def compute(_given: str, _work: object) -> StepOutput[int]:
            tries.append(str(error))
            if len(tries) < 3:
                raise error
            return StepOutput(len(tries))

        return Computation(str(error), compute, int)

    branch = planned(short_clip, tmp_path / "out", "es").branch("es")
    assert mix.submit(branch, TransientError("busy")).result().value == 3
    assert mix.submit(branch, TransientError("busy")).result().reused
    tries.clear()
    with pytest.raises(PermanentError, match="no voice"):
        mix.submit(branch, PermanentError("no voice"))
    assert tries == ["no voice"]


def test_prefect_is_not_even_loaded(short_clip: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom flows.cli import main\n"
        f"sys.argv = ['polydub', 'run', {str(short_clip)!r}, '--to', 'es', '--from', 'en', '--profile', 'fake',"
        f" '--out', {str(tmp_path / 'out')!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print(sorted(name for name in ('prefect',) if name in sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"

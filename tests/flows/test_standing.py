"""How a branch stands, told from the store alone: waiting, running, interrupted, and how far it is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from flows.ask.plan import Request, plan
from flows.kept.branches import branch_key, keep_attempt, mark_begun
from flows.kept.standing import noted_progress, standing
from tasks.keep.store import Store
from tasks.records.progress import StepEvent, announce
from tasks.records.result import BranchResult, Failure
from tasks.records.title import Run

pytestmark = pytest.mark.usefixtures("store_folder", "probed_once")


@pytest.fixture
def run(short_clip: Path, tmp_path: Path) -> Run:
    video = str(shutil.copy(short_clip, tmp_path / "talk.mp4"))
    return plan(Request([video], ["es", "fr"], str(tmp_path / "out"), "fake", source_language="en"))[0]


def test_a_branch_waits_runs_and_waits_again_when_its_attempt_has_ended(run: Run) -> None:
    assert standing(run.branch("es")).state == "waiting"
    mark_begun(run.branch("es"))
    with noted_progress(run.branch("es"), branch_key(run.branch("es"))):
        begun = standing(run.branch("es"))
        announce(StepEvent("talk", "es", "package", "started"))
        announce(StepEvent("talk", "fr", "qc", "started"))  # another's
        later = standing(run.branch("es"))
    assert (begun.state, begun.step, begun.done) == ("running", "translate", 0.0)
    assert (later.state, later.step) == ("running", "package")
    assert 0.5 < later.done < 1
    assert standing(run.branch("es")).state == "waiting"
    assert standing(run.branch("fr")).state == "waiting"


def test_a_branch_whose_process_is_gone_was_interrupted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    mark_begun(run.branch("es"))
    store, key = Store(run.store), branch_key(run.branch("es"))
    with noted_progress(run.branch("es"), branch_key(run.branch("es"))):
        note = store.read_note("progress", key)
        assert note is not None
    store.write_note("progress", key, {**note, "pid": gone.pid})
    found = standing(run.branch("es"))
    assert (found.state, found.why) == ("interrupted", "interrupted during translate")
    elsewhere = {**note, "host": "another machine", "pid": gone.pid}
    store.write_note("progress", key, elsewhere)
    assert standing(run.branch("es")).state == "running"  # its processes are not ours to see, for an hour
    store.write_note("progress", key, {**elsewhere, "time": note["time"] - 4000})
    assert standing(run.branch("es")).state == "interrupted"


def test_a_failure_and_its_reason_stand_until_it_is_set_aside(run: Run) -> None:
    def fails() -> None:
        failure = Failure(kind="PermanentError", what="no voice", step="synthesize")
        keep_attempt(
            run, BranchResult(language="es", state="failed", key=branch_key(run.branch("es")), failure=failure)
        )

    fails()
    assert (standing(run.branch("es")).state, standing(run.branch("es")).why) == ("failed", "synthesize: no voice")
    fails()
    fails()
    aside = standing(run.branch("es"))
    assert aside.state == "set_aside"
    assert "failed 3 times" in aside.why
    assert "--force" in aside.why

"""Branches as own flow runs on a real server and worker, as `polydub up` starts them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.services import environment, free_port, up

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.timeout(600)]

_RUN_DEPLOYED = """
import json, sys
from flows.ask.plan import Request, plan
from flows.dub.admission import allow
fail = {"lipsync": {"backend": "fake", "options": {"fail": json.loads(sys.argv[3])}}}
run = plan(Request([sys.argv[1]], ["es", "ja"], sys.argv[2], "fake", fail, "en"))[0]
allow(run)
from prefect.client.orchestration import get_client
from prefect.deployments import run_deployment
parameters = {"run": run.model_dump(mode="json")}
title = run_deployment("dub-title/polydub", parameters=parameters, timeout=300, poll_interval=1)
with get_client(sync_client=True) as client:
    runs = client.read_flow_runs()
states = {run.name: [run.state.name, run.run_count] for run in runs}
print(json.dumps({"title": title.state.name, "states": states}))
"""


@pytest.fixture
def served(tmp_path: Path, store_folder: Path) -> Iterator[dict[str, str]]:
    port = free_port()
    env = environment(tmp_path, store_folder, port)
    with up(port, env, tmp_path / "up.log"):
        yield env


def test_each_language_is_a_flow_run_of_its_own(served: dict[str, str], short_clip: Path, tmp_path: Path) -> None:
    def dub(fail: list[str]) -> dict[str, object]:
        arguments = [str(short_clip), str(tmp_path / "out"), json.dumps(fail)]
        command = [sys.executable, "-c", _RUN_DEPLOYED, *arguments]
        done = subprocess.run(command, env=served, capture_output=True, text=True, timeout=400, check=True)
        answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return answer

    first = dub(["ja"])
    assert first["title"] == "PartialFailure"
    assert first["states"]["clip-es"][0] in ("Completed", "NeedsReview")  # type: ignore[index]
    assert first["states"]["clip-ja"][0] == "Failed"  # type: ignore[index]
    assert (tmp_path / "out" / "clip" / "clip.es.mp4").exists()
    assert not (tmp_path / "out" / "clip" / "clip.ja.mp4").exists()

    again = dub([])
    assert again["title"] in ("Completed", "NeedsReview")
    assert (tmp_path / "out" / "clip" / "clip.ja.mp4").exists()


_SENT_BY_HAND = """
import json, sys
from flows.ask.plan import Request, plan
from flows.dub.admission import allow
from prefect.deployments import run_deployment
run = plan(Request([sys.argv[1]], ["es"], sys.argv[2], "fake", {}, "en"))[0]
allow(run)
run = run.model_dump(mode="json")
theirs = f"{sys.argv[2]}/../theirs"
address = {"translate": {"backend": "llm", "options": {"url": "http://x.example"}}}
changes = {
    "profile": {**run, "profile": {**run["profile"], **address}},
    "folder": {**run, "title": {**run["title"], "folder": theirs}},
    "store": {**run, "store": theirs},
    "name": {**run, "title": {**run["title"], "name": "../theirs"}},
}
sent = {what: ("dub-title/polydub", {"run": changed, "launch": "deployed"}) for what, changed in changes.items()}
sent["language"] = "dub-language/polydub", {"run": {**changes["profile"], "language": "es"}}
sent["night"] = "dub-nightly/polydub", {"manifest": sys.argv[3], "out": theirs, "profile": "fake"}
sent["planned"] = "dub-title/polydub", {"run": run}
ended = {
    what: run_deployment(name, parameters=told, timeout=300, poll_interval=1) for what, (name, told) in sent.items()
}
print(json.dumps({what: [run.state.name, run.state.message] for what, run in ended.items()}))
"""


def test_what_the_password_alone_sends_is_refused_by_the_worker(
    served: dict[str, str], short_clip: Path, store_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "m.csv").write_text(f"title,languages\n{short_clip},es\n")
    arguments = [str(short_clip), str(tmp_path / "out"), str(tmp_path / "m.csv")]
    command = [sys.executable, "-c", _SENT_BY_HAND, *arguments]
    done = subprocess.run(command, env=served, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout.splitlines()[-1])
    assert ended.pop("planned")[0] in ("Completed", "NeedsReview")
    assert {state for state, _ in ended.values()} == {"Failed"}
    log = (store_folder / "logs" / "polydub-cpu.log").read_text()
    for _, why in ended.values():
        assert "This worker rejected the" in why
        assert why.partition("BadInputError: ")[2] in log
    assert not [path for path in tmp_path.rglob("*theirs*") if "prefect" not in path.parts]
    assert not (store_folder / "batches").exists()


_RETRY_AS_THE_UI_DOES = """
import json, sys, time
from prefect.client.orchestration import get_client
from prefect.states import Scheduled
with get_client(sync_client=True) as client:
    named = lambda name: next(run for run in client.read_flow_runs() if run.name == name)
    before = {run.name: [run.state.name, run.run_count, sorted(run.tags)] for run in client.read_flow_runs()}
    client.set_flow_run_state(named("clip-ja").id, Scheduled(name="AwaitingRetry"), force=True)
    for _ in range(120):
        time.sleep(2)
        if named("clip-ja").run_count > 1 and named("clip-ja").state.is_final():
            break
    after = {run.name: [run.state.name, run.run_count] for run in client.read_flow_runs()}
print(json.dumps({"before": before, "after": after}))
"""


def test_after_a_branch_is_retried_in_the_ui_its_title_follows(
    served: dict[str, str], short_clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "clip.mp4").write_bytes(short_clip.read_bytes())
    (tmp_path / "m.csv").write_text("title,languages,source_language\nclip.mp4,es ja,en\n")
    out = tmp_path / "out" / "clip"
    out.mkdir(parents=True)
    (out / "ja").write_text("in the way")
    command = [sys.executable, "-m", "flows.cli", "batch", "m.csv", "--profile", "fake", "--deployed"]
    night = subprocess.run(command, cwd=tmp_path, env=served, capture_output=True, text=True, timeout=400, check=False)
    assert night.returncode == 3, night.stderr
    assert json.loads((out / "summary.json").read_text())["multi"]

    (out / "ja").unlink()
    asked = [sys.executable, "-c", _RETRY_AS_THE_UI_DOES]
    done = subprocess.run(asked, env=served, capture_output=True, text=True, timeout=400, check=True)
    seen = json.loads(done.stdout.splitlines()[-1])
    (batch,) = (name for name in seen["before"] if name.endswith("-m-1"))
    assert seen["before"]["clip"][0] == "PartialFailure"
    assert {f"batch:{batch}", "lang:ja", "profile:fake", "video:clip"} <= set(seen["before"]["clip-ja"][2])
    state, runs = seen["after"]["clip"]
    assert (state in ("Completed", "NeedsReview"), runs) == (True, 1)  # corrected, not run again
    assert seen["after"]["clip-es"][1] == 1
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["delivered"], summary["failed"]) == (2, 0)
    tags = ["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "stream_tags=language", "-of", "csv=p=0"]
    listed = subprocess.run([*tags, out / "clip.multi.mkv"], capture_output=True, text=True, check=True).stdout
    assert sorted(listed.split()) == ["eng", "jpn", "spa"]


_WAITS = """
import json, sys, time
from pathlib import Path
from flows.ask.plan import Request, plan
from flows.dub.admission import allow
from prefect.client.orchestration import get_client
from prefect.deployments import run_deployment
from prefect.flow_runs import resume_flow_run
review = {"review": {"after": ["script", "premix"], "assignee": "ana"}}
run = plan(Request([sys.argv[1]], ["es"], sys.argv[2], "fake", review, "en"))[0]
allow(run)
told = {"run": run.model_dump(mode="json"), "launch": "deployed"}
title = run_deployment("dub-title/polydub", parameters=told, timeout=300, poll_interval=1)
seen = [["title", title.state.name]]

def branch(client):
    return next(one for one in client.read_flow_runs() if one.name == "clip-es")

def until(client, wanted):
    for _ in range(240):
        found = branch(client)
        if wanted(found.state):
            return found
        time.sleep(1)
    raise SystemExit(f"still {found.state}")

with get_client(sync_client=True) as client:
    waiting = until(client, lambda state: state.is_paused())
    seen.append(["branch", waiting.state.name, waiting.state.message])
    resume_flow_run(waiting.id, run_input={"decision": "approve", "who": "ana"})
    again = until(client, lambda state: state.is_paused() and state.id != waiting.state.id)
    seen.append(["branch", again.state.name, again.state.message])
    from typer.testing import CliRunner
    from flows.cli import app
    done = CliRunner().invoke(app, ["approve", str(Path(sys.argv[2]) / "clip"), "es"])
    seen.append(["command", done.exit_code, done.output])
    seen.append(["branch", until(client, lambda state: state.is_final()).state.name])
    seen.append(["title", next(one for one in client.read_flow_runs() if one.name == "clip").state.name])
print(json.dumps(seen))
"""


def test_a_branch_that_waits_is_suspended_and_goes_on_by_the_form_and_by_a_command(
    served: dict[str, str], short_clip: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", _WAITS, str(short_clip), str(tmp_path / "out")]
    done = subprocess.run(command, env=served, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    title, first, second, approved, branch, ended = json.loads(done.stdout.splitlines()[-1])
    assert title == ["title", "WaitsForApproval"]  # its process has ended, and no worker is held
    assert first[1] == second[1] == "Suspended"
    assert first[2].startswith("waits for approval of the script by ana")
    assert second[2].startswith("waits for approval of the premix by ana")
    assert (approved[1], "the premix approved" in approved[2]) == (0, True)
    assert branch[1] in ("Completed", "NeedsReview")
    assert ended[1] in ("Completed", "NeedsReview")
    summary = json.loads((tmp_path / "out" / "clip" / "summary.json").read_text())
    assert (summary["delivered"], summary["waiting"]) == (1, 0)
    assert summary["languages"]["es"]["approval"]["stages"]["script"]["who"] == "ana"

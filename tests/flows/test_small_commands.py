"""What the smaller commands of `polydub` say and how they end where there is little or nothing to do."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from configs.night import BudgetSettings
from flows.ask.plan import Request, checked_profile
from flows.cli import app
from flows.kept.branches import branch_key, keep_attempt
from flows.kept.costs import accounted
from flows.kept.summary import TitleResult, keep_title_result, results_of
from flows.night.batches import Batch, new_batch, runs_of
from flows.service import deploy
from flows.service.registered import Registered
from flows.terminal.inbox import Inbox
from tasks.machine.meter import Usage
from tasks.records.progress import StepEvent, announce
from tasks.records.record import Asset
from tasks.records.result import BranchResult, Failure
from tasks.records.step_record import Bill

LOST = Failure(kind="PermanentError", what="no voice", step="synthesize")


def polydub(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def night(clip: Path, out: Path, **states: str) -> Batch:
    """A batch of one title whose languages have ended so."""
    asked = [Request([str(clip)], list(states), str(out), "fake", source_language="en")]
    batch, (run,) = new_batch("m", asked, checked_profile("fake", {}), str(out), BudgetSettings())
    page = Asset(uri=str(clip), sha256="0" * 64, bytes=1)
    for language, state in states.items():
        facts = {"failure": LOST} if state == "failed" else {"outputs": {f"{language}/report.html": page}}
        for _ in range(3 if state == "failed" else 1):  # so often that it is set aside
            keep_attempt(
                run, BranchResult(language=language, state=state, key=branch_key(run.branch(language)), **facts)
            )  # type: ignore[arg-type]
    keep_title_result(run, TitleResult(branches=tuple(results_of(run, {}))))
    return batch


@pytest.mark.usefixtures("store_folder")
def test_retry_with_nothing_left_says_so_and_is_no_error(short_clip: Path, tmp_path: Path) -> None:
    batch = night(short_clip, tmp_path / "out", es="completed", fr="needs_review")
    done = polydub("retry")
    assert f"Batch {batch.id} has nothing to retry: every branch is delivered." in done.stderr
    assert f"{batch.id}: 1 ready, 1 to review, 0 failed of 2" in done.stderr
    assert done.exit_code == 0
    assert json.loads(polydub("retry", "--json").stdout)["delivered"] == 2
    in_one = polydub("retry", "--language", "Spanish")
    assert "has nothing to retry in es: every branch is delivered." in in_one.stderr
    assert in_one.exit_code == 0


@pytest.mark.usefixtures("store_folder")
def test_retry_of_what_is_set_aside_says_how_and_ends_as_the_batch_stands(short_clip: Path, tmp_path: Path) -> None:
    night(short_clip, tmp_path / "out", es="completed", fr="failed")
    done = polydub("retry")
    assert "are set aside; `polydub retry --force` tries them again." in done.stderr
    assert done.exit_code == 3  # part is delivered
    other = polydub("retry", "--language", "de")
    assert (other.exit_code, "The batch has no de." in other.stderr, "es, fr" in other.stderr) == (2, True, True)


def test_a_batch_for_workers_is_not_begun_where_there_is_no_server(
    short_clip: Path, tmp_path: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clip.mp4").write_bytes(short_clip.read_bytes())
    (tmp_path / "m.csv").write_text("title,languages\nclip.mp4,es\n")
    call = ("batch", str(tmp_path / "m.csv"), "--profile", "fake", "--out", str(tmp_path / "out"), "--deployed")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)  # other tests have a server
    none = polydub(*call)
    assert (none.exit_code, "PREFECT_API_URL is not set" in none.stderr) == (2, True)
    with socket.socket() as taken:  # nobody listens there
        taken.bind(("127.0.0.1", 0))
        api = f"http://127.0.0.1:{taken.getsockname()[1]}/api"
        monkeypatch.setenv("PREFECT_API_URL", api)
        away = polydub(*call)
    assert (away.exit_code, f"No Prefect server answers at {api}" in away.stderr) == (2, True)
    assert not (store_folder / "batches").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_api")
def test_a_batch_for_workers_is_not_begun_where_nothing_is_deployed(
    short_clip: Path, tmp_path: Path, store_folder: Path
) -> None:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:  # the server is that of other tests too
        for deployment in client.read_deployments():
            client.delete_deployment(deployment.id)
    (tmp_path / "clip.mp4").write_bytes(short_clip.read_bytes())
    (tmp_path / "m.csv").write_text("title,languages\nclip.mp4,es\n")
    done = polydub("batch", str(tmp_path / "m.csv"), "--profile", "fake", "--out", str(tmp_path / "out"), "--deployed")
    assert (done.exit_code, "has no deployments of Polydub" in done.stderr) == (2, True)
    assert "Register them with `polydub deploy`." in done.stderr
    assert not (store_folder / "batches").exists()


@pytest.mark.usefixtures("store_folder")
def test_costs_by_provider_are_empty_where_nothing_was_billed(short_clip: Path, tmp_path: Path) -> None:
    batch = night(short_clip, tmp_path / "out", es="completed")
    run = runs_of(batch)[0].branch("es")
    with accounted(run):
        announce(StepEvent("clip", "es", "translate", "computed", 1.0, seconds=2.0))
    assert (empty := polydub("costs", "--by", "provider")).exit_code == 0
    assert "No paid service was billed" in empty.stderr
    assert json.loads(polydub("costs", "--by", "provider", "--json").stdout) == []
    with accounted(run):
        bill = Bill(provider="deepl", units={"characters": 1000.0}, usd=0.25)
        announce(StepEvent("clip", "es", "translate", "computed", 1.0, seconds=2.0, usage=Usage(bills=[bill])))
    assert "deepl" in polydub("costs", "--by", "provider").stdout


def test_an_unknown_lip_sync_system_names_all_there_are(short_clip: Path, tmp_path: Path) -> None:
    call = ("run", str(short_clip), "--to", "es", "--profile", "fake", "--out", str(tmp_path))
    said = polydub(*call, "--lipsync", "magic").stderr
    assert "There is no lipsync backend named 'magic'." in said
    for name in ("auto", "native", "none", "wav2lip", "musetalk", "sync-lipsync-2", "heygen-video-translate"):
        assert f" {name}," in said or f" {name}." in said, name
    close = polydub(*call, "--lipsync", "latensync")
    assert (close.exit_code, "Did you mean latentsync?" in close.stderr) == (2, True)


@pytest.mark.usefixtures("store_folder")
def test_an_inbox_names_each_file_that_it_ignores_once(
    short_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = tmp_path / "box"
    box.mkdir()
    for name in ("song.mid", "Notes.docx", "named.pdf", "film.srt", "film.mp4.error.txt", ".hidden", "film.mp4.part"):
        (box / name).write_text("x")
    shutil.copy(short_clip, box / "film.mp4")
    (box / "list.csv").write_text("title,languages,bed\nfilm.mp4,klingonese,named.pdf\n")
    inbox = Inbox(box, ["es"], "fake", str(tmp_path / "out"))
    inbox.look()
    assert "ignored" not in capsys.readouterr().err, "it may still be written"
    (box / "list.csv").unlink()
    (box / "film.mp4").unlink()
    inbox.look()
    inbox.look()
    said = capsys.readouterr().err
    for name in ("song.mid", "Notes.docx", "named.pdf"):
        assert said.count(f"{name} is ignored: it is no video, sound or manifest, and no manifest names it.") == 1
    assert said.count("ignored") == 3


@pytest.mark.usefixtures("store_folder")
def test_a_file_that_a_manifest_of_the_inbox_names_is_not_called_ignored(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("flows.terminal.inbox.run_batch", lambda batch, runs: [])
    box = tmp_path / "box"
    box.mkdir()
    shutil.copy(short_clip, box / "film.mp4")
    shutil.copy(short_clip, box / "bed.wav")
    (box / "list.csv").write_text("title,languages,bed\nfilm.mp4,es,bed.wav\n")
    inbox = Inbox(box, ["es"], "fake", str(tmp_path / "out"))
    inbox.look()
    inbox.look()
    assert "ignored" not in capsys.readouterr().err


@pytest.mark.usefixtures("store_folder")
def test_doctor_ends_with_1_where_nothing_can_be_dubbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    well = polydub("doctor", "--profile", "fake")
    assert well.exit_code == 0
    monkeypatch.setenv("PATH", str(tmp_path))
    for call in (("doctor",), ("doctor", "--profile", "fake")):
        done = polydub(*call)
        assert (done.exit_code, "Nothing can be dubbed yet" in done.stdout) == (1, True)
        assert "lacks ffmpeg: apt-get install ffmpeg" in done.stdout
    assert json.loads(polydub("doctor", "--json").stdout)["ready"] is False


@pytest.mark.parametrize("command", ["up", "server"])
def test_a_port_in_use_is_named_at_once(command: str, store_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = polydub(command, "--port", port)
    assert (done.exit_code, f"Port {port} is already in use." in done.stderr) == (2, True)
    assert not (store_folder / "logs").exists()


def test_deploy_says_what_it_has_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    night = {"manifest": "/srv/night.csv", "profile": "offline", "out": "/srv/out"}
    made = Registered("http://here/api", ["dub-title/polydub"], ["polydub-cpu"], {"gpu": 1}, ["0 1 * * * (UTC)"], night)
    monkeypatch.setattr(deploy, "register", lambda *given: made)
    assert polydub("deploy").stdout.splitlines() == [
        "Registered at http://here/api:",
        "  deployments  dub-title/polydub",
        "  work pools   polydub-cpu",
        "  limits       gpu 1",
        "  night        0 1 * * * (UTC): /srv/night.csv, profile offline, into /srv/out",
        "Start a worker: prefect worker start --pool polydub-cpu",
    ]

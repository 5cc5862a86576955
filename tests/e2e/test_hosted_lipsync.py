"""Hosted lip sync from the command line to the delivered title, against local servers of the providers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from flows.ask.plan import Request, plan
from flows.kept.costs import costs
from flows.terminal.runner import dub_titles
from tasks.records.errors import BadInputError
from tests.clips import ffmpeg
from tests.contracts.test_lipsyncer import rendered
from tests.lipsync.hosted.hosted_clips import QUICK
from tests.lipsync.hosted.servers import KEY, serving
from tests.speech_media import recording

pytestmark = pytest.mark.prefect

CONSENT = "- {who: '*', what: [face, voice], when: 2026-10-01, scope: dubbing into Spanish, titles: ['*']}\n"
SPOKEN = "1\n00:00:00,300 --> 00:00:02,700\nBin blue at F two now.\n"


class Here:
    """A clip with its subtitles, a consent and a profile in a folder of its own."""

    def __init__(self, folder: Path, lipsync: dict[str, Any]) -> None:
        self.folder, self.lipsync = folder, lipsync
        self.clip = folder / "clip.mp4"
        face = recording("lipnet-grid/evaluation/samples/GRID/bbaf2n.mpg")
        ffmpeg("-i", face, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-c:a", "aac", self.clip)
        (folder / "clip.en.srt").write_text(SPOKEN)
        (folder / "consent.yaml").write_text(CONSENT)
        voices = {"translate": {"backend": "fake"}, "synthesize": {"backend": "espeak"}}
        profile = {"extends": "fake", "fake": False, **voices, "lipsync": lipsync}
        (folder / "hosted.yaml").write_text(json.dumps(profile))

    def started(self, *flags: str) -> subprocess.Popen[str]:
        env = {**os.environ, "REPLICATE_API_TOKEN": KEY, "NO_PROXY": "127.0.0.1", "PREFECT_API_URL": ""}
        env |= {"PREFECT_HOME": str(self.folder / "prefect"), "POLYDUB_STORE": str(self.folder / "store")}
        env |= {"PREFECT_LOGGING_LEVEL": "DEBUG"}
        command = [sys.executable, "-m", "flows.cli", "run", str(self.clip), "--to", "es", "--out", "out"]
        command += ["--profile", "hosted.yaml", "--lipsync", self.lipsync["backend"], *flags]
        env["PYTHONPATH"] = str(Path(__file__).parents[2])
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, env=env, cwd=self.folder, **pipes)

    def ran(self, *flags: str) -> str:
        child = self.started(*flags)
        said, _ = child.communicate(timeout=500)
        assert child.returncode == 0, said
        return said

    def told(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "out" / "clip" / name).read_text())
        return found


def from_replicate(url: str, **around: Any) -> dict[str, Any]:
    system = {"provider": "replicate", "url": url, **QUICK, "deadline_s": 200.0}
    return {"backend": "sync-lipsync-2", "options": {"device": "cpu", "system": system, **around}}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_shot_goes_to_the_provider_and_its_mouth_receipt_and_route_come_back(tmp_path: Path) -> None:
    with serving("replicate", b"") as (url, world):
        world.render = rendered
        here = Here(tmp_path, from_replicate(url))
        child = here.started()  # nobody has agreed
        said, _ = child.communicate(timeout=300)
        assert (child.returncode, world.asked) == (2, [])
        assert "consent" in said
        said = here.ran("--consent", "consent.yaml")
        assert world.paid == 1
    report = here.told("es/lipsync.json")
    assert [(route["way"], route["system"]) for route in report["routes"]] == [("video", "sync-lipsync-2")]
    assert [piece["reason"] for piece in report["routes"][0]["pieces"]] == [""]
    assert report["outside_mask_max_diff"] == 0
    (job,) = report["jobs"]
    assert (job["provider"], job["job"], job["usd"]) == ("replicate", "job1", report["billed_usd"])
    assert here.told("summary.json")["languages"]["es"]["state"] in ("completed", "needs_review")
    assert here.told("title.json")["consent"][0]["scope"] == "dubbing into Spanish"
    assert KEY not in said
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert kept == []
    paid = subprocess.run(
        [sys.executable, "-m", "flows.cli", "costs", "--by", "provider", "--json"],
        env={**os.environ, "POLYDUB_STORE": str(tmp_path / "store")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(paid.stdout)[0]["provider"] == "replicate/sync-lipsync-2"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_auto_without_money_asks_nobody_and_says_who_drew(tmp_path: Path) -> None:
    with serving("replicate", b"") as (url, world):
        own = from_replicate(url)["options"]["system"]
        options = {"device": "cpu", "video": "sync-lipsync-2", "budget_usd": 0, "systems": {"sync-lipsync-2": own}}
        here = Here(tmp_path, {"backend": "auto", "options": options})
        here.ran("--consent", "consent.yaml")
        assert world.asked == []
    report = here.told("es/lipsync.json")
    assert report["jobs"] == []
    for route in report["routes"]:
        assert (route["way"], "gates" in route["why"]) == ("native", True) or "budget" in route["why"]
    assert report["routes"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_termination_cancels_the_job_before_the_run_ends(tmp_path: Path) -> None:
    with serving("replicate", b"") as (url, world):
        world.polls = 10**6
        child = Here(tmp_path, from_replicate(url)).started("--consent", "consent.yaml")
        until = time.monotonic() + 500
        while not world.count("poll") and child.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
        child.send_signal(signal.SIGTERM)
        said, _ = child.communicate(timeout=60)
        assert (world.paid, world.count("cancel")) == (1, 1), said
        assert child.returncode == 1  # the run ends by itself, with nothing delivered


@pytest.fixture
def film(short_clip: Path, tmp_path: Path) -> bytes:
    """What the service makes of the clip: another rate, another sound, and longer."""
    out = tmp_path / "film.mp4"
    sound = ("-f", "lavfi", "-i", "sine=300:d=4.4:r=44100")
    shown = ("-vf", "tpad=stop_mode=clone:stop_duration=0.4", "-r", "30", "-c:v", "libx264", "-preset", "ultrafast")
    ffmpeg("-i", short_clip, *sound, "-map", "0:v", "-map", "1:a", *shown, "-c:a", "aac", out)
    return out.read_bytes()


@pytest.mark.usefixtures("prefect_api", "store_folder")
def test_a_service_does_a_whole_branch(
    short_clip: Path, film: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HEYGEN_API_KEY", KEY)
    consent = tmp_path / "consent.yaml"
    consent.write_text(CONSENT)

    def asked(world_url: str, **more: Any) -> Request:
        system = {"provider": "heygen", "url": world_url, **QUICK}
        backend = {"backend": "heygen-video-translate", "options": {"system": system}}
        overrides = {"lipsync": backend, "fake": False, **more}
        return Request([str(short_clip)], ["es-MX"], str(tmp_path / "out"), "fake", overrides, "en")

    with serving("heygen", film) as (url, world):
        for incomplete in ({}, {"consent": str(_faces_only(tmp_path))}):
            with pytest.raises(BadInputError, match="consent of the people"):
                plan(asked(url, **incomplete))
        (summary,) = dub_titles(plan(asked(url, consent=str(consent))))
    assert world.paid == 1
    done = summary["languages"]["es-MX"]
    assert done["state"] in ("completed", "needs_review"), done
    folder = tmp_path / "out" / "clip"
    sheet = json.loads((folder / "es-MX" / "qc.json").read_text())
    gates = {gate["name"]: gate for gate in sheet["gates"]}
    assert abs(gates["duration_frames"]["value"]) <= 1
    assert gates["loudness_lu"]["status"] == "pass"
    assert gates["intelligibility"]["status"] == "unmeasured"
    told = json.loads((folder / "es-MX" / "lipsync.json").read_text())
    assert (told["system"], told["language"], len(told["jobs"])) == (
        "heygen-video-translate",
        "Spanish (Mexico)",
        1,
    )
    assert any("400 ms longer" in note for note in done["notes"])
    assert any("there are no subtitles" in note for note in done["notes"])
    (paid,) = costs("provider", None)
    assert (paid["provider"], paid["usd"]) == ("heygen/heygen-video-translate", told["billed_usd"])


def _faces_only(folder: Path) -> Path:
    path = folder / "faces.yaml"
    path.write_text(CONSENT.replace("face, voice", "face"))
    return path

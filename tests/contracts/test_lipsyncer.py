"""What every lip-sync backend promises, whoever draws the mouth: our engine, each hosted system at each provider."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from configs.lipsync_models import lipsync_models
from tasks.lipsync import LipSyncer, Resynced
from tasks.lipsync.choose import lipsyncer
from tasks.records.progress import silent
from tests.lipsync.dubbed_clip import Dubbed, make_dubbed
from tests.lipsync.engine_here import engine_here
from tests.lipsync.hosted.hosted_clips import QUICK, reanimators
from tests.lipsync.hosted.servers import KEY, SERVERS, serving
from tests.lipsync.systems import Warper
from tests.lipsync_engine.pictures import times_of

#: By the protocol that carries most; the others differ in what surrounds the same files.
QUICKLY = {("native", ""), ("sync-lipsync-2", "replicate")}
#: What differs from run to run.
TIMES = {"fps", "seconds", "peak_rss_mb", "peak_vram_mb"}


@cache
def rendered(picture: bytes, speech: bytes) -> bytes:
    """What a system makes of what it is sent: a mouth that opens with the speech."""
    with tempfile.TemporaryDirectory() as name:
        folder, still = Path(name), picture.startswith(b"\x89PNG")
        shot = folder / ("face.png" if still else "shot.mp4")
        shot.write_bytes(picture)
        (folder / "speech.wav").write_bytes(speech)
        drawer = Warper(takes="portrait" if still else "video")
        drawer.reanimate(shot, folder / "speech.wav", folder / "out.mp4", None)
        return (folder / "out.mp4").read_bytes()


@pytest.fixture(scope="module")
def dubbed(tmp_path_factory: pytest.TempPathFactory) -> Dubbed:
    return make_dubbed(tmp_path_factory.mktemp("dubbed"))


@contextlib.contextmanager
def _backend(name: str, provider: str, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[LipSyncer]:
    if not provider:
        yield lipsyncer(name, {"device": "cpu"})
        return
    patch.setenv("NO_PROXY", "127.0.0.1")
    patch.setenv("POLYDUB_PUBLIC_FOLDER", str(folder / "public"))
    patch.setenv("POLYDUB_PUBLIC_URL", "https://media.example.org/p")
    for variable in SERVERS[provider].variables:
        patch.setenv(variable, KEY)
    with serving(provider, b"") as (url, world):
        world.render = rendered
        own = {**QUICK, "provider": provider, "url": url, "deadline_s": 60.0, "jobs": str(folder / "jobs")}
        yield lipsyncer(name, {"device": "cpu", "system": own})
        assert world.paid == len(list((folder / "jobs").rglob("receipt.json"))) > 0


@pytest.fixture(
    params=[
        pytest.param(pair, marks=() if pair in QUICKLY else pytest.mark.slow, id="@".join(filter(None, pair)))
        for pair in sorted({("native", ""), *reanimators()})
    ]
)
def backend(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LipSyncer]:
    engine_here(monkeypatch, "native", "foreign")
    with _backend(*request.param, tmp_path, monkeypatch) as made:
        yield made


def test_same_inputs_same_report_length_exact_outside_the_mask_untouched(
    backend: LipSyncer, dubbed: Dubbed, tmp_path: Path
) -> None:
    def resynced(name: str) -> Resynced:
        files = dubbed.video, dubbed.analysis, dubbed.dialogue, dubbed.phone_file
        return backend.resync(*files, "es", tmp_path / name, silent)

    first, again = resynced("first.mp4"), resynced("again.mp4")
    assert first.picture is not None
    assert first.report["edited"] >= 40
    assert first.report["outside_mask_max_diff"] == 0
    assert times_of(first.picture) == pytest.approx(times_of(dubbed.video), abs=1e-4)
    assert _untimed(first) == _untimed(again)
    assert first.picture.read_bytes() == (tmp_path / "again.mp4").read_bytes()
    assert backend.facts.uploads_faces == (backend.facts.name in lipsync_models())
    if backend.facts.paid:
        assert first.report["jobs"]
        assert first.report["billed_usd"] == pytest.approx(sum(job["usd"] for job in first.report["jobs"]))


def _untimed(done: Resynced) -> dict[str, Any]:
    return {name: value for name, value in done.report.items() if name not in TIMES}


def test_whoever_draws_and_however_faces_are_found_once() -> None:
    plain = lipsyncer("native", {}).tracker.fingerprint()
    assert plain == lipsyncer("native", {"strength": 0.5, "crf": 20}).tracker.fingerprint()
    assert plain == lipsyncer("sync-lipsync-2", {"crop": "frame"}).tracker.fingerprint()
    assert plain != lipsyncer("native", {"device": "cuda"}).tracker.fingerprint()

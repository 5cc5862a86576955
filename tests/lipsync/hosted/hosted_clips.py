"""A shot, a still, its speech (too large for a data URI) and a result, and a provider's server beside them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from configs.lipsync_models import lipsync_models
from tasks.lipsync.hosted import HostedReanimator, fetch
from tasks.lipsync.hosted.fetch import video_seconds
from tasks.records.progress import silent
from tests.clips import ffmpeg
from tests.lipsync.hosted.servers import KEY, SERVERS, World, serving

#: Short waits, so that tests take milliseconds.
QUICK = {"first_pause_s": 0.01, "longest_pause_s": 0.02, "deadline_s": 20.0}


@dataclass(frozen=True)
class Clips:
    """Small files: a shot and a still, their speech, and what providers give back."""

    shot: Path
    still: Path
    speech: Path
    result: bytes

    def picture(self, takes: str) -> Path:
        return self.still if takes == "portrait" else self.shot


def make_clips(folder: Path) -> Clips:
    shot, still, speech, result = (folder / name for name in ("shot.mp4", "face.png", "speech.wav", "result.mp4"))
    code = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=d=3:r=25:s=160x120", *code, shot)
    ffmpeg("-f", "lavfi", "-i", "testsrc2=d=0.04:r=25:s=160x120", "-frames:v", "1", still)
    ffmpeg("-f", "lavfi", "-i", "sine=d=3:r=48000", "-c:a", "pcm_s16le", speech)
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=2:r=25:s=160x120", *code, result)
    return Clips(shot, still, speech, result.read_bytes())


def reanimators() -> list[tuple[str, str]]:
    """Every model at every provider that has an adapter, translation apart."""
    models = lipsync_models()
    return [(name, seller) for name in models for seller in models[name].offers if _plays(name, seller)]


def _plays(name: str, provider: str) -> bool:
    return provider in SERVERS and lipsync_models()[name].takes != "translate"


@dataclass
class Bench:
    """One model at one provider's local server."""

    model: str
    provider: str
    url: str
    world: World
    clips: Clips
    folder: Path

    @property
    def options(self) -> dict[str, Any]:
        return {**QUICK, "provider": self.provider, "url": self.url, "jobs": str(self.folder / "jobs")}

    def make(self, **options: Any) -> HostedReanimator:
        return HostedReanimator(self.model, {**self.options, **options})

    def picture(self) -> Path:
        return self.clips.picture(lipsync_models()[self.model].takes)

    def run(self, name: str = "out.mp4", **options: Any) -> bytes:
        out = self.folder / name
        self.make(**options).reanimate(self.picture(), self.clips.speech, out, silent)
        return out.read_bytes()


@cache
def _seconds_of(content: bytes, folder: Path) -> float:
    (folder / "probed").write_bytes(content)
    return video_seconds(folder / "probed")


@contextlib.contextmanager
def bench(model: str, provider: str, clips: Clips, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench whose keys are set."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(provider, clips.result) as (url, world):
        for variable in SERVERS[provider].variables:
            monkeypatch.setenv(variable, KEY)
        monkeypatch.setenv("POLYDUB_PUBLIC_FOLDER", str(folder / "public"))
        monkeypatch.setenv("POLYDUB_PUBLIC_URL", "https://media.example.org/p")
        # The same bytes are probed once: hundreds of results are one and the same file.
        monkeypatch.setattr(fetch, "video_seconds", lambda path: _seconds_of(path.read_bytes(), clips.shot.parent))
        yield Bench(model, provider, url, world, clips, folder)

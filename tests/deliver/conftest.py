"""A title in two languages with presets, dubbed once for the tests of this folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.ask.plan import Request, plan
from flows.terminal.runner import dub_titles
from tasks.records.progress import StepEvent, listening
from tests.clips import ffmpeg

WORDS = "1\n00:00:00,200 --> 00:00:00,900\nGood morning.\n\n2\n00:00:01,100 --> 00:00:01,800\nHello there.\n"


@dataclass
class Dubbed:
    """A dubbed title.

    Attributes:
        video: its source.
        folder: of its deliverables.
        summary: as printed.
        computed: steps that were computed, in order.
    """

    video: Path
    folder: Path
    summary: dict[str, Any]
    computed: list[str]

    def preset(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.summary["deliver"][name]
        assert found["error"] is None, found
        return found

    def file(self, preset: str, name: str) -> Path:
        return self.folder / "deliver" / preset / name


def a_talk(folder: Path, rate: str = "25") -> Path:
    """Two seconds with key frames every half, two sounds where the words are, a title, chapters and a time code."""
    marks = folder / "marks.txt"
    chapter = "[CHAPTER]\nTIMEBASE=1/1000\nSTART={}\nEND={}\ntitle={}\n"
    marks.write_text(";FFMETADATA1\n" + chapter.format(0, 1000, "Dawn") + chapter.format(1000, 2000, "Day"))
    sound = "aevalsrc='0.2*sin(700*t)*(between(t,0.2,0.9)+between(t,1.1,1.8))':s=48000:d=2"
    inputs = ("-f", "lavfi", "-i", f"testsrc2=d=2:r={rate}:s=160x120", "-f", "lavfi", "-i", sound, "-i", marks)
    tags = ("-metadata", "title=The River", "-metadata", "description=Of water.", "-timecode", "01:00:00:00")
    codecs = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "12", "-c:a", "aac")
    ffmpeg(*inputs, "-map", "0", "-map", "1", "-map_chapters", "2", *tags, *codecs, folder / "talk.mp4")
    (folder / "talk.en.srt").write_text(WORDS)
    return folder / "talk.mp4"


def dubbed(video: Path, out: Path, languages: list[str], presets: str, **more: Any) -> Dubbed:
    """Dub a title with invented backends."""
    events: list[StepEvent] = []
    overrides = {"deliver": presets, **more}
    request = Request([str(video)], languages, str(out), "fake", overrides, source_language="en")
    with listening(events.append):
        summary = dub_titles(plan(request))[0]
    computed = [event.step for event in events if event.state == "computed"]
    return Dubbed(video, out / "talk", json.loads(json.dumps(summary)), computed)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store of this module alone."""
    before, folder = os.environ["POLYDUB_STORE"], tmp_path_factory.mktemp("store")
    os.environ["POLYDUB_STORE"] = str(folder)
    yield folder
    os.environ["POLYDUB_STORE"] = before

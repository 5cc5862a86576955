"""The offline profile as it is, native lip sync included, from a file to its master; then the master is looked at.

In `make test` the file is the demo's title, cut to one short sentence, dubbed by `polydub demo` itself; the slow one is
a filmed speaker, dubbed by `polydub run`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from typer.testing import CliRunner

from flows.cli import app
from flows.demo import title as demo_title
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.mouth import series
from lipsync_engine.plan.trajectory import APERTURE
from lipsync_engine.resync import analyse
from tests.clips import RATE, decoded
from tests.speech_media import recording

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(1200)]  # a whole dub, on a machine that may be busy

Luma = NDArray[np.float32]  # [T, H, W]


@dataclass(frozen=True)
class Delivered:
    """A source, the folder that was delivered for it, and what was said on the way."""

    source: Path
    folder: Path
    scratch: Path
    said: str

    @property
    def master(self) -> Path:
        return self.folder / f"{self.source.stem}.es.mp4"

    def sheet(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text("utf-8"))

    @cached_property
    def pictures(self) -> tuple[Luma, Luma]:
        """Of the source and of the master."""
        return luma(self.source), luma(self.master)

    @cached_property
    def track(self) -> FaceTrack:
        """Where the face is in the master, as an analysis of its own sees it."""
        return analyse(self.master, self.scratch / "master.npz")

    @cached_property
    def mouth(self) -> tuple[int, int, int, int]:
        """Top, bottom, left and right of the lower face over all frames, in pixels."""
        boxes = np.asarray(self.track.landmarks)[:, LOWER_FACE, :2]
        (left, top), (right, bottom) = boxes.min((0, 1)), boxes.max((0, 1))
        around = 0.25 * (right - left)
        height, width = self.pictures[0].shape[1:]
        return (
            max(0, int(top - around)), min(height, int(bottom + around)),
            max(0, int(left - around)), min(width, int(right + around)),
        )  # fmt: skip

    @cached_property
    def spoken(self) -> NDArray[np.bool_]:
        """The frames in which the dub speaks, from its dialogue alone."""
        sound, rate = soundfile.read(self.folder / "es" / "dialogue.wav", always_2d=True)
        frames = len(self.pictures[1])
        each = rate / frame_rate(self.master)
        spans = [sound[int(n * each) : int((n + 1) * each)] for n in range(frames)]
        level = np.array([np.sqrt((span**2).mean()) if len(span) else 0.0 for span in spans])
        return np.asarray(level > 0.05 * level.max())


#: Landmarks of the mesh: jaw from ear to ear by the chin, and below the nose.
LOWER_FACE = [58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 2]


def frame_rate(video: Path) -> float:
    capture = cv2.VideoCapture(str(video))
    return float(capture.get(cv2.CAP_PROP_FPS))


def luma(video: Path) -> Luma:
    capture, frames = cv2.VideoCapture(str(video)), []
    while (read := capture.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2GRAY))
    return np.asarray(frames, np.float32)


def short_demo(folder: Path) -> Delivered:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_title, "SENTENCES", ("Good morning, Pam.",))
        patch.setattr(demo_title, "_SIZE", (480, 360))
        ran = CliRunner().invoke(app, ["demo", "--to", "es", "--out", str(folder / "demo")])
    assert ran.exit_code == 0, ran.output
    return Delivered(folder / "demo/source/polydub-demo.mp4", folder / "demo/polydub-demo", folder, ran.output)


def filmed(folder: Path) -> Delivered:
    source = recording("open-dubbing/tests/data/englishvideo.mp4")
    ran = CliRunner().invoke(app, ["run", str(source), "--to", "es", "--out", str(folder / "out")])
    assert ran.exit_code == 0, ran.output
    return Delivered(source, folder / "out" / source.stem, folder, ran.output)


@pytest.fixture(scope="module", params=[short_demo, pytest.param(filmed, marks=pytest.mark.slow)])
def dubbed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, prefect_api: str
) -> Iterator[Delivered]:
    folder = tmp_path_factory.mktemp("offline")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLYDUB_STORE", str(folder / "store"))
        yield request.param(folder)


def test_the_mouth_is_redrawn_where_the_dub_speaks_and_nothing_else_is_touched(dubbed: Delivered) -> None:
    before, after = dubbed.pictures
    assert after.shape == before.shape
    top, bottom, left, right = dubbed.mouth
    changed = np.abs(after - before)
    elsewhere = np.ones(before.shape[1:], np.bool_)
    elsewhere[top:bottom, left:right] = False
    inside, outside = changed[:, top:bottom, left:right], changed[:, elsewhere]
    assert outside.mean() < 1.0, "the encoder's own error, at most"
    assert np.percentile(outside, 99.9) < 12
    redrawn = inside.mean((1, 2))
    assert redrawn[dubbed.spoken].mean() > 2 * outside.mean()
    assert np.percentile(inside[dubbed.spoken], 99) > 15, "lips and teeth, far beyond the encoder's error"


def test_the_mouth_moves_while_the_dub_speaks_and_rests_while_it_does_not(dubbed: Delivered) -> None:
    identity = dubbed.track.identities[0]
    seen = series(dubbed.track, identity)
    opening = seen.values[:, APERTURE]
    frames = np.round(seen.times_s * frame_rate(dubbed.master)).astype(int)
    spoken = dubbed.spoken[np.minimum(frames, len(dubbed.spoken) - 1)]
    assert opening[spoken].mean() > 2 * opening[~spoken].mean()
    assert np.abs(np.diff(opening))[spoken[1:]].mean() > 2 * np.abs(np.diff(opening))[~spoken[1:]].mean()
    assert dubbed.sheet("es/lipsync.json")["edited"] > 0.8 * dubbed.spoken.sum()


def test_what_is_heard_is_the_mix_and_its_voice_is_the_dub(dubbed: Delivered) -> None:
    heard = decoded(dubbed.master)
    mix, rate = soundfile.read(dubbed.folder / "es" / "mix.wav", dtype="float32", always_2d=True)
    assert rate == RATE
    count = min(len(heard), len(mix))
    assert abs(len(heard) - len(mix)) < RATE // 20
    assert np.corrcoef(heard[:count], mix[:count].mean(1))[0, 1] > 0.99
    original = decoded(dubbed.source)
    count = min(len(heard), len(original))
    assert np.corrcoef(heard[:count], original[:count])[0, 1] < 0.5, "the source's own voice is not what is heard"


def test_its_subtitles_are_the_spanish_script_inside_the_file_too(dubbed: Delivered) -> None:
    script = [line["text"] for line in dubbed.sheet("es/script.json")["lines"]]
    assert script
    english = [line["text"] for line in dubbed.sheet("title.json")["script"]["lines"]]
    assert set(script).isdisjoint(english)
    command = ["ffmpeg", "-v", "error", "-i", dubbed.master, "-map", "0:s:0", "-f", "srt", "-"]
    inside = " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert all(line in inside for line in script)


def test_every_gate_was_measured_or_says_why_not_and_none_fails(dubbed: Delivered) -> None:
    gates = dubbed.sheet("es/qc.json")["gates"]
    assert len(gates) > 15
    assert not [gate["name"] for gate in gates if gate["status"] == "fail"]
    assert all(gate["note"] for gate in gates if gate["status"] == "unmeasured")
    measured = {gate["name"] for gate in gates if gate["value"] is not None}
    assert measured >= {"loudness_lu", "true_peak_dbtp", "duration_frames", "adherence", "bed_residual_db"}
    summary = dubbed.sheet("summary.json")
    assert summary["languages"]["es"]["state"] == "completed"
    assert not summary["fake"]


def test_the_command_says_where_the_result_is(dubbed: Delivered) -> None:
    assert str(dubbed.master) in dubbed.said.replace("\n", "")
    if dubbed.source.stem == "polydub-demo":
        strip = cv2.imread(str(dubbed.folder / "strip.png"))
        assert min(strip.shape[:2]) > 100
        assert str(dubbed.folder / "strip.png") in dubbed.said.replace("\n", "")

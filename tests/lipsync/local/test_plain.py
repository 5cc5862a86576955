"""What lip sync cannot take as it is, it is given plain: frames instead of fields, upright, the dubbed track alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lipsync_engine.media import video
from lipsync_engine.media.audio import load_mono
from tasks.lipsync.plain import is_plain, make_plain
from tasks.media.probe import probe
from tests.clips import clip, ffmpeg
from tests.package.test_encoded_pictures import CORNERS, with_matrix

MOVING = "testsrc2=s=160x120:r=50"


def test_fields_become_frames_each_at_its_time(tmp_path: Path) -> None:
    graph = "interlace=lowpass=0:scan=tff"
    encode = ("-flags", "+ildct+ilme", "-top", "1", "-c:v", "mpeg2video", "-q:v", "3")
    ffmpeg("-f", "lavfi", "-i", f"{MOVING}:d=1", "-vf", graph, *encode, tmp_path / "in.ts")
    facts = probe(tmp_path / "in.ts")
    assert not is_plain(facts)
    notes = make_plain(tmp_path / "in.ts", facts, tmp_path / "out.mov", lambda _: None)
    assert "deinterlaced, one frame for each field (bwdif)" in notes[0]
    after = probe(tmp_path / "out.mov")
    assert after.picture is not None
    assert (after.picture.fields, after.picture.frame_rate, after.picture.frames) == ("progressive", 50, 50)
    assert not after.picture.variable_rate
    true, made = luma_of("lavfi", f"{MOVING}:d=1"), luma_of("mov", str(tmp_path / "out.mov"))
    for at in range(10, 40):
        away = [float(np.abs(made[at] - true[other]).mean()) for other in (at - 1, at, at + 1)]
        assert away[1] == min(away) < 12, at


def luma_of(form: str, path: str) -> NDArray[np.int16]:
    """Every frame's luma, [T, 120, 160]."""
    command = ["ffmpeg", "-v", "error", "-f", form, "-i", path, "-pix_fmt", "gray", "-f", "rawvideo", "-"]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, 120, 160).astype(np.int16)


def test_a_mirrored_picture_is_given_as_it_is_shown(tmp_path: Path) -> None:
    black = "color=black:s=160x120:d=0.2,drawbox=w=40:h=40:c=white:t=fill"
    ffmpeg("-f", "lavfi", "-i", black, tmp_path / "a.mp4")
    source = with_matrix(tmp_path / "a.mp4", tmp_path / "in.mp4", 90, mirrored=True)
    make_plain(source, probe(source), tmp_path / "out.mov", lambda _: None)
    shape = video.probe(tmp_path / "out.mov")
    luma = next(iter(video.read(tmp_path / "out.mov", shape))).planes[0]
    assert luma.shape == (160, 120)
    assert max(CORNERS, key=lambda corner: luma[CORNERS[corner]]) == "top left"


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_the_speech_of_the_dubbed_track_is_heard_not_the_first(ending: str, tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", seconds=1)
    silent = ("-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo:d=1")
    tags = ("-metadata:s:a:0", "language=fra", "-metadata:s:a:1", "language=eng", "-c:v", "copy", "-c:a", "aac")
    source = tmp_path / f"in.{ending}"
    ffmpeg("-i", tmp_path / "a.mp4", *silent, "-map", "0:v", "-map", "1:a", "-map", "0:a", *tags, source)
    facts = probe(source, "en")
    assert not is_plain(facts)
    assert is_plain(probe(source, "fr"))
    assert make_plain(source, facts, tmp_path / "out.mov", lambda _: None) == ()
    after = probe(tmp_path / "out.mov")
    assert after.picture is not None
    assert (after.picture.codec, after.picture.frames, len(after.audio)) == ("h264", 25, 1)
    assert abs(load_mono(tmp_path / "out.mov", 16_000)).max() > 0.1
    assert abs(load_mono(source, 16_000)).max() < 0.01

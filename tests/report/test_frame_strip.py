from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.records.errors import BadInputError, ProcessFailedError
from tasks.report.strip import frame_strip


def clip(path: Path, colour: str, size: str = "320x240") -> Path:
    """One second of a colour, then one second of black."""
    graph = f"color={colour}:s={size}:d=1:r=25[a];color=black:s={size}:d=1:r=25[b];[a][b]concat=n=2:v=1[v]"
    command = ["ffmpeg", "-v", "error", "-y", "-filter_complex", graph, "-map", "[v]", f"file:{path}"]
    subprocess.run(command, check=True)
    return path


def test_rows_are_videos_and_columns_are_moments(tmp_path: Path) -> None:
    videos = [("source", clip(tmp_path / "a.mp4", "red")), ("es", clip(tmp_path / "-b 1%.mp4", "blue"))]
    frame_strip(videos, [0.5, 1.5], tmp_path / "strip.png", height=100)
    picture = np.asarray(Image.open(tmp_path / "strip.png").convert("RGB")).astype(int)
    reds = np.argwhere((picture[..., 0] > 200) & (picture[..., 2] < 60))
    blues = np.argwhere((picture[..., 2] > 200) & (picture[..., 0] < 60))
    black = np.argwhere(picture.sum(axis=2) < 40)
    assert reds[:, 0].max() < blues[:, 0].min()
    assert reds[:, 1].max() < black[:, 1].min() + 5
    assert len(reds) > 0.9 * 100 * 133


def test_a_crop_shows_that_part_only(tmp_path: Path) -> None:
    videos = [("source", clip(tmp_path / "a.mp4", "red"))]
    frame_strip(videos, [0.5], tmp_path / "whole.png", height=100)
    frame_strip(videos, [0.5], tmp_path / "part.png", (0.25, 0, 0.5, 1), height=100)
    whole, part = (Image.open(tmp_path / name).width for name in ("whole.png", "part.png"))
    assert whole - part == pytest.approx(67, abs=2)


def test_the_file_is_kept_small_and_the_same_every_time(tmp_path: Path) -> None:
    noise = tmp_path / "noise.mp4"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=320x180:d=1,noise=alls=60:allf=t", noise]
    subprocess.run(command, check=True)
    for name in ("a.png", "b.png"):
        frame_strip([("noise", noise)], [0.1, 0.5], tmp_path / name, height=120, max_bytes=20_000)
    assert (tmp_path / "a.png").stat().st_size <= 20_000
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_moment_past_the_end_is_an_error_with_the_file_name(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"a\.mp4"):
        frame_strip([("source", clip(tmp_path / "a.mp4", "red"))], [9.0], tmp_path / "strip.png")
    assert not (tmp_path / "strip.png").exists()


def test_nothing_to_show_a_wrong_crop_and_no_video_are_errors(tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_text("no video")
    with pytest.raises(BadInputError):
        frame_strip([], [1.0], tmp_path / "strip.png")
    with pytest.raises(BadInputError, match="crop"):
        frame_strip([("x", tmp_path / "no.mp4")], [0.0], tmp_path / "strip.png", (0.8, 0, 0.5, 1))
    with pytest.raises(ProcessFailedError):
        frame_strip([("x", tmp_path / "no.mp4")], [0.0], tmp_path / "strip.png")

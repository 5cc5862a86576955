"""The beginning of a title: the moving picture, whatever else lies in the file."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lipsync_engine.media.video import open_picture
from tasks.media.probe import probe
from tasks.package.preview import cut_stretch
from tasks.report.strip import frame_strip
from tests.clips import cover_first, ffmpeg


def shown(path: Path, *what: str) -> dict[str, Any]:
    asked = ["ffprobe", "-v", "error", *what, "-of", "json", str(path)]
    found: dict[str, Any] = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
    return found


@pytest.fixture(scope="module")
def cover(short_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = cover_first(short_clip, tmp_path_factory.mktemp("cover") / "cover.mp4")
    kinds = [stream["codec_name"] for stream in shown(path, "-show_streams")["streams"]]
    assert kinds == ["mjpeg", "h264", "aac"]  # else this tests nothing
    return path


def test_a_cover_that_comes_first_is_not_the_picture_of_a_preview(cover: Path, tmp_path: Path) -> None:
    cut_stretch(cover, 0, 1000, tmp_path / "cut.mp4")
    facts = probe(tmp_path / "cut.mp4")
    assert facts.picture is not None
    assert facts.picture.codec == "h264"
    assert facts.picture.frames >= 25


def test_nor_of_the_engine_or_a_strip_of_frames(cover: Path, tmp_path: Path) -> None:
    container, stream = open_picture(cover)
    with container:
        assert (stream.codec_context.name, stream.width) == ("h264", 320)
    frame_strip([("", cover)], [0.0, 1.0], tmp_path / "strip.png", height=120)
    assert (tmp_path / "strip.png").stat().st_size > 0


def test_tracks_subtitles_and_chapters_of_the_source_are_in_a_preview(short_clip: Path, tmp_path: Path) -> None:
    words, marks = tmp_path / "words.srt", tmp_path / "marks.txt"
    words.write_text("1\n00:00:00,100 --> 00:00:00,900\nHello.\n", "utf-8")
    chapters = [f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={at}\nEND={at + 500}\ntitle=at {at}\n" for at in (0, 500, 2000)]
    marks.write_text(";FFMETADATA1\n" + "".join(chapters), "utf-8")
    full = tmp_path / "full.mkv"
    maps = ("-map", "0", "-map", "0:a", "-map", "1", "-map_chapters", "2", "-c", "copy")
    ffmpeg("-i", short_clip, "-i", words, "-i", marks, *maps, full)
    assert not [note for note in cut_stretch(full, 0, 1000, tmp_path / "cut.mkv") if "not in the preview" in note]
    found = shown(tmp_path / "cut.mkv", "-show_streams", "-show_chapters")
    assert [one["codec_type"] for one in found["streams"]] == ["video", "audio", "audio", "subtitle"]
    assert [one["tags"]["title"] for one in found["chapters"]] == ["at 0", "at 500"]


def test_a_name_that_lies_about_its_container_is_cut_as_what_it_is(short_clip: Path, tmp_path: Path) -> None:
    ffmpeg("-i", short_clip, "-c:v", "copy", "-c:a", "flac", "-f", "matroska", tmp_path / "liar.webm")
    cut_stretch(tmp_path / "liar.webm", 0, 1000, tmp_path / "cut.webm")
    assert [track.codec for track in probe(tmp_path / "cut.webm").audio] == ["flac"]


def test_a_copy_that_would_lack_frames_is_encoded_instead(tmp_path: Path) -> None:
    """Frames that are shown last may be stored later than the cut: a copy had holes, and ran on past its end."""
    encoder = ("-c:v", "libx265", "-x265-params", "log-level=error:bframes=8:b-adapt=0", "-pix_fmt", "yuv420p")
    sides = ("-f", "lavfi", "-i", "testsrc2=s=160x96:r=25:d=3", "-f", "lavfi", "-i", "sine=d=3", "-c:a", "aac")
    ffmpeg(*sides, *encoder, tmp_path / "full.mp4")
    notes = cut_stretch(tmp_path / "full.mp4", 0, 1480, tmp_path / "cut.mp4")
    facts = probe(tmp_path / "cut.mp4")
    assert facts.picture is not None
    assert (facts.picture.frames, facts.picture.duration_ms, facts.picture.variable_rate) == (37, 1480, False)
    assert facts.duration_ms <= 1520
    assert "encoded again" in notes[0]


def test_a_stretch_from_the_middle_keeps_picture_and_sound_together(tmp_path: Path) -> None:
    """A flash and a beep at 2.0 s of the title come 0.8 s after 1.2 s."""
    white = "color=black:s=160x96:r=25:d=4,drawbox=c=white:t=fill:enable='between(t,2,2.3)'"
    beep = "aevalsrc='0.5*sin(2000*PI*t)*between(t,2,2.3)':s=48000:d=4"
    inputs = ("-f", "lavfi", "-i", white, "-f", "lavfi", "-i", beep)
    ffmpeg(*inputs, "-c:v", "libx264", "-g", "250", "-pix_fmt", "yuv420p", "-c:a", "aac", tmp_path / "full.mp4")
    cut_stretch(tmp_path / "full.mp4", 1200, 2000, tmp_path / "cut.mp4")
    facts = probe(tmp_path / "cut.mp4")
    assert facts.picture is not None
    assert (facts.picture.frames, facts.picture.duration_ms, facts.picture.start_ms) == (50, 2000, 0)
    assert [track.codec for track in facts.audio] == ["flac"]
    assert flash_and_beep_ms(tmp_path / "cut.mp4") == (pytest.approx(800, abs=21), pytest.approx(800, abs=21))


def flash_and_beep_ms(path: Path) -> tuple[float, float]:
    """Where the picture turns white, and the sound loud."""
    command = ("ffmpeg", "-v", "error", "-i", str(path))
    grey = ("-vf", "scale=1:1", "-pix_fmt", "gray", "-f", "rawvideo", "-")
    frames = subprocess.run([*command, *grey], check=True, capture_output=True).stdout
    wave = subprocess.run(
        [*command, "-ac", "1", "-ar", "8000", "-f", "s16le", "-"], check=True, capture_output=True
    ).stdout
    loud = np.abs(np.frombuffer(wave, np.int16)) > 8000
    return 40.0 * next(at for at, level in enumerate(frames) if level > 128), float(np.argmax(loud)) / 8

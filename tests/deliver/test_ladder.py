"""A picture that a streaming package cannot hold as it is, is encoded so that it can, and why is said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from configs.delivery import StreamingPreset, delivery_presets
from tasks.deliver.cmaf import Rendition, Segment, cut
from tasks.deliver.ladder import key_frames, make_ladder
from tasks.media.probe import probe
from tests.clips import ffmpeg

PICTURE = ("-f", "lavfi", "-i", "testsrc2=d=3:r=10:s=160x120", "-pix_fmt", "yuv420p")


def rules(**changes: Any) -> StreamingPreset:
    return StreamingPreset.model_validate({**delivery_presets()["streaming"].model_dump(), **changes})


@pytest.mark.parametrize(
    ("how", "changes", "why"),
    [
        (("-c:v", "mpeg4"), {}, "players take no mpeg4 in CMAF"),
        (("-g", "100"), {"segment_s": 1, "longest_segment_s": 2}, "key frames of the title are up to 3 s apart"),
        (("-pix_fmt", "yuv422p"), {}, "browsers take H.264 of 8 bits and 4:2:0 alone"),
    ],
)
def test_a_picture_that_players_do_not_take_is_encoded(
    tmp_path: Path, how: tuple[str, ...], changes: dict[str, float], why: str
) -> None:
    film = tmp_path / "film.mp4"
    ffmpeg(*PICTURE, *how, film)
    rungs, notes = make_ladder(film, probe(film), rules(**changes), tmp_path)
    assert rungs == (tmp_path / "top.mp4",)
    assert why in notes[0]
    made = probe(rungs[0]).picture
    assert made is not None
    assert (made.codec, made.bit_depth, made.pixel_format) == ("h264", 8, "yuv420p")
    if changes:
        assert key_frames(rungs[0]) == pytest.approx([0, 1, 2], abs=0.01)


def test_a_picture_that_begins_late_is_still_until_then(tmp_path: Path) -> None:
    film, plain = tmp_path / "film.mp4", tmp_path / "plain.mp4"
    ffmpeg(*PICTURE, "-bf", "0", plain)
    sound = ("-f", "lavfi", "-i", "sine=d=3.5")
    ffmpeg("-itsoffset", "0.5", "-i", plain, *sound, "-map", "0", "-map", "1", "-c:v", "copy", "-c:a", "aac", film)
    facts = probe(film)
    assert facts.picture is not None
    assert facts.picture.start_ms == pytest.approx(500, abs=60)
    rungs, notes = make_ladder(film, facts, rules(), tmp_path)
    assert "ms after the sound" in notes[0]
    made = probe(rungs[0]).picture
    assert made is not None
    assert (made.start_ms, made.duration_ms) == (0, pytest.approx(3500, abs=110))


def test_lower_rungs_have_the_key_frames_of_the_highest_and_no_others(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    ffmpeg(*PICTURE, "-g", "7", film)
    preset = rules(ladder=({"height": 64, "kbps": 100},))
    rungs, notes = make_ladder(film, probe(film), preset, tmp_path)
    assert (rungs[0], notes) == (film, ())  # copied later on
    assert key_frames(rungs[1]) == pytest.approx(key_frames(film), abs=0.002)


def test_a_package_never_names_a_peak_below_its_average() -> None:
    segments = (Segment(4.0, 0, 100_000), Segment(0.1, 100_000, 20_000))  # the last one is short and dense
    one = Rendition("video", "video-120", "", "avc1.64000d", {}, 0, segments)
    assert one.peak_bps >= one.average_bps


def test_hevc_is_named_with_its_profile_and_level(tmp_path: Path) -> None:
    hevc = ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1")
    ffmpeg(*PICTURE[:4], *hevc, "-x265-params", "log-level=none", tmp_path / "film.mp4")
    (tmp_path / "cut").mkdir()
    (one,), manifest = cut([tmp_path / "film.mp4"], [], 4, 3000, tmp_path / "cut")
    assert re.fullmatch(r"hvc1\.2\.4\.L\d+\.90(\.\w+)*", one.codec)
    assert one.codec in {element.get("codecs") for element in manifest.iter()}

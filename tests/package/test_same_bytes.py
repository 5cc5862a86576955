"""A picture that is encoded again is the same bytes each time, on any processor."""

from __future__ import annotations

import hashlib
from pathlib import Path

import ffmpeg
import pytest

from tasks.media.encoding import h264_options, intermediate_options
from tests.speech_media import recording


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [h264_options(), h264_options(18, "veryfast"), intermediate_options()],
    ids=["master", "fast", "intermediate"],
)
def test_a_picture_encoded_ten_times_is_one_file(options: dict[str, object], tmp_path: Path) -> None:
    source = recording("open-dubbing/tests/data/englishvideo.mp4")
    found = set()
    for turn in range(10):
        out = tmp_path / f"{turn}.h264"
        film = ffmpeg.input(str(source), t=5).video.output(str(out), **{"flags:v": "+bitexact"}, **options)
        film.run(quiet=True)
        found.add(hashlib.sha256(out.read_bytes()).hexdigest())
    assert len(found) == 1

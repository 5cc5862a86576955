"""What HDR needs to be shown right is in the engine's picture: ten bits, colours, mastering display, light levels."""

from __future__ import annotations

from pathlib import Path

import pytest

from lipsync_engine.media import video
from tests.clips import ffmpeg

MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"


@pytest.mark.parametrize(
    ("transfer", "mastering", "light"), [("smpte2084", MASTERING, "1000,400"), ("arib-std-b67", "", "")]
)
def test_hdr_stays_hdr(transfer: str, mastering: str, light: str, tmp_path: Path) -> None:
    told = "log-level=error:repeat-headers=1"
    told += f":hdr10=1:master-display={mastering}:max-cll={light}" if mastering else ""
    graph = f"format=yuv420p10le,setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
    encode = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", told)
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=0.2", "-vf", graph, *encode, tmp_path / "in.mp4")
    before = video.probe(tmp_path / "in.mp4")
    with video.Writer(tmp_path / "out.mp4", before) as writer:
        for frame in video.read(tmp_path / "in.mp4", before):
            writer.write_frame(frame)
    after = video.probe(tmp_path / "out.mp4")
    assert (after.mastering, after.light, after.depth) == (mastering, light, 10)
    assert after.colour == before.colour
    container, stream = video.open_picture(tmp_path / "out.mp4")
    with container:
        assert (stream.codec_context.name, stream.codec_context.codec_tag) == ("hevc", "hvc1")

"""Pictures of every rate, depth, shape and clock go through the edit: every frame, every time, every tag."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest

from lipsync_engine.draw.painter import Painter
from lipsync_engine.draw.render import Task, render
from lipsync_engine.media import video
from lipsync_engine.media.segments import NotDivisibleError, survey
from tests.clips import ffmpeg

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "10")
LOSSLESS = ("-c:v", "ffv1")
HDR = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc", "-color_range", "tv")

PICTURES = {
    "12.mp4": (12, "160x120", H264),
    "23_976.mp4": ("24000/1001", "160x120", H264),
    "24.mkv": (24, "160x120", H264),
    "29_97.ts": ("30000/1001", "160x120", H264),
    "50.mp4": (50, "160x120", (*H264, "-bf", "3")),
    "59_94.mp4": ("60000/1001", "160x120", H264),
    "60.mp4": (60, "160x120", (*H264, "-profile:v", "baseline")),
    "portrait.mp4": (25, "120x214", H264),
    "odd.mkv": (25, "161x121", LOSSLESS),
    "422.mkv": (25, "160x120", (*LOSSLESS, "-pix_fmt", "yuv422p10le")),
    "444.mp4": (25, "160x120", (*H264, "-pix_fmt", "yuv444p")),
    "rgb.mkv": (25, "160x120", (*LOSSLESS, "-pix_fmt", "bgr0")),
    "hdr.mp4": (25, "160x120", (*H264, "-pix_fmt", "yuv420p10le", *HDR)),
    "hevc.mp4": (25, "160x120", ("-c:v", "libx265", "-x265-params", "log-level=none", "-preset", "ultrafast")),
    "mpeg1.mpg": (25, "160x120", ("-c:v", "mpeg1video", "-bf", "2")),
    "fields.mpg": (25, "160x128", ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-vf", "interlace")),
    "vp9.webm": (25, "160x120", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")),
    "mjpeg.avi": (25, "160x120", ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p")),
    "wide_pixels.mp4": (25, "160x120", (*H264, "-aspect", "16:9")),
    "late.ts": (25, "160x120", (*H264, "-output_ts_offset", "3.7")),
    "variable.mkv": (60, "160x120", (*H264, "-vf", "select='not(mod(n,7))+not(mod(n,5))'", "-vsync", "vfr")),
    "edit_list.mp4": (25, "160x120", H264),
}


def make(folder: Path, name: str) -> Path:
    rate, size, encode = PICTURES[name]
    path = folder / name
    pattern = f"testsrc2=d=1.2:s={size}:r={rate}"
    ffmpeg("-f", "lavfi", "-i", pattern, *(() if "-pix_fmt" in encode else ("-pix_fmt", "yuv420p")), *encode, path)
    if name == "edit_list.mp4":  # starts amid a group of pictures, by an edit list
        cut = folder / "cut.mp4"
        ffmpeg("-ss", "0.6", "-i", path, "-c", "copy", cut)
        return cut
    return path


def frames_of(path: Path) -> tuple[list[float], list[np.ndarray]]:
    frames = list(video.read(path, video.probe(path)))
    return [f.time_s for f in frames], [np.array(f.planes[0]) for f in frames]


def tags(facts: video.VideoFacts) -> tuple[int, ...]:
    """Colour tags; an unstated range is the limited one."""
    return (*facts.colour[:3], facts.colour[3] or 1)


def edit(source: Path, out: Path, monkeypatch) -> int:
    """A run of the whole engine's stream that draws a black square into frames 3 and 4; frames that were copied."""

    def square(_: Painter, frames: list[video.Frame]) -> list[bool]:
        for frame in frames:
            frame.planes[0][16:48, 16:48] = 16 << (2 if frame.planes[0].dtype == np.uint16 else 0)
        return [True] * len(frames)

    monkeypatch.setattr(Painter, "paint", square)
    times = np.array([f.time_s for f in video.read(source, video.probe(source))])
    edited = np.zeros(len(times), bool)
    edited[3:5] = True
    return render(Task(source, out, times, edited), []).copied


@pytest.mark.parametrize("name", PICTURES)
def test_frames_times_and_tags_are_those_of_the_source(name, tmp_path, monkeypatch):
    source, out = make(tmp_path, name), tmp_path / "out.mp4"
    edit(source, out, monkeypatch)
    (times, before), (after_times, after) = frames_of(source), frames_of(out)
    assert len(times) == len(after_times)
    assert after_times == pytest.approx(times, abs=0.001)
    a, b = video.probe(source), video.probe(out)
    assert (b.width, b.height) == (a.width + a.width % 2, a.height + a.height % 2)
    assert (b.depth, b.rotation, b.aspect) == (a.depth, 0, a.aspect)
    assert tags(b) == tags(a)
    for number, (p, q) in enumerate(zip(before, after, strict=True)):
        assert (q[20:44, 20:44].mean() < 25 * (4 if a.depth > 8 else 1)) == (number in (3, 4)), f"frame {number}"
        assert np.abs(p[60:110, 60:110].astype(int) - q[60:110, 60:110]).mean() < 6 * (4 if a.depth > 8 else 1)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_picture_turned_by_its_display_matrix_comes_out_upright(turn, tmp_path, monkeypatch):
    source = turned(make(tmp_path, "12.mp4"), turn)
    facts = video.probe(source)
    assert (facts.width, facts.height) == ((120, 160) if turn % 180 else (160, 120))
    shown = tmp_path / "shown.mkv"  # FFmpeg's own reading of the matrix
    ffmpeg("-i", source, "-c:v", "ffv1", shown)
    edit(source, tmp_path / "out.mp4", monkeypatch)
    assert video.probe(tmp_path / "out.mp4").rotation == 0
    for p, q in zip(frames_of(shown)[1][8:], frames_of(tmp_path / "out.mp4")[1][8:], strict=True):
        assert np.abs(p.astype(int) - q).mean() < 6


def turned(path: Path, degrees: int) -> Path:
    """The same file with a rotation in its track header (ISO 14496-12 8.3.2)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 4 + 20 + 8 + 4 + 4
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    one = 1 << 16
    data[at : at + 36] = struct.pack(">9i", cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30)
    out = path.with_name(f"turned{degrees}.mp4")
    out.write_bytes(data)
    return out


def test_a_torn_file_gives_the_frames_it_has(tmp_path, monkeypatch):
    whole = make(tmp_path, "24.mkv")
    data = whole.read_bytes()
    torn = tmp_path / "torn.mkv"
    torn.write_bytes(data[: len(data) * 2 // 3])
    edit(torn, tmp_path / "out.mp4", monkeypatch)
    count = len(frames_of(torn)[0])
    assert 5 < count < 28
    assert len(frames_of(tmp_path / "out.mp4")[0]) == count


def test_damaged_packets_do_not_stop_the_edit(tmp_path, monkeypatch):
    source = make(tmp_path, "50.mp4")
    with av.open(str(source)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(source.read_bytes())
    for pos, size in places[20:24]:
        data[pos : pos + size] = b"\xff" * size
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    edit(broken, tmp_path / "out.mp4", monkeypatch)
    assert len(frames_of(tmp_path / "out.mp4")[0]) == len(frames_of(broken)[0]) > 40


def test_closed_h264_is_copied_where_nothing_is_edited(tmp_path, monkeypatch):
    for name in ("50.mp4", "24.mkv", "60.mp4", "hdr.mp4"):
        assert edit(make(tmp_path, name), tmp_path / "out.mp4", monkeypatch) >= 10
    assert edit(make(tmp_path, "hevc.mp4"), tmp_path / "out.mp4", monkeypatch) == 0


def test_an_edit_list_that_hides_frames_is_not_divided(tmp_path):
    source = make(tmp_path, "edit_list.mp4")
    with pytest.raises(NotDivisibleError, match="not to be shown"):
        survey(source, video.probe(source))

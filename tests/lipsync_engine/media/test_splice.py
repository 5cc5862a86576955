"""A picture of copied and encoded parts: every frame in its place, the copied ones as they were."""

import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from lipsync_engine.draw.render import Task, render
from lipsync_engine.media import avc, video
from lipsync_engine.media.encoders import PartEncoder
from lipsync_engine.media.segments import NotDivisibleError, read_runs, survey
from lipsync_engine.media.splice import SpliceWriter
from tests.clips import ffmpeg

SOURCES = {
    "high.mp4": ["-c:v", "libx264", "-g", "12", "-bf", "3"],
    "main.mp4": ["-c:v", "libx264", "-profile:v", "main", "-g", "10", "-bf", "2"],
    "base.mp4": ["-c:v", "libx264", "-profile:v", "baseline", "-g", "15"],
    "deep.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv420p10le", "-g", "12"],
    "stream.ts": ["-c:v", "libx264", "-g", "12"],
    "mkv.mkv": ["-c:v", "libx264", "-g", "12"],
    "odd_rate.mp4": ["-c:v", "libx264", "-g", "12", "-r", "30000/1001"],
}


def clip(path: Path, encode: list[str], seconds: float = 2.4) -> Path:
    quick = ["-sc_threshold", "0", "-preset", "veryfast", "-threads", "1"]
    colours = ["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"]
    pattern = f"testsrc2=d={seconds}:r=25:s=176x144,noise=alls=20:allf=t,setsar=4/3"
    ffmpeg("-f", "lavfi", "-i", pattern, "-pix_fmt", "yuv420p", *encode, *quick, *colours, path)
    return path


def splice(source: Path, out: Path, frames: list[int], paint=None):
    facts = video.probe(source)
    layout = survey(source, facts)
    wanted = np.zeros(len(layout.pts), bool)
    wanted[frames] = True
    runs = layout.touched(wanted)
    encoder = PartEncoder(facts, layout, 17, "veryfast")
    with SpliceWriter(out, facts, layout, encoder, source) as writer:
        for run in runs:
            made = []
            for frame in read_runs(source, facts, layout, [run]):
                if paint:
                    paint(frame)
                made += encoder.encode(frame, int(layout.pts[frame.index]))
            writer.write(run[0], [*made, *encoder.finish()])
    return layout, runs


def lumas(path: Path) -> list[np.ndarray]:
    """As the decoder of FFmpeg's command line shows them (another build than the library's)."""
    facts = video.probe(path)
    shape, kind = (facts.height, facts.width), np.uint16 if facts.depth > 8 else np.uint8
    command = ["ffmpeg", "-v", "error", "-i", path, "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt"]
    grey = "gray10le" if facts.depth > 8 else "gray"
    done = subprocess.run([*map(str, command), grey, "-"], capture_output=True, check=True)
    assert not done.stderr, done.stderr.decode()
    return list(np.frombuffer(done.stdout, kind).reshape(-1, *shape))


def planes(path: Path) -> list[np.ndarray]:
    return [np.array(frame.planes[0]) for frame in video.read(path, video.probe(path))]


@pytest.mark.parametrize("name", SOURCES)
def test_copied_parts_are_bit_identical_and_encoded_ones_close(name, tmp_path):
    source = clip(tmp_path / name, SOURCES[name])
    out = tmp_path / "out.mp4"
    layout, runs = splice(source, out, [14, 40])
    inside = np.zeros(len(layout.pts), bool)
    for a, b in runs:
        inside[a:b] = True
    assert 0 < inside.sum() < len(inside)
    for decode in (planes, lumas):
        before, after = decode(source), decode(out)
        assert len(before) == len(after) == len(layout.pts)
        for number, (a, b) in enumerate(zip(before, after, strict=True)):
            same = np.array_equal(a, b)
            assert same or inside[number], f"copied frame {number} differs"
            unit = 4 if a.dtype == np.uint16 else 1
            assert np.abs(a.astype(int) - b).mean() < 5 * unit  # noise at crf 17; another frame is off by 20
    facts = (video.probe(source), video.probe(out))
    assert facts[0].colour == facts[1].colour
    assert facts[0].aspect == facts[1].aspect


@pytest.mark.parametrize("name", SOURCES)
def test_every_time_and_the_length_are_the_source_s(name, tmp_path):
    source = clip(tmp_path / name, SOURCES[name])
    splice(source, tmp_path / "out.mp4", [0, 30])
    times = [[f.time_s for f in video.read(p, video.probe(p))] for p in (source, tmp_path / "out.mp4")]
    assert times[0] == pytest.approx(times[1], abs=1e-4)
    with av.open(str(tmp_path / "out.mp4")) as container:
        due = [packet.dts for packet in container.demux(video=0) if packet.size]
        stream = container.streams.video[0]
        length = float(stream.duration * stream.time_base)
    assert due == sorted(set(due))
    assert length == pytest.approx(len(times[0]) * (times[0][-1] - times[0][0]) / (len(times[0]) - 1), abs=0.002)


def test_what_is_drawn_is_seen_in_the_edited_part_alone(tmp_path):
    source = clip(tmp_path / "a.mp4", SOURCES["high.mp4"])

    def black(frame):
        frame.planes[0][40:80, 40:80] = 16

    _, runs = splice(source, tmp_path / "out.mp4", [14], black)
    assert runs == [(12, 24)]
    dark = [float(p[44:76, 44:76].mean()) < 20 for p in planes(tmp_path / "out.mp4")]
    assert dark == [12 <= n < 24 for n in range(len(dark))]


def test_a_part_s_bytes_depend_on_its_frames_alone(tmp_path):
    source = clip(tmp_path / "a.mp4", SOURCES["high.mp4"])
    splice(source, tmp_path / "one.mp4", [14])
    splice(source, tmp_path / "both.mp4", [14, 50])
    one, both = planes(tmp_path / "one.mp4"), planes(tmp_path / "both.mp4")
    assert all(np.array_equal(a, b) for a, b in zip(one[:40], both[:40], strict=True))
    once = {path.read_bytes() for path in (_spliced(source, tmp_path / f"{n}.mp4") for n in range(6))}
    assert len(once) == 1


def _spliced(source: Path, out: Path) -> Path:
    splice(source, out, [14, 50], lambda frame: frame.planes)
    return out


def test_a_spliced_picture_can_be_spliced_again(tmp_path):
    source = clip(tmp_path / "a.mp4", SOURCES["high.mp4"])
    splice(source, tmp_path / "one.mp4", [14])
    splice(tmp_path / "one.mp4", tmp_path / "two.mp4", [40])
    with av.open(str(tmp_path / "two.mp4")) as container:
        sets = avc.ParameterSets.parse(container.streams.video[0].codec_context.extradata)
    assert len(sets.sps) == 2  # the second edit uses the first one's numbers
    assert len(planes(tmp_path / "two.mp4")) == len(planes(source))


@pytest.mark.parametrize(
    ("name", "encode", "reason"),
    [
        ("hevc.mp4", ["-c:v", "libx265", "-x265-params", "log-level=none:keyint=12"], "not H.264"),
        ("full.mp4", ["-c:v", "libx264", "-pix_fmt", "yuv444p", "-g", "12"], "format"),
    ],
)
def test_what_cannot_be_divided_says_so(name, encode, reason, tmp_path):
    source = clip(tmp_path / name, encode)
    facts = video.probe(source)
    with pytest.raises(NotDivisibleError, match=reason):
        PartEncoder(facts, survey(source, facts), 17, "veryfast")


@pytest.mark.parametrize(("open_groups", "said"), [(1, ["open groups of pictures"]), (0, [])])
def test_a_picture_of_open_groups_is_encoded_whole_and_the_report_says_why(open_groups, said, tmp_path):
    parameters = f"open-gop={open_groups}:scenecut=0"
    source = clip(tmp_path / "a.mp4", ["-c:v", "libx264", "-g", "12", "-bf", "3", "-x264-params", parameters])
    times = np.array([frame.time_s for frame in video.read(source, video.probe(source))])
    edited = np.arange(len(times)) % 12 == 5  # something in every group
    done = render(Task(picture=source, out=tmp_path / "o.mp4", times_s=times, edited=edited), [])
    assert [[word in note for word in said] for note in done.notes] == [[True]] * len(said)
    assert (done.frames, done.copied) == (len(times), 0)
    layout = survey(source, video.probe(source))
    assert (layout.open_groups > 0) == (len(layout.bounds) == 2) == bool(open_groups)

"""A picture that is encoded again looks as it did: turned, in its fields, in its colours."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.media.probe import probe
from tasks.package.package import DubTrack, package_master, package_multi, stream_hash, upright_picture
from tests.clips import click_track, ffmpeg

CORNERS = {"top left": (9, 9), "top right": (9, -9), "bottom left": (-9, 9), "bottom right": (-9, -9)}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    click_track(folder / "dub.wav", 1, channels=2)
    ffmpeg("-i", folder / "dub.wav", "-c:a", "aac", folder / "dub.m4a")
    return folder / "dub.m4a"


def first_frame(path: Path, form: str = "gray") -> NDArray[np.uint8]:
    """A frame as ffmpeg shows it: [H, W], or [H, W, 3] of blue, green and red."""
    shown = ["ffmpeg", "-v", "error", "-i", str(path), "-frames:v", "1", "-pix_fmt", form]
    kind = "pgm" if form == "gray" else "ppm"
    told = [*shown, "-f", "image2pipe", "-c:v", kind, "-"]
    data = subprocess.run(told, check=True, capture_output=True).stdout
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)


def look(path: Path, *more: str) -> dict[str, Any]:
    asked = ["ffprobe", "-v", "error", "-select_streams", "V:0", "-of", "json", "-show_streams", *more, str(path)]
    found: dict[str, Any] = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
    return found


def idet(path: Path) -> Counter[str]:
    """Frames by what they look like, whatever the file says."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-vf", "idet,metadata=print:file=-", "-f", "null", "-"]
    told = subprocess.run(command, check=True, capture_output=True).stdout.decode().splitlines()
    marks = (line.partition("lavfi.idet.multiple.current_frame=")[2] for line in told)
    return Counter(mark for mark in marks if mark)


QUICK = [(0, False), (90, False), (180, True), (270, True)]
TURNS = [*QUICK, *(pytest.param(turn, not mirrored, marks=pytest.mark.slow) for turn, mirrored in QUICK)]


@pytest.mark.parametrize(("turn", "mirrored"), TURNS)
def test_both_files_show_a_turned_or_mirrored_picture_as_the_source_is_shown(
    turn: int, mirrored: bool, sound: Path, tmp_path: Path
) -> None:
    """The stored top left corner is white; where it must be shown follows from the matrix."""
    black = "color=black:s=160x120:d=0.2,drawbox=w=40:h=40:c=white:t=fill"
    ffmpeg("-f", "lavfi", "-i", black, tmp_path / "plain.mp4")
    source = with_matrix(tmp_path / "plain.mp4", tmp_path / "in.mp4", turn, mirrored)
    facts = probe(source)
    assert facts.picture is not None
    assert (facts.picture.rotation, facts.picture.mirrored) == (turn, mirrored)
    ways = ["top left", "top right", "bottom right", "bottom left"]
    there = ways[turn // 90]
    if mirrored:
        there = there.replace("left", "x").replace("right", "left").replace("x", "right")
    upright = None
    if turn or mirrored:
        upright_picture(source, facts, tmp_path / "upright.mkv")
        upright = tmp_path / "upright.mkv"
    package_master(source, facts, sound, None, "es", "t", tmp_path / "master.mp4")
    package_multi(source, facts, [DubTrack("es", sound)], "en", tmp_path / "multi.mkv", picture=upright)
    for name in ("in.mp4", "master.mp4", "multi.mkv"):
        shown = first_frame(tmp_path / name)
        assert shown.shape == ((160, 120) if turn % 180 else (120, 160)), name
        assert max(CORNERS, key=lambda corner: shown[CORNERS[corner]]) == there, name
    stored = look(tmp_path / "multi.mkv")["streams"][0]
    assert (stored["width"], stored["height"]) == ((120, 160) if turn % 180 else (160, 120))
    assert "side_data_list" not in stored  # upright for players that know no turning


def with_matrix(plain: Path, out: Path, turn: int, mirrored: bool) -> Path:
    """A copy whose picture's track header has the display matrix."""
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[turn]
    a, b, c, d = cosine, sine, -sine, cosine
    if mirrored:
        a, c = -a, -c
    one, last = 1 << 16, 1 << 30
    values = (a * one, b * one, 0, c * one, d * one, 0, 0, 0, last)
    data = bytearray(plain.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # version 0: 40 bytes of other fields
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    out.write_bytes(data)
    return out


MOVING = "testsrc2=s=160x120:r=50:d=1"


@pytest.mark.parametrize(
    ("name", "fields", "codec"),
    [
        ("pal.ts", "tff", ("-flags", "+ildct+ilme", "-top", "1", "-c:v", "mpeg2video", "-q:v", "4")),
        ("ntsc.mpg", "bff", ("-flags", "+ildct+ilme", "-top", "0", "-c:v", "mpeg2video", "-q:v", "4", "-r", "25")),
        ("untold.mkv", "tff", ("-c:v", "ffv1", "-field_order", "progressive")),
    ],
)
def test_an_interlaced_picture_stays_interlaced_and_says_so(
    name: str, fields: str, codec: tuple[str, ...], sound: Path, tmp_path: Path
) -> None:
    size = (
        "scale=720:576," if name == "untold.mkv" else ""
    )  # the size of television: looked at although it says nothing
    scan = "tff" if fields == "tff" else "bff"
    graph = f"{size}interlace=lowpass=0:scan={scan},setsar=16/11" + (",setfield=prog" if size else "")
    ffmpeg("-f", "lavfi", "-i", MOVING, "-vf", graph, *codec, tmp_path / name)
    facts = probe(tmp_path / name)
    assert facts.picture is not None
    assert facts.picture.fields == fields
    assert bool([note for note in facts.warnings if "interlaced" in note]) == bool(size)
    notes = package_master(tmp_path / name, facts, sound, None, "es", "t", tmp_path / "out.mp4")
    assert "interlaced as it was" in notes[-1]
    found = look(tmp_path / "out.mp4", "-show_frames")
    first = int(fields == "tff")
    assert {(one["interlaced_frame"], one["top_field_first"]) for one in found["frames"]} == {(1, first)}
    assert found["streams"][0]["sample_aspect_ratio"] == look(tmp_path / name)["streams"][0]["sample_aspect_ratio"]
    assert idet(tmp_path / "out.mp4").most_common(1)[0][0] == fields


@pytest.mark.parametrize(
    ("name", "television"),
    [("pal.avi", "pal"), ("pal.dv", "pal"), ("ntsc.dv", "ntsc")],
)
def test_dv_is_bottom_field_first_in_both_files_and_as_wide_as_it_was(
    name: str, television: str, sound: Path, tmp_path: Path
) -> None:
    size, rate, aspect, pixels = {
        "pal": ("720x576", "50", Fraction(64, 45), "yuv420p"),
        "ntsc": ("720x480", "60000/1001", Fraction(8, 9), "yuv411p"),
    }[television]
    seen, heard = f"testsrc2=s={size}:r={rate}:d=0.6", "sine=d=0.6:r=48000"
    graph = f"interlace=lowpass=0:scan=bff,setsar={aspect.numerator}/{aspect.denominator},format={pixels}"
    how = ("-c:v", "dvvideo", "-c:a", "pcm_s16le", "-ac", "2")
    ffmpeg("-f", "lavfi", "-i", seen, "-f", "lavfi", "-i", heard, "-vf", graph, *how, tmp_path / name)
    facts = probe(tmp_path / name)
    assert facts.picture is not None
    assert (facts.picture.fields, facts.picture.aspect) == ("bff", aspect)
    notes = package_master(tmp_path / name, facts, sound, None, "es", "t", tmp_path / "out.mp4")
    assert "do not take dvvideo in MP4" in notes[-1]
    assert "interlaced as it was (bottom field first)" in notes[-1]
    package_multi(tmp_path / name, facts, [DubTrack("es", sound)], "en", tmp_path / "out.mkv")
    _in_fields(tmp_path, "bff", aspect)


@pytest.mark.parametrize("fields", ["tff", "bff"])
def test_h264_that_mixes_frames_and_fields_is_copied_with_its_order(fields: str, sound: Path, tmp_path: Path) -> None:
    graph = f"interlace=lowpass=0:scan={fields},setsar=16/11"
    codec = (
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-flags",
        "+ilme+ildct",
        "-x264opts",
        f"interlaced=1:{fields}=1",
    )
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x128:r=50:d=0.6", "-vf", graph, *codec, tmp_path / "in.mp4")
    facts = probe(tmp_path / "in.mp4")
    assert facts.picture is not None
    assert (facts.picture.fields, facts.picture.aspect) == (fields, Fraction(16, 11))
    assert package_master(tmp_path / "in.mp4", facts, sound, None, "es", "t", tmp_path / "out.mp4") == ()
    package_multi(tmp_path / "in.mp4", facts, [DubTrack("es", sound)], "en", tmp_path / "out.mkv")
    _in_fields(tmp_path, fields, Fraction(16, 11))
    assert stream_hash(tmp_path / "out.mp4") == stream_hash(tmp_path / "in.mp4")


@pytest.mark.parametrize(("turn", "mirrored"), [(90, False), (180, False), (270, True), (0, True)])
def test_fields_of_a_turned_picture_become_frames_before_it_is_turned(
    turn: int, mirrored: bool, sound: Path, tmp_path: Path
) -> None:
    """Turned first, the fields would lie across the rows, or change places."""
    graph = f"{BOXES},interlace=lowpass=0:scan=tff"
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "8", "-x264opts", "interlaced=1:tff=1")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x128:r=50:d=0.6", "-vf", graph, *codec, tmp_path / "plain.mp4")
    source = with_matrix(tmp_path / "plain.mp4", tmp_path / "in.mp4", turn, mirrored)
    notes = upright_picture(source, probe(source), tmp_path / "out.mkv")
    assert "deinterlaced, one frame for each field" in notes[0]
    found = look(tmp_path / "out.mkv", "-show_frames")
    assert {one["interlaced_frame"] for one in found["frames"]} == {0}
    assert len(found["frames"]) == 30
    assert not any("rotation" in side for side in found["streams"][0].get("side_data_list", []))
    turns = {0: [], 90: ["transpose=clock"], 180: ["hflip", "vflip"], 270: ["transpose=cclock"]}[turn]
    upright = ",".join([BOXES, *turns, *(["hflip"] if mirrored else [])])
    wanted = _frames("-f", "lavfi", "-i", "testsrc2=s=160x128:r=50:d=0.6", "-vf", upright)
    assert np.abs(_frames("-i", str(tmp_path / "out.mkv")).astype(int) - wanted).mean() < 5


BOXES = "setsar=1,drawbox=w=40:h=40:c=white:t=fill,drawbox=x=120:c=black:w=40:t=fill"


def _frames(*how: str) -> NDArray[np.uint8]:
    """Thirty frames of 160 times 128 samples of grey, either way up: [30, samples]."""
    command = ["ffmpeg", "-v", "error", *how, "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.uint8).reshape(30, -1)


def _in_fields(folder: Path, fields: str, aspect: Fraction) -> None:
    for name in ("out.mp4", "out.mkv"):
        found = look(folder / name, "-show_frames")
        told = {(one["interlaced_frame"], one["top_field_first"]) for one in found["frames"]}
        assert told == {(1, int(fields == "tff"))}, name
        assert Fraction(found["streams"][0]["sample_aspect_ratio"].replace(":", "/")) == aspect, name
        assert idet(folder / name).most_common(1)[0][0] == fields, name


def test_what_is_progressive_at_the_size_of_television_stays_so(sound: Path, tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=720x576:r=25:d=0.6", "-c:v", "mpeg2video", "-q:v", "4", tmp_path / "a.mpg")
    facts = probe(tmp_path / "a.mpg")
    assert facts.picture is not None
    assert facts.picture.fields == "progressive"
    package_master(tmp_path / "a.mpg", facts, sound, None, "es", "t", tmp_path / "out.mp4")
    assert {one["interlaced_frame"] for one in look(tmp_path / "out.mp4", "-show_frames")["frames"]} == {0}


MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"


@pytest.mark.parametrize(("transfer", "curve"), [("smpte2084", "PQ"), ("arib-std-b67", "HLG")])
def test_ten_bits_stay_ten_where_eight_are_too_few(transfer: str, curve: str, sound: Path, tmp_path: Path) -> None:
    tags = f"color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
    graph = f"format=yuv422p10le,setparams={tags}"
    named = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc")
    moving = "testsrc2=s=160x120:r=25:d=0.4"
    ffmpeg("-f", "lavfi", "-i", moving, "-vf", graph, "-c:v", "prores_ks", *named, tmp_path / "in.mov")
    notes = package_master(
        tmp_path / "in.mov", probe(tmp_path / "in.mov"), sound, None, "es", "t", tmp_path / "out.mp4"
    )
    assert f"HEVC (Main 10), {curve} kept" in notes[-1]
    assert "4:2:2" in notes[-1]
    stream = look(tmp_path / "out.mp4")["streams"][0]
    assert (stream["codec_tag_string"], stream["pix_fmt"]) == ("hvc1", "yuv420p10le")
    assert (stream["color_transfer"], stream["color_primaries"], stream["color_space"]) == (
        transfer,
        "bt2020",
        "bt2020nc",
    )


def test_the_mastering_display_stays_in_a_turned_picture_of_a_phone(tmp_path: Path) -> None:
    tags = "color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    told = f"log-level=error:hdr10=1:repeat-headers=1:master-display={MASTERING}:max-cll=1000,400"
    graph = f"format=yuv420p10le,setparams={tags}"
    encode = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", told, "-tag:v", "hvc1")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=0.4", "-vf", graph, *encode, tmp_path / "plain.mp4")
    source = with_matrix(tmp_path / "plain.mp4", tmp_path / "in.mp4", 90, mirrored=False)
    facts = probe(source)
    assert facts.picture is not None
    assert (facts.picture.colour.mastering, facts.picture.colour.light) == (MASTERING, "1000,400")
    assert "PQ with its mastering display kept" in upright_picture(source, facts, tmp_path / "up.mkv")[-1]
    after = probe(tmp_path / "up.mkv").picture
    assert after is not None
    assert (after.colour.mastering, after.colour.light) == (MASTERING, "1000,400")
    assert (after.width, after.height, after.bit_depth) == (120, 160, 10)


@pytest.mark.parametrize(
    ("form", "codec", "told"),
    [
        ("yuvj420p", ("-c:v", "mjpeg", "-q:v", "2"), ""),
        ("yuv444p10le", ("-c:v", "prores_ks"), "12 bit 4:4:4"),
        ("gbrp", ("-c:v", "ffv1"), "8 bit RGB"),
        ("yuva444p10le", ("-c:v", "prores_ks", "-pix_fmt", "yuva444p10le"), "without its transparency"),
        ("yuv420p10le", ("-c:v", "ffv1", "-color_range", "pc"), "10 bit 4:2:0"),
    ],
)
def test_colours_look_the_same_and_what_is_lost_is_named(
    form: str, codec: tuple[str, ...], told: str, sound: Path, tmp_path: Path
) -> None:
    """The middles of bars: grey and the colours, compared as RGB, as a player shows them."""
    bars = "smptehdbars=s=320x180:r=25:d=0.2"
    full = ":out_range=pc" if form == "yuvj420p" or "pc" in codec else ""
    graph = (
        f"scale=out_color_matrix=bt709{full},format={form},setparams=colorspace={'gbr' if form == 'gbrp' else 'bt709'}"
    )
    source = tmp_path / ("in.mov" if "prores_ks" in codec else "in.mkv")
    ffmpeg("-f", "lavfi", "-i", bars, "-vf", graph, *codec, source)
    notes = package_master(source, probe(source), sound, None, "es", "t", tmp_path / "out.mp4")
    assert told in notes[-1]
    before, after = (first_frame(path, "rgb24").astype(int) for path in (source, tmp_path / "out.mp4"))
    spots = [(20, x) for x in (20, 57, 91, 125, 160, 194, 228, 262, 300)]
    assert max(int(np.abs(before[spot] - after[spot]).max()) for spot in spots) <= 4

"""A picture that players take is delivered as it came: the same packets, with what they mean, in every master."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tasks.media.probe import probe
from tasks.package.package import DubTrack, package_master, package_multi, stream_hash

HEVC = ["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1"]
AVC = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
WIDE = ["-color_primaries", "bt2020", "-colorspace", "bt2020nc"]
MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
PQ = f"log-level=error:hdr10=1:repeat-headers=1:master-display={MASTERING}:max-cll=1000,400"
KINDS: dict[str, list[str]] = {
    "ten bit": [*AVC[:-1], "yuv420p10le"],
    "HDR10": [*HEVC, *WIDE, "-color_trc", "smpte2084", "-x265-params", PQ],
    "HLG": [*HEVC, *WIDE, "-color_trc", "arib-std-b67", "-x265-params", "log-level=error"],
    "interlaced": ["-vf", "setfield=tff", *AVC, "-flags", "+ilme+ildct", "-x264-params", "tff=1"],
    "anamorphic": ["-vf", "setsar=64/45", *AVC],
    "variable rate": ["-vf", r"setpts=if(lt(N\,5)\,N/25\,5/25+(N-5)/12.5)/TB", "-vsync", "vfr", *AVC],
}


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def dub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dub") / "dub.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=300:d=0.6:r=48000", "-ac", 2, "-c:a", "aac", path)
    return path


def source(out: Path, *how: object) -> Path:
    picture = ["-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=0.6"]
    ffmpeg(*picture, "-f", "lavfi", "-i", "sine=440:d=0.6:r=48000", *how, "-c:a", "aac", out)
    return out


def both(title: Path, dub: Path) -> tuple[Path, Path, tuple[str, ...]]:
    """The master and the multi-track master of a title, and their notes."""
    master, multi, facts = title.with_suffix(".es.mp4"), title.with_suffix(".multi.mkv"), probe(title)
    notes = package_master(title, facts, dub, None, "es", "t", master)
    return master, multi, (*notes, *package_multi(title, facts, [DubTrack("es", dub)], "en", multi))


def meaning(path: Path) -> dict[str, Any]:
    """How the first frame is to be shown, as ffprobe reads it, and when every frame is, from the first on."""

    def asked(*words: str) -> Any:
        command = ["ffprobe", "-v", "error", "-select_streams", "V:0", *words, "-of", "json", str(path)]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    frame = asked("-show_frames", "-read_intervals", "%+#1")["frames"][0]
    names = "width height pix_fmt sample_aspect_ratio interlaced_frame top_field_first color_range color_space"
    shown = {name: frame.get(name) for name in (*names.split(), "color_primaries", "color_transfer")}
    beside = [one for one in frame.get("side_data_list", []) if "SEI" not in one["side_data_type"]]
    times = sorted(float(one["pts_time"]) for one in asked("-show_entries", "packet=pts_time")["packets"])
    return {**shown, "beside": beside, "times": [round(time - times[0], 2) for time in times]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_delivered_as_it_came(tmp_path: Path, dub: Path, kind: str) -> None:
    title = source(tmp_path / "in.mp4", *KINDS[kind])
    *made, notes = both(title, dub)
    wanted = meaning(title)
    for path in made:
        assert stream_hash(path) == stream_hash(title)
        assert meaning(path) == wanted
    assert notes == ()
    distinct = {
        "ten bit": wanted["pix_fmt"] == "yuv420p10le",
        "HDR10": len(wanted["beside"]) == 2 and wanted["color_transfer"] == "smpte2084",
        "HLG": wanted["color_transfer"] == "arib-std-b67",
        "interlaced": wanted["interlaced_frame"] == 1,
        "anamorphic": wanted["sample_aspect_ratio"] == "64:45",
        "variable rate": len({round(b - a, 2) for a, b in zip(wanted["times"], wanted["times"][1:], strict=False)}) > 1,
    }
    assert distinct[kind]  # the clip is of its kind


def test_cover_art_is_kept_beside_a_picture_of_another_codec(tmp_path: Path, dub: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", 1, tmp_path / "cover.jpg")
    plain = source(tmp_path / "plain.mp4", *KINDS["HLG"])
    art = ["-map", 0, "-map", 1, "-c", "copy", "-tag:v:0", "hvc1", "-disposition:v:1", "attached_pic"]
    ffmpeg("-i", plain, "-i", tmp_path / "cover.jpg", *art, tmp_path / "in.mp4")
    *made, notes = both(tmp_path / "in.mp4", dub)
    assert notes == ()
    for path in made:
        covers = [track for track in probe(path).others if track.kind == "cover"]
        assert [cover.codec for cover in covers] == ["mjpeg"]
        assert stream_hash(path, f"{covers[0].index}") == stream_hash(tmp_path / "in.mp4", "v:1")
        assert stream_hash(path) == stream_hash(plain)


def test_transparency_stays_in_matroska_and_is_said_of_mp4(tmp_path: Path, dub: Path) -> None:
    how = ["-vf", "format=yuva420p,colorchannelmixer=aa=0.5", "-c:v", "libvpx-vp9", "-deadline", "realtime"]
    title = source(tmp_path / "in.mkv", *how, "-cpu-used", 8, "-pix_fmt", "yuva420p")
    _, multi, notes = both(title, dub)
    assert notes == ("The picture's transparency is not in the masters: MP4 has no place for it.",)
    for path in (title, multi):
        command = ["ffmpeg", "-v", "error", "-c:v", "libvpx-vp9", "-i", str(path), "-map", "0:v", "-frames:v", "1"]
        alpha = [*command, "-vf", "alphaextract", "-pix_fmt", "gray", "-f", "rawvideo", "-"]
        seen = subprocess.run(alpha, check=True, capture_output=True).stdout
        assert 100 < sum(seen) / len(seen) < 155  # half seen through

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from tasks.media.probe import probe
from tasks.package.language_tags import TrackName, tag_matroska, tag_mp4
from tasks.package.package import DubTrack, package_master, package_multi, stream_hash
from tests.clips import click_track, clicks, clip, decoded, ffmpeg
from tests.speech_media import media, recording
from tests.stand_ins import TALK

WORDS = "1\n00:00:00,500 --> 00:00:01,500\nHola, ¿qué tal?\n\n2\n00:00:02,000 --> 00:00:02,800\n你好\n"


def dub(folder: Path, seconds: float = 3) -> tuple[Path, Path]:
    """An encoded mix and its subtitles."""
    click_track(folder / "dub.wav", seconds, channels=2)
    ffmpeg("-i", folder / "dub.wav", "-c:a", "aac", "-b:a", "128k", folder / "dub.m4a")
    (folder / "dub.srt").write_text(WORDS, "utf-8")
    return folder / "dub.m4a", folder / "dub.srt"


def streams(path: Path) -> list[dict[str, Any]]:
    asked = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", f"file:{path}"]
    answer = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
    return [*answer["streams"], answer["format"]]


def master(folder: Path, source: Path, **more: Any) -> tuple[Path, tuple[str, ...]]:
    audio, words = dub(folder)
    out = folder / "out.mp4"
    return out, package_master(source, probe(source), audio, words, "pt-BR", "Um título", out, **more)


def test_a_master_has_picture_dub_subtitles_and_tags(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4")
    out, notes = master(tmp_path, source)
    video, audio, words, container = streams(out)
    assert notes == ()
    assert [video["codec_name"], audio["codec_name"], words["codec_name"]] == ["h264", "aac", "mov_text"]
    assert stream_hash(out) == stream_hash(source)
    assert (audio["tags"]["language"], words["tags"]["language"]) == ("por", "por")
    assert audio["tags"]["handler_name"] == "português (Brasil) (dub)"
    assert out.read_bytes().count(b"elng\0\0\0\0pt-BR\0") == 2
    assert container["tags"]["title"] == "Um título"
    for stream in (video, audio):
        assert float(stream["start_time"]) == 0
        assert float(stream["duration"]) == pytest.approx(3.0, abs=1e-3)
    boxes = out.read_bytes()
    assert boxes.index(b"moov") < boxes.index(b"mdat")


@pytest.mark.parametrize(("synthetic", "altered"), [(True, True), (False, False)])
def test_the_disclosure_is_machine_readable(tmp_path: Path, synthetic: bool, altered: bool) -> None:
    out, _ = master(tmp_path, clip(tmp_path / "a.mp4"), synthetic_speech=synthetic, altered_picture=altered)
    mark = json.loads(streams(out)[-1]["tags"]["comment"])
    assert (mark["synthetic_speech"], mark["altered_picture"], mark["dubbed"]) == (synthetic, altered, ["pt-BR"])


def test_rotation_is_kept(tmp_path: Path) -> None:
    ffmpeg("-i", clip(tmp_path / "a.mp4"), "-c", "copy", "-metadata:s:v:0", "rotate=270", tmp_path / "r.mp4")
    out, _ = master(tmp_path, tmp_path / "r.mp4")
    assert probe(out).picture.rotation == 90  # type: ignore[union-attr]


def test_hevc_is_marked_so_that_apple_players_take_it(tmp_path: Path) -> None:
    hevc = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error")
    out, _ = master(tmp_path, clip(tmp_path / "a.mkv", video=hevc))
    assert streams(out)[0]["codec_tag_string"] == "hvc1"


def test_a_codec_that_mp4_players_refuse_is_encoded_and_said(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mpg", video=("-c:v", "mpeg2video", "-q:v", "3"), audio=("-c:a", "mp2"))
    out, notes = master(tmp_path, source)
    assert "mpeg2video" in notes[0]
    assert streams(out)[0]["codec_name"] == "h264"
    again, _ = master(tmp_path, source)
    assert out.read_bytes() == again.read_bytes()


def test_an_odd_picture_is_made_even_where_it_must_be_encoded(tmp_path: Path) -> None:
    out, _ = master(tmp_path, clip(tmp_path / "a.mkv", video=("-vf", "format=yuv444p,pad=161:121", "-c:v", "ffv1")))
    assert (streams(out)[0]["width"], streams(out)[0]["height"]) == (162, 122)


def late_picture(folder: Path) -> Path:
    """Sound from the start, picture 0.4 s later; clicks fall in the middle of each of the picture's seconds."""
    clip(folder / "plain.mp4")
    late = ["-itsoffset", "0.4", "-i", folder / "plain.mp4", "-f", "lavfi", "-i", "sine=d=3"]
    ffmpeg(*late, "-map", "0:v", "-map", "1:a", "-c:v", "copy", folder / "late.mkv")
    return folder / "late.mkv"


def test_a_picture_that_starts_late_does_so_in_the_masters(tmp_path: Path) -> None:
    source = late_picture(tmp_path)
    facts = probe(source)
    assert facts.picture is not None
    assert facts.picture.start_ms == pytest.approx(400, abs=25)
    audio, words = dub(tmp_path)
    package_master(source, facts, audio, words, "es", "t", tmp_path / "o.mp4")
    begins = facts.picture.start_ms / 1000
    assert float(streams(tmp_path / "o.mp4")[0]["start_time"]) == pytest.approx(begins, abs=1e-3)
    package_multi(source, facts, [DubTrack("es", audio, words)], "en", tmp_path / "o.mkv")
    shown = float(streams(tmp_path / "o.mkv")[0]["start_time"])
    heard = clicks(decoded(tmp_path / "o.mkv", "a:1"))
    assert heard[0] - (shown - begins) == pytest.approx(0.5, abs=0.003)


def multi(folder: Path, source: Path) -> Path:
    audio, words = dub(folder)
    tracks = [DubTrack("es-419", audio, words), DubTrack("zh-Hans", audio, words), DubTrack("gu", audio, None)]
    package_multi(source, probe(source), tracks, "en", folder / "m.mkv", title="T")
    return folder / "m.mkv"


def test_the_multi_track_master_keeps_picture_and_sound_as_they_came(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4")
    out = multi(tmp_path, source)
    assert stream_hash(out, "v:0") == stream_hash(source, "v:0")
    assert stream_hash(out, "a:0") == stream_hash(source, "a:0")
    kinds = [stream["codec_type"] for stream in streams(out)[:-1]]
    assert kinds == ["video", "audio", "audio", "audio", "audio", "subtitle", "subtitle"]


def test_its_tracks_are_named_tagged_and_flagged(tmp_path: Path) -> None:
    out = multi(tmp_path, clip(tmp_path / "a.mp4"))
    found = [stream for stream in streams(out)[:-1] if stream["codec_type"] != "video"]
    assert [stream["tags"]["language"] for stream in found] == ["eng", "spa", "chi", "guj", "spa", "chi"]
    assert found[0]["tags"]["title"] == "English (original)"
    assert found[2]["tags"]["title"] == "中文（简体） (dub)"
    flags = [(s["disposition"]["default"], s["disposition"]["original"]) for s in found]
    assert flags == [(1, 1), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0)]
    data = out.read_bytes()
    for tag, times in ((b"es-419", 2), (b"zh-Hans", 2), (b"gu", 1), (b"en", 1)):
        assert data.count(b"\x22\xb5\x9d" + bytes([0x80 | len(tag)]) + tag) == times
    with av.open(str(out)) as container:
        assert sum(packet.size > 0 for packet in container.demux(video=0)) == 75


def test_every_sound_of_the_multi_track_master_is_on_the_pictures_clock(tmp_path: Path) -> None:
    out = multi(tmp_path, clip(tmp_path / "a.mp4"))
    shown = float(streams(out)[0]["start_time"])
    for number in range(4):
        assert [at - shown for at in clicks(decoded(out, f"a:{number}"))] == pytest.approx([0.5, 1.5, 2.5], abs=0.003)


def test_tags_fill_the_room_that_was_kept_or_fail(tmp_path: Path) -> None:
    out = multi(tmp_path, clip(tmp_path / "a.mp4"))
    with pytest.raises(ValueError, match="padded track name"):
        tag_matroska(out, [TrackName("nobody", "es")])
    other, _ = master(tmp_path, tmp_path / "a.mp4")
    with pytest.raises(ValueError, match="track name"):
        tag_mp4(other, [TrackName("nobody", "es")])


def test_no_cues_no_track_and_no_picture_no_video(tmp_path: Path) -> None:
    audio, words = dub(tmp_path)
    words.write_text("")
    ffmpeg("-f", "lavfi", "-i", "sine=d=3", tmp_path / "talk.mp3")
    facts = probe(tmp_path / "talk.mp3")
    package_master(tmp_path / "talk.mp3", facts, audio, words, "es", "t", tmp_path / "o.mp4")
    package_multi(tmp_path / "talk.mp3", facts, [DubTrack("es", audio, words)], "en", tmp_path / "o.mkv")
    assert [stream["codec_type"] for stream in streams(tmp_path / "o.mp4")[:-1]] == ["audio"]
    assert [stream["codec_type"] for stream in streams(tmp_path / "o.mkv")[:-1]] == ["audio", "audio"]


def test_hostile_names_and_same_bytes(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4").rename(tmp_path / '-it\'s 100%d\n"x": 影片.mp4')
    audio, words = dub(tmp_path)
    facts = probe(source)
    for out in (tmp_path / "-o 100%d.mp4", tmp_path / "b.mp4"):
        package_master(source, facts, audio, words, "es", "it's = 'x'; #1", out)
    for out in (tmp_path / "c%d.mkv", tmp_path / "d.mkv"):
        package_multi(source, facts, [DubTrack("es", audio, words)], "und", out, title="it's = 'x'; #1")
    assert (tmp_path / "-o 100%d.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert (tmp_path / "c%d.mkv").read_bytes() == (tmp_path / "d.mkv").read_bytes()
    assert streams(tmp_path / "d.mkv")[-1]["tags"]["title"] == "it's = 'x'; #1"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "name",
    [
        TALK,
        "latentsync/assets/demo3_video.mp4",
        "video-retalking/examples/face/1.mp4",
    ],
)
def test_real_titles_keep_length_and_picture(tmp_path: Path, name: str) -> None:
    source = recording(name) if name == TALK else media(name)
    facts = probe(source)
    assert facts.picture is not None
    audio, words = dub(tmp_path, facts.duration_ms / 1000)
    package_master(source, facts, audio, words, "es", "t", tmp_path / "o.mp4")
    package_multi(source, facts, [DubTrack("es", audio, words)], "en", tmp_path / "o.mkv")
    frame_s = float(1 / Fraction(facts.picture.frame_rate))
    *_, container = streams(tmp_path / "o.mp4")
    assert abs(float(container["duration"]) - facts.duration_ms / 1000) < frame_s
    assert stream_hash(source) == stream_hash(tmp_path / "o.mkv") == stream_hash(tmp_path / "o.mp4")

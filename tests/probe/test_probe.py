from __future__ import annotations

import os
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from configs.profile import load_profile
from tasks.keep.store import Store
from tasks.media.probe import probe
from tasks.probe import probing
from tasks.records.errors import BadInputError
from tasks.records.title import Run, Title
from tasks.step.run import remember
from tests.clips import clip, ffmpeg
from tests.speech_media import media


def test_a_plain_clip_is_described_exactly(tmp_path: Path) -> None:
    facts = probe(clip(tmp_path / "a.mp4"))
    assert facts.picture is not None
    assert (facts.picture.codec, facts.picture.width, facts.picture.height) == ("h264", 160, 120)
    assert (facts.picture.frames, facts.picture.frame_rate, facts.duration_ms) == (75, Fraction(25), 3000)
    assert not facts.picture.variable_rate
    assert not facts.still
    assert [audio.codec for audio in facts.audio] == ["aac"]
    assert facts.warnings == ()


@pytest.mark.parametrize(("turn", "white_at"), [(90, "top right"), (180, "bottom right"), (270, "bottom left")])
def test_rotation_is_told_clockwise(tmp_path: Path, turn: int, white_at: str) -> None:
    """The stored top left corner is white; where it is shown says how ffmpeg itself turns the picture."""
    ffmpeg("-f", "lavfi", "-i", "color=black:s=160x120:d=1,drawbox=w=40:h=40:c=white:t=fill", tmp_path / "a.mp4")
    ffmpeg("-i", tmp_path / "a.mp4", "-c", "copy", "-metadata:s:v:0", f"rotate={360 - turn}", tmp_path / "r.mp4")
    ffmpeg("-i", tmp_path / "r.mp4", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", tmp_path / "shown")
    shown = np.frombuffer((tmp_path / "shown").read_bytes(), np.uint8).reshape(
        (120, 160) if turn == 180 else (160, 120)
    )
    corners = {"top right": shown[9, -9], "bottom left": shown[-9, 9], "bottom right": shown[-9, -9]}
    assert max(corners, key=corners.__getitem__) == white_at
    picture = probe(tmp_path / "r.mp4").picture
    assert picture is not None
    assert (picture.rotation, picture.width, picture.height) == (turn, 160, 120)


def test_variable_frame_rate_is_noticed(tmp_path: Path) -> None:
    vary = "setpts='if(lt(N,20),N,20+(N-20)*2)/25/TB'"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=d=2:r=25:s=160x120", "-vf", vary, "-vsync", "vfr", tmp_path / "v.mp4")
    facts = probe(tmp_path / "v.mp4")
    assert facts.picture is not None
    assert facts.picture.variable_rate
    assert any("variable" in warning for warning in facts.warnings)
    assert not probe(clip(tmp_path / "ntsc.mkv", rate="30000/1001")).picture.variable_rate  # type: ignore[union-attr]


def test_ten_bits_are_ten_bits(tmp_path: Path) -> None:
    ten = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le")
    picture = probe(clip(tmp_path / "a.mp4", video=ten)).picture
    assert picture is not None
    assert (picture.bit_depth, picture.pixel_format) == (10, "yuv420p10le")


def test_every_audio_track_is_listed_and_none_is_said(tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4")
    tags = ["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=spa"]
    ffmpeg(
        "-i", tmp_path / "a.mp4", "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c", "copy", *tags, tmp_path / "t.mp4"
    )
    two = probe(tmp_path / "t.mp4")
    assert [(audio.index, audio.language) for audio in two.audio] == [(1, "en"), (2, "es")]
    none = probe(clip(tmp_path / "silent.mp4", sound=False))
    assert none.audio == ()
    assert any("no audio" in warning for warning in none.warnings)


def test_cover_art_is_no_picture(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=d=2", tmp_path / "a.mp3")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64", "-frames:v", "1", tmp_path / "c.jpg")
    with_cover = ["-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic"]
    ffmpeg("-i", tmp_path / "a.mp3", "-i", tmp_path / "c.jpg", *with_cover, tmp_path / "song.mp3")
    facts = probe(tmp_path / "song.mp3")
    assert facts.picture is None
    assert abs(facts.duration_ms - 2000) < 80


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "100%d*?.png"])
def test_a_picture_is_a_still(tmp_path: Path, name: str) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=65x33", "-frames:v", "1", "-update", "1", tmp_path / ("x" + name[-4:]))
    (tmp_path / ("x" + name[-4:])).rename(tmp_path / name)
    facts = probe(tmp_path / name)
    assert facts.still
    assert facts.picture is not None
    assert (facts.picture.width, facts.picture.height, facts.picture.frames) == (65, 33, 1)


@pytest.mark.parametrize(
    "name", ["-dash.mp4", "100%d.mp4", 'it\'s "quoted".mp4', "two\nlines.mp4", "http:x.mp4", "видео 影片.mp4"]
)
def test_a_hostile_name_is_only_a_name(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clip(tmp_path / "a.mp4").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert probe(Path(name)).duration_ms == 3000


def test_the_extension_does_not_matter(tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4").rename(tmp_path / "a.jpg")
    assert not probe(tmp_path / "a.jpg").still


def big_png(path: Path, side: int) -> Path:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, 100, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * 100))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def bad_files(folder: Path) -> dict[str, Path]:
    whole = clip(folder / "whole.mp4", seconds=3).read_bytes()
    quick = folder / "quick.mp4"
    ffmpeg("-i", folder / "whole.mp4", "-c", "copy", "-movflags", "+faststart", quick)
    ffmpeg("-i", folder / "whole.mp4", "-c", "copy", folder / "whole.mkv")
    ffmpeg("-i", folder / "whole.mp4", "-c", "copy", "-t", "0", folder / "zero.mkv")
    files = {
        "There is no file": folder / "missing.mp4",
        "is a folder": folder / "folder",
        "is empty": folder / "empty.mp4",
        "index (moov) is missing": folder / "head.mp4",
        "the end of the file is missing": folder / "middle.mp4",
        "end of the file is missing": folder / "middle.mkv",
        "not a video": folder / "text.mp4",
        "a recording or a picture": folder / "words.srt",
        "larger than": big_png(folder / "wide.png", 20_000),
        "zero length": folder / "zero.mkv",
    }
    (folder / "folder").mkdir()
    (folder / "empty.mp4").touch()
    (folder / "head.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "middle.mp4").write_bytes(quick.read_bytes()[: int(len(whole) * 0.6)])
    mkv = (folder / "whole.mkv").read_bytes()
    (folder / "middle.mkv").write_bytes(mkv[: int(len(mkv) * 0.6)])
    (folder / "text.mp4").write_text("this is not a video\n" * 50)
    (folder / "words.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    return files


def test_what_cannot_be_dubbed_gets_one_clear_message(tmp_path: Path) -> None:
    for message, path in bad_files(tmp_path).items():
        with pytest.raises(BadInputError, match=message.replace("(", r"\(").replace(")", r"\)")) as caught:
            probe(path)
        assert "\n" not in str(caught.value)
        assert caught.value.fix


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4").chmod(0)
    with pytest.raises(BadInputError, match="cannot be read"):
        probe(tmp_path / "a.mp4")


def test_real_clips() -> None:
    jordi = probe(media("open-dubbing/tests/data/englishvideo.mp4"))
    assert (jordi.duration_ms, jordi.picture.frames, jordi.warnings) == (9967, 299, ())  # type: ignore[union-attr]
    grid = probe(media("lipnet-grid/evaluation/samples/GRID/bbaf2n.mpg"))
    assert (grid.duration_ms, grid.picture.frame_rate) == (3000, 25)  # type: ignore[union-attr]
    odd = probe(media("video-retalking/examples/face/1.mp4"))
    assert odd.picture is not None
    assert odd.picture.variable_rate
    assert (odd.picture.frames, odd.picture.start_ms) == (135, 33)


def test_a_title_beyond_the_operators_bound_is_refused(tmp_path: Path) -> None:
    """By its packets, whatever the container claims, and before the rest is read."""
    short = clip(tmp_path / "a.mkv")
    assert probe(short, longest_s=3.1).duration_ms == pytest.approx(3000, abs=25)
    with pytest.raises(BadInputError, match=r"'a.mkv' is longer than 2 s") as refused:
        probe(short, longest_s=2.5)
    assert "max_title_seconds" in refused.value.fix
    far = ("-vf", "setpts=N*7200/TB", "-vsync", "passthrough", "-frames:v", "4", "-c:v", "ffv1", "-enc_time_base", "1")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=32x32:r=1", *far, tmp_path / "six-hours.mkv")
    with pytest.raises(BadInputError, match="longer than 4 h"):
        probe(tmp_path / "six-hours.mkv", longest_s=4 * 3600)
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=8000", "-t", "20", "-c:a", "pcm_s16le", tmp_path / "sound.wav")
    with pytest.raises(BadInputError, match="longer than"):
        probe(tmp_path / "sound.wav", longest_s=10)


def test_a_bound_that_was_lowered_holds_for_what_is_known_already(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    title = Title(
        name="t",
        video=store.reference(clip(tmp_path / "a.mp4")),
        source="a.mp4",
        folder=str(tmp_path),
        languages=("es",),
    )
    profile = load_profile("fake")
    assert profile.max_title_seconds == 4 * 3600
    run = Run(title=title, profile=profile, store=str(tmp_path / "store"))
    remember(run, "probe", probing(run, title.video))
    assert remember(run, "probe", probing(run, title.video)).reused
    strict = run.model_copy(update={"profile": load_profile("fake", {"max_title_seconds": 2})})
    with pytest.raises(BadInputError, match="longer than"):
        remember(strict, "probe", probing(strict, title.video))

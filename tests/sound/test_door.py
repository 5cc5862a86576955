"""What ffmpeg opens is one file in a real container; nothing that leads to another one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lipsync_engine.media.audio import AudioError, load_mono
from lipsync_engine.media.opening import opened
from lipsync_engine.media.video import MediaError
from lipsync_engine.media.video import probe as engine_probe
from tasks import media
from tasks.machine import process
from tasks.media import door
from tasks.media.door import asking
from tasks.media.probe import probe
from tasks.records.errors import BadInputError, ProcessFailedError
from tasks.report.strip import frame_strip

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip, its transport stream and its sound: what a hostile file would lead to."""
    folder = tmp_path_factory.mktemp("door")
    made = (
        "-f lavfi -i testsrc2=s=160x120:r=25:d=1 -f lavfi -i sine=d=1 -c:v libx264 -pix_fmt yuv420p -c:a aac clip.mp4"
    )
    _ffmpeg(folder, made)
    _ffmpeg(folder, "-i clip.mp4 -c copy seg.ts")
    _ffmpeg(folder, "-i clip.mp4 -vn -c:a copy sound.aac")
    return folder


def _ffmpeg(folder: Path, words: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *words.split()], check=True, cwd=folder)


HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\n{}\n#EXT-X-ENDLIST\n"
DASH = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="9">
<BaseURL>clip.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"""
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="clip.png"/></svg>'
LEADING = {
    "hls.mp4": HLS.format("seg.ts"),
    "hls-of-sound.m4a": HLS.format("sound.aac"),
    "hls.m3u8": HLS.format("http://127.0.0.1:9/a.ts"),
    "concat.mp4": "ffconcat version 1.0\nfile 'clip.mp4'\n",
    "dash.mp4": DASH,
    "session.sdp": SDP,
    "drawing.svg": SVG,
    "words.txt": "not a picture\n" * 40,
    "words.ans": "\x1b[31mnot a picture\n" * 40,
    "words.srt": "1\n00:00:00,000 --> 00:00:01,000\nHello\n",
    "meta.mp4": ";FFMETADATA1\ntitle=x\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=10\n",
}


@pytest.mark.parametrize("name", LEADING)
def test_what_leads_elsewhere_is_no_media(folder: Path, name: str) -> None:
    hostile = folder / name
    hostile.write_text(LEADING[name])
    with pytest.raises(BadInputError, match="is not a video, a recording or a picture"):
        probe(hostile)
    assert media.picture_seconds(hostile) == 0.0
    for take in (media.source(hostile).audio, media.source(hostile).video):
        with pytest.raises(ProcessFailedError):
            process.capture(media.arguments(take.output("pipe:", f="null")))
    with pytest.raises(MediaError):
        engine_probe(hostile)
    with pytest.raises(AudioError):
        load_mono(hostile)
    with pytest.raises(ProcessFailedError):
        frame_strip([("hostile", hostile)], [0.0], folder / "strip.png")


def test_the_same_segments_are_taken_as_themselves(folder: Path) -> None:
    assert probe(folder / "seg.ts").container == "mpegts"
    assert probe(folder / "sound.aac").container == "aac"
    assert media.picture_seconds(folder / "clip.mp4") == pytest.approx(1.0, abs=0.1)


def test_every_reader_is_told_protocols_and_formats_before_the_input(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = folder / "clip.mp4"
    commands = [media.arguments(media.source(clip).output("pipe:", f="null")), asking(clip, "-show_format")]
    for command in commands:
        told = command[: command.index("-i")]
        assert told[told.index("-protocol_whitelist") + 1] == "file"
        formats = told[told.index("-format_whitelist") + 1].split(",")
        assert "mov" in formats
        assert not {"hls", "dash", "concat", "imf", "sdp", "lavfi", "image2", "tty", "svg_pipe", "srt"} & set(formats)
    given: dict[str, str] = {}
    monkeypatch.setattr("av.open", lambda path, options: given.update(options, path=path))
    opened(clip)
    assert given["protocol_whitelist"] == "file"
    assert given["format_whitelist"] == formats_of(commands[0])
    assert given["path"] == f"file:{clip}"


def formats_of(command: list[str]) -> str:
    return command[command.index("-format_whitelist") + 1]


def test_a_movie_whose_sound_lies_in_another_file_stays_without_it(folder: Path) -> None:
    """QuickTime's external data reference (``dref`` with an alias) is not followed."""
    hostile = folder / "outside.mov"
    _ffmpeg(folder, "-i clip.mp4 -vn -c:a pcm_s16le outside.mov")
    data = hostile.read_bytes()
    own = b"url \x00\x00\x00\x01"  # "the data is in this file"
    assert own in data
    hostile.write_bytes(data.replace(own, b"url \x00\x00\x00\x00"))
    found = json.loads(
        subprocess.run(
            ["ffprobe", "-v", "error", "-of", "json", "-show_format", str(hostile)], capture_output=True, check=True
        ).stdout
    )
    assert found["format"]["format_name"].startswith("mov")
    assert probe(hostile).audio[0].duration_ms == pytest.approx(1000, abs=60)


@pytest.mark.parametrize("name", ["concat:clip.mp4|clip.mp4", "a%03d.png", "-i.mp4", "pipe:0", "http:x.mp4"])
def test_a_name_is_a_name(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may be called like a protocol, an option or a pattern."""
    monkeypatch.chdir(folder)
    kind = "a.png" if name.endswith("png") else "clip.mp4"
    if kind == "a.png":
        _ffmpeg(folder, "-i clip.mp4 -frames:v 1 a.png")
    Path(name).write_bytes(Path(kind).read_bytes())
    assert probe(Path(name)).picture is not None
    if kind == "clip.mp4":
        with opened(Path(name)) as container:
            assert container.streams.video
    os.unlink(name)


def test_nothing_else_in_the_code_opens_media() -> None:
    """Every ffmpeg input, ffprobe and PyAV reader is made by the door; new code goes through it too."""
    allowed = {
        "tasks/media/door.py",  # the door
        "lipsync_engine/media/opening.py",  # its rules
        "tasks/media/__init__.py",  # `source`, and silence that is made
        "tasks/lipsync/restore.py",  # numbered pictures that we wrote
    }
    makes = re.compile(r'ffmpeg\.input\(|"ffprobe"[,\]]|\["ffmpeg"|av\.open\((?!.*"w")|VideoCapture|read_video')
    ours = [path for part in ("flows", "tasks", "lipsync_engine") for path in (ROOT / part).rglob("*.py")]
    found = {str(path.relative_to(ROOT)) for path in ours if makes.search(path.read_text("utf-8"))}
    told_of = {"tasks/fit/lay.py"}  # asks for the list of filters
    assert found <= allowed | told_of


def test_a_file_is_asked_about_again_only_when_it_was_written_again(
    short_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    plain = process.capture

    def counted(command: Sequence[str | Path], **options: Any) -> bytes:
        asked.append(command)
        return plain(command, **options)

    monkeypatch.setattr(process, "capture", counted)
    clip, words = tmp_path / "clip.mp4", ("-show_entries", "format=duration", "-of", "csv=p=0")
    clip.write_bytes(short_clip.read_bytes())
    before = clip.stat()
    time.sleep(0.06)  # the times of a file that is younger do not tell
    first = door.answer(clip, *words)
    assert (door.answer(clip, *words), len(asked)) == (first, 1)

    clip.write_bytes(b"\0" * before.st_size)
    os.utime(clip, ns=(before.st_atime_ns, before.st_mtime_ns))
    for _ in range(2):
        with pytest.raises(ProcessFailedError):  # a fault is asked about each time
            door.answer(clip, *words)
    assert len(asked) == 3

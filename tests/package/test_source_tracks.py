"""What a source holds beside picture and sound is kept where the container can, and named where it cannot."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.media.probe import probe
from tasks.package.package import DubTrack, package_master, package_multi
from tests.clips import click_track, clip, ffmpeg

WORDS = "1\n00:00:00,500 --> 00:00:01,500\nHola.\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of a second, sound of it, and small files to put beside them."""
    path = tmp_path_factory.mktemp("tracks")
    clip(path / "a.mp4", seconds=1)
    click_track(path / "dub.wav", 1, channels=2)
    ffmpeg("-i", path / "dub.wav", "-c:a", "aac", path / "dub.m4a")
    (path / "dub.srt").write_text(WORDS, "utf-8")
    ffmpeg("-f", "lavfi", "-i", "color=c=red:s=64x64:d=0.04", "-frames:v", 1, path / "cover.jpg")
    (path / "font.ttf").write_bytes(b"\0\1\0\0 not really a font")
    chapters = [f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={at}\nEND={at + 500}\ntitle=Part; {at} = 1\n" for at in (0, 500)]
    (path / "marks.txt").write_text(";FFMETADATA1\n" + "".join(chapters).replace("; ", "\\; ").replace(" = ", " \\= "))
    return path


def shown(path: Path) -> dict[str, Any]:
    asked = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_chapters", "-show_format", str(path)]
    found: dict[str, Any] = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
    return found


def multi(folder: Path, source: Path, out: Path, language: str = "en") -> tuple[dict[str, Any], tuple[str, ...]]:
    dubs = [DubTrack("es", folder / "dub.m4a", folder / "dub.srt")]
    notes = package_multi(source, probe(source, language), dubs, language, out, title="talk")
    return shown(out), notes


def master(folder: Path, source: Path, out: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    notes = package_master(source, probe(source), folder / "dub.m4a", folder / "dub.srt", "es", "talk", out)
    return shown(out), notes


def sounds(found: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """Language, name and marks of each audio track."""
    tracks = [stream for stream in found["streams"] if stream["codec_type"] == "audio"]
    return [
        (
            one["tags"].get("language", "und"),
            one["tags"]["title"],
            [name for name, on in one["disposition"].items() if on],
        )
        for one in tracks
    ]


def with_sounds(folder: Path, out: Path, *tracks: tuple[str, str, str]) -> Path:
    """The clip with its sound once for each (language, title, disposition)."""
    words: list[Any] = ["-i", folder / "a.mp4", "-map", "0:v"]
    for number, (language, title, marks) in enumerate(tracks):
        words += ["-map", "0:a", f"-metadata:s:a:{number}", f"language={language}"]
        words += [f"-metadata:s:a:{number}", f"title={title}", f"-disposition:a:{number}", marks]
    ffmpeg(*words, "-c", "copy", out)
    return out


def test_each_audio_track_keeps_its_language_name_default_and_role(folder: Path, tmp_path: Path) -> None:
    long = "Director's commentary, recorded in two sessions with the cast and the crew of the second unit"
    tracks = ("fre", "", "0"), ("eng", "Main", "default"), ("eng", long, "comment"), ("ger", "AD", "visual_impaired")
    source = with_sounds(folder, tmp_path / "in.mkv", *tracks)
    found, _ = multi(folder, source, tmp_path / "out.mkv")
    assert sounds(found) == [
        ("fre", "français", []),
        ("eng", "Main", ["default", "original"]),
        ("eng", long, ["comment"]),
        ("ger", "AD", ["visual_impaired"]),
        ("spa", "español (dub)", ["dub"]),
    ]
    data = (tmp_path / "out.mkv").read_bytes()
    tags = [b"fr", b"en", b"en", b"de", b"es", b"es"]
    places = [data.index(b"\x22\xb5\x9d" + bytes([0x80 | len(tag)]) + tag) for tag in tags]
    assert data.count(b"\x22\xb5\x9d") == len(tags)
    assert places[0] < places[1] < places[3] < places[4]


CASES: list[tuple[str, list[tuple[str, str, str]], str | None, int, str]] = [
    ("the one in the source language", [("fre", "", "default"), ("eng", "", "0")], "en", 1, "in the source language"),
    ("else the default", [("eng", "", "0"), ("eng", "", "default")], None, 1, "the default"),
    ("else the first", [("und", "", "0"), ("und", "", "0")], None, 0, "the first"),
    ("no commentary", [("eng", "", "comment"), ("eng", "", "0")], "en", 1, "in the source language"),
    ("no commentary by name", [("eng", "Director's commentary", "default"), ("eng", "", "0")], None, 1, "commentary"),
    ("no audio description", [("eng", "", "visual_impaired+default"), ("fre", "", "0")], None, 1, "description"),
    ("commentary alone", [("eng", "", "comment")], "en", 0, ""),
    ("none in the language", [("fre", "", "0"), ("ger", "", "default")], "en", 1, "No audio track is tagged English"),
    ("one in another language", [("fre", "", "default")], "en", 0, "The audio track is not tagged English"),
    ("not without words", [("zxx", "", "default"), ("eng", "", "0")], None, 1, ""),
    ("British for English", [("fre", "", "default"), ("en-GB", "", "0")], "en", 1, "in the source language"),
]


@pytest.mark.parametrize(
    ("tracks", "language", "chosen", "why"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_the_track_that_is_dubbed(
    folder: Path, tmp_path: Path, tracks: list[tuple[str, str, str]], language: str | None, chosen: int, why: str
) -> None:
    facts = probe(with_sounds(folder, tmp_path / "in.mkv", *tracks), language)
    assert facts.dubbed == facts.audio[chosen].index
    assert why in " ".join(facts.warnings)


@pytest.mark.parametrize(
    ("label", "tag", "three"),
    [
        ("English", "en", "eng"),
        ("Français", "fr", "fre"),
        ("English (US)", "en-US", "eng"),
        ("en_US", "en-US", "eng"),
        ("qwerty uiop", "und", "und"),
        ("x-klingon", "x-klingon", "und"),
        ("mul", "mul", "mul"),
        ("zxx", "zxx", "zxx"),
        ("pt-BR", "pt-BR", "por"),
        ("a" * 300, "und", "und"),
    ],
)
def test_a_language_that_is_a_name_or_none_never_fails_a_title(
    folder: Path, tmp_path: Path, label: str, tag: str, three: str
) -> None:
    source = with_sounds(folder, tmp_path / "in.mkv", ("eng", "", "default"), (label, "", "0"))
    facts = probe(source)
    assert facts.audio[1].language == tag
    found, _ = multi(folder, source, tmp_path / "out.mkv")
    assert sounds(found)[1][0] == three
    assert b"\x22\xb5\x9d" + bytes([0x80 | len(tag)]) + tag.encode() in (tmp_path / "out.mkv").read_bytes()
    told = [warning for warning in facts.warnings if label[:40] in warning]
    assert bool(told) == (label in ("English", "Français", "English (US)", "qwerty uiop") or len(label) == 300)


def rich(folder: Path, out: Path) -> Path:
    """Matroska with subtitles, chapters, tags, a time code, a font and cover art."""
    (folder / "words.ass").write_text(
        "[Script Info]\nScriptType: v4.00+\n[Events]\nFormat: Start, End, Text\nDialogue: 0:00:00.10,0:00:00.90,Hi\n"
    )
    maps = (
        "-map",
        "0",
        "-map",
        "1",
        "-map",
        "2",
        "-map_metadata",
        "0",
        "-map_chapters",
        "3",
        "-c",
        "copy",
        "-c:s:0",
        "ass",
    )
    tags = (
        "title=The film",
        "artist=A. Person",
        "copyright=(c) 2020",
        "comment=by hand",
        "publisher=House",
        "encoder=x",
    )
    named = [word for tag in tags for word in ("-metadata", tag)]
    named += [
        "-metadata:s:v:0",
        "timecode=10:00:00:00",
        "-metadata:s:s:0",
        "language=ger",
        "-metadata:s:s:0",
        "title=Signs",
    ]
    files = ("-attach", folder / "font.ttf", "-metadata:s:t:0", "mimetype=application/x-truetype-font")
    art = (
        "-attach",
        folder / "cover.jpg",
        "-metadata:s:t:1",
        "mimetype=image/jpeg",
        "-metadata:s:t:1",
        "filename=cover.jpg",
    )
    inputs = ("-i", folder / "a.mp4", "-i", folder / "words.ass", "-i", folder / "dub.srt", "-i", folder / "marks.txt")
    ffmpeg(*inputs, *maps, *named, "-disposition:s:0", "forced", *files, *art, out)
    return out


def test_subtitles_fonts_covers_chapters_tags_and_time_code_are_in_the_multi_track_master(
    folder: Path, tmp_path: Path
) -> None:
    found, notes = multi(folder, rich(folder, tmp_path / "in.mkv"), tmp_path / "out.mkv")
    words = [stream for stream in found["streams"] if stream["codec_type"] == "subtitle"]
    assert [(one["codec_name"], one["tags"].get("language", "und"), one["tags"]["title"]) for one in words] == [
        ("subrip", "spa", "español"),
        ("ass", "ger", "Signs"),
        ("subrip", "und", "Track"),
    ]
    assert words[1]["disposition"]["forced"] == 1
    rest = [
        (one["codec_name"], one.get("tags", {}).get("filename"))
        for one in found["streams"]
        if one["codec_type"] != "subtitle"
    ]
    assert rest[3:] == [("ttf", "font.ttf"), ("mjpeg", "cover.jpg")]
    assert [one["codec_name"] for one in found["streams"] if one["disposition"]["attached_pic"]] == ["mjpeg"]
    assert [(one["start"], one["tags"]["title"]) for one in found["chapters"]] == [
        (0, "Part; 0 = 1"),
        (500_000_000, "Part; 500 = 1"),
    ]
    tags = {name.lower(): value for name, value in found["format"]["tags"].items()}
    kept = {"title": "The film", "artist": "A. Person", "copyright": "(c) 2020", "publisher": "House"}
    assert {name: tags.get(name) for name in kept} == kept
    assert tags["description"] == "by hand"
    assert json.loads(tags["comment"])["dubbed"] == ["es"]
    assert found["streams"][0]["tags"]["TIMECODE"] == "10:00:00:00"
    assert notes == ()


def test_chapters_tags_and_time_code_are_in_a_master_and_what_is_not_is_named(folder: Path, tmp_path: Path) -> None:
    found, notes = master(folder, rich(folder, tmp_path / "in.mkv"), tmp_path / "out.mp4")
    assert [one["tags"]["title"] for one in found["chapters"]] == ["Part; 0 = 1", "Part; 500 = 1"]
    tags = found["format"]["tags"]
    assert (tags["title"], tags["artist"], tags["copyright"]) == ("The film", "A. Person", "(c) 2020")
    assert found["streams"][0]["tags"]["timecode"] == "10:00:00:00"
    told = " ".join(notes)
    assert "publisher" in told
    assert "font.ttf" in told
    assert "cover" not in told
    assert [one["codec_name"] for one in found["streams"] if one["disposition"]["attached_pic"]] == ["mjpeg"]


def test_text_of_mp4_becomes_subrip_and_its_cover_stays_a_cover(folder: Path, tmp_path: Path) -> None:
    maps = ("-map", "0", "-map", "1", "-map", "2", "-c", "copy", "-c:s", "mov_text", "-disposition:v:1", "attached_pic")
    inputs = ("-i", folder / "a.mp4", "-i", folder / "cover.jpg", "-i", folder / "dub.srt")
    ffmpeg(*inputs, *maps, "-metadata:s:s:0", "language=fra", tmp_path / "in.mp4")
    found, notes = multi(folder, tmp_path / "in.mp4", tmp_path / "out.mkv")
    words = [one for one in found["streams"] if one["codec_type"] == "subtitle"]
    assert [(one["codec_name"], one["tags"].get("language", "und")) for one in words] == [
        ("subrip", "spa"),
        ("subrip", "fre"),
    ]
    assert [one["codec_name"] for one in found["streams"] if one["disposition"]["attached_pic"]] == ["mjpeg"]
    assert any("mov_text" in note for note in notes)


def test_what_matroska_cannot_hold_is_named(folder: Path, tmp_path: Path) -> None:
    words = ("-map", "0", "-c", "copy", "-c:a", "pcm_mulaw", "-metadata", "timecode=01:00:00:00")
    ffmpeg("-i", folder / "a.mp4", *words, tmp_path / "in.mov")
    found, _ = multi(folder, tmp_path / "in.mov", tmp_path / "out.mkv")
    assert found["streams"][0]["tags"]["TIMECODE"] == "01:00:00:00"
    facts = probe(tmp_path / "in.mov")
    odd = facts.model_copy(
        update={"others": (facts.others[0].model_copy(update={"kind": "data", "codec": "gpmd", "title": "telemetry"}),)}
    )
    notes = package_multi(
        tmp_path / "in.mov", odd, [DubTrack("es", folder / "dub.m4a")], "en", tmp_path / "odd.mkv", title="talk"
    )
    assert notes[-1] == "Of the source, not in the multi-track master: data track (gpmd, telemetry)."


def test_a_track_that_cannot_be_written_is_left_out_and_told_not_the_end_of_the_title(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.package import source_tracks

    monkeypatch.setattr(source_tracks, "_SUBTITLES", source_tracks._SUBTITLES | {"mov_text"})  # it takes no mov_text
    maps = ("-map", "0", "-map", "1", "-c", "copy", "-c:s", "mov_text")
    ffmpeg("-i", folder / "a.mp4", "-i", folder / "dub.srt", *maps, tmp_path / "in.mp4")
    found, notes = multi(folder, tmp_path / "in.mp4", tmp_path / "out.mkv")
    assert [one["codec_type"] for one in found["streams"]] == ["video", "audio", "audio", "subtitle"]
    assert "subtitle track (mov_text)" in notes[0]
    assert "could not be written" in notes[-1]


def test_a_title_without_anything_beside_is_told_nothing(folder: Path, tmp_path: Path) -> None:
    pack: list[Callable[..., tuple[dict[str, Any], tuple[str, ...]]]] = [master, multi]
    for number, make in enumerate(pack):
        _, notes = make(folder, folder / "a.mp4", tmp_path / f"{number}.{'mp4' if make is master else 'mkv'}")
        assert notes == ()

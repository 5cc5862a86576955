"""Masters of titles without a picture: the source's kind of file, in time, with its tags, chapters and cover."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from configs.loudness import loudness_presets
from tasks.media.probe import probe
from tasks.package.mark import dubbed_into
from tasks.package.package import disclosure, package_master
from tasks.package.sound_kinds import kind_of
from tasks.package.sound_master import sound_master

KINDS = [
    ("wav", ["-c:a", "pcm_s16le", "-ar", 44100], "pcm_s16le", 44100),
    ("flac", ["-c:a", "flac"], "flac", 48000),
    ("mp3", ["-c:a", "libmp3lame"], "mp3", 48000),
    ("ogg", ["-c:a", "libvorbis"], "vorbis", 48000),
    ("opus", ["-c:a", "libopus"], "opus", 48000),
    ("aiff", ["-c:a", "pcm_s16be", "-write_id3v2", 1], "pcm_s16be", 48000),
]


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mix with a click at 1 s, the same in AAC, and tags with two chapters."""
    folder = tmp_path_factory.mktemp("sound")
    click = "aevalsrc='0.3*sin(880*2*PI*t)*between(t,1,1.01)':s=48000:d=2"
    ffmpeg("-f", "lavfi", "-i", click, "-ac", 2, "-c:a", "pcm_s24le", folder / "mix.wav")
    ffmpeg("-i", folder / "mix.wav", "-c:a", "aac", folder / "dub.m4a")
    ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", 1, folder / "cover.jpg")
    chapters = "".join(
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={at}\nEND={at + 1000}\ntitle={name}\n"
        for at, name in ((0, "One"), (1000, "Two"))
    )
    (folder / "tags.txt").write_text(f";FFMETADATA1\ntitle=Talk\nartist=Ann\ncopyright=2026 Ann\n{chapters}")
    return folder


def source(made: Path, out: Path, codec: list[object], cover: bool) -> Path:
    art = ["-i", made / "cover.jpg"] if cover else []
    shown = ["-map", "2:v", "-c:v", "copy", "-disposition:v", "attached_pic"] if cover else []
    inputs = ["-i", made / "mix.wav", "-i", made / "tags.txt", *art]
    ffmpeg(*inputs, "-map", "0:a", *shown, "-map_metadata", 1, "-map_chapters", 1, *codec, out)
    return out


def clicks_at_ms(path: Path) -> float:
    command = ["ffmpeg", "-v", "error", "-i", path, "-map", "a:0", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"]
    sound = np.abs(np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, "<f4"))
    return float(np.argmax(sound > 0.3 * sound.max())) / 48


@pytest.mark.parametrize(("ending", "codec", "expected", "rate"), KINDS, ids=[kind[0] for kind in KINDS])
def test_a_master_is_of_the_sources_kind(
    made: Path, tmp_path: Path, ending: str, codec: list[object], expected: str, rate: int
) -> None:
    cover = ending in ("flac", "mp3", "aiff")
    title = source(made, tmp_path / f"talk.{ending}", codec, cover)
    facts = probe(title)
    kind, notes = kind_of(facts)
    assert kind is not None
    assert (kind.ending, notes) == (f".{ending}", ())
    out = tmp_path / f"talk.es.{ending}"
    mark = disclosure("es", synthetic_speech=True, altered_picture=False)
    preset = loudness_presets()["r128"]
    assert sound_master(made / "mix.wav", title, facts, kind, "es", "talk", mark, preset, (), out) == ()
    there = probe(out)
    assert (there.audio[0].codec, there.audio[0].sample_rate_hz, there.audio[0].language) == (expected, rate, "es")
    assert facts.tags.items() <= there.tags.items()
    assert there.chapters == facts.chapters
    assert [track.kind for track in there.others if track.kind == "cover"] == ["cover"] * cover
    assert clicks_at_ms(out) == pytest.approx(1000, abs=2)
    assert dubbed_into(out) == ("es",)  # it is no source


@pytest.mark.parametrize(("ending", "codec"), [("mp3", ["-c:a", "libmp3lame"]), ("m4a", ["-c:a", "aac"])])
def test_the_m4a_has_chapters_cover_and_tags_and_no_second_text(
    made: Path, tmp_path: Path, ending: str, codec: list[object]
) -> None:
    title = source(made, tmp_path / f"talk.{ending}", codec, cover=True)
    facts, out = probe(title), tmp_path / "talk.es.m4a"
    words = tmp_path / "es.srt"
    words.write_text("1\n00:00:00,000 --> 00:00:01,000\nHola\n")
    assert package_master(title, facts, made / "dub.m4a", words, "es", "talk", out) == ()
    there = probe(out)
    assert facts.sound_only
    assert there.sound_only
    assert [track.kind for track in there.others if track.kind != "data"] == ["cover"]
    assert [one.title for one in there.chapters] == ["One", "Two"]
    assert facts.tags.items() <= there.tags.items()
    assert (there.audio[0].language, dubbed_into(out)) == ("es", ("es",))


def test_a_neighbour_is_said_and_what_has_none_is_the_m4a_alone(made: Path, tmp_path: Path) -> None:
    lossless = source(made, tmp_path / "talk.m4a", ["-c:a", "alac"], cover=False)
    kind, notes = kind_of(probe(lossless))
    assert kind is not None
    assert (kind.name, notes) == ("FLAC", ("The source is alac in mov: the master in the kind next to it is FLAC.",))
    windows = source(made, tmp_path / "talk.wma", ["-c:a", "wmav2"], cover=False)
    alone = "Masters are not written in the source's kind (wmav2 in asf): there is the M4A alone."
    assert kind_of(probe(windows)) == (None, (alone,))
    aac = source(made, tmp_path / "own.m4a", ["-c:a", "aac"], cover=False)
    assert kind_of(probe(aac)) == (None, ())


def test_wav_says_that_it_holds_no_chapters_and_no_cover(made: Path, tmp_path: Path) -> None:
    title = source(made, tmp_path / "talk.mka", ["-c:a", "pcm_s24le"], cover=False)
    facts = probe(title)
    kind, _ = kind_of(facts)
    assert kind is not None
    out, preset = tmp_path / "talk.es.wav", loudness_presets()["r128"]
    notes = sound_master(made / "mix.wav", title, facts, kind, "es", "talk", "{}", preset, (), out)
    assert notes == ("WAV holds no chapters: those of the source are in the M4A.",)

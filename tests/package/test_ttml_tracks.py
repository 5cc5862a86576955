"""A TTML track of an MP4 travels in the multi-track master as text; what holds none is named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tasks.media.probe import probe
from tasks.package.package import package_multi
from tasks.package.ttml_tracks import text_of
from tasks.words.delivered import read_back


def with_ttml(path: Path, words: str) -> Path:
    (path.parent / "words.srt").write_text(f"1\n00:00:00,100 --> 00:00:00,900\n{words}\n")
    inputs = ["-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=1", "-i", str(path.parent / "words.srt")]
    tagged = ["-c:s", "ttml", "-metadata:s:s:0", "language=fra"]
    subprocess.run(["ffmpeg", "-v", "error", *inputs, "-map", "0", "-map", "1", *tagged, "-y", str(path)], check=True)
    return path


def test_its_words_are_a_subtitle_track_in_its_language(tmp_path: Path) -> None:
    source, out = with_ttml(tmp_path / "film.mp4", "Où est & la {clé}\nde la maison ?"), tmp_path / "multi.mkv"
    notes = package_multi(source, probe(source, None), [], "en", out)
    assert notes == ("A subtitle track of the source (TTML) is SubRip in the multi-track master.",)
    (track,) = (one for one in probe(out, None).others if one.kind == "subtitle")
    assert (track.codec, track.language) == ("subrip", "fr")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(out), "-map", "0:s:0", "-y", str(tmp_path / "back.srt")], check=True
    )
    (cue,) = read_back(tmp_path / "back.srt")
    assert (cue.start_ms, cue.end_ms, cue.rows) == (100, 900, ("Où est & la {clé}", "de la maison ?"))


@pytest.mark.parametrize("content", [b"", b"<tt><body/></tt>", b"<!DOCTYPE x [<!ENTITY a 'b'>]><tt>&a;</tt>"])
def test_a_track_without_text_that_can_be_read_is_named(
    tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = with_ttml(tmp_path / "film.mp4", "Bonjour."), tmp_path / "multi.mkv"
    facts = probe(source, None)
    monkeypatch.setattr("tasks.package.ttml_tracks.process.capture", lambda *_, **__: content)
    (track,) = (one for one in facts.others if one.codec == "stpp")
    assert text_of(source, track, tmp_path) is None
    monkeypatch.undo()
    monkeypatch.setattr("tasks.package.package.text_of", lambda *_: None)
    assert package_multi(source, facts, [], "en", out) == (
        "Of the source, not in the multi-track master: data track (stpp, fr).",
    )

"""A service's film is put onto the title's clock, whatever it is like."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from tasks.lipsync.choose import dubs_alone, lipsyncer
from tasks.lipsync.whole import conform
from tasks.media.probe import probe
from tasks.records.errors import PermanentError, UnsupportedError
from tasks.records.progress import silent
from tests.clips import MASTERING, ffmpeg, hdr10, ten_bits
from tests.lipsync_engine.pictures import times_of

PICTURE = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def test_a_film_that_is_too_short_is_held_and_said(short_clip: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    seen, heard = "testsrc=d=3:r=30:s=160x120", "sine=d=3:r=44100"
    ffmpeg("-f", "lavfi", "-i", seen, "-f", "lavfi", "-i", heard, *PICTURE, "-c:a", "aac", film)
    picture, sound = tmp_path / "picture.mp4", tmp_path / "sound.wav"
    notes = conform(film, probe(film), probe(short_clip), picture, sound, silent)
    assert times_of(picture) == pytest.approx(times_of(short_clip), abs=1e-3)
    assert soundfile.info(str(sound)).duration == pytest.approx(4.0, abs=0.05)
    assert any("ms shorter; it was held on its last frame" in note for note in notes)
    assert any("160x120, not 320x240" in note for note in notes)


def test_hdr_of_a_service_stays_hdr(tmp_path: Path) -> None:
    facts = probe(hdr10(tmp_path / "film.mp4"))
    notes = conform(tmp_path / "film.mp4", facts, facts, tmp_path / "p.mp4", tmp_path / "s.wav", silent)
    after = probe(tmp_path / "p.mp4").picture
    assert facts.picture is not None
    assert after is not None
    assert (after.codec, after.bit_depth, after.colour) == ("hevc", 10, facts.picture.colour)
    assert after.colour.mastering == MASTERING
    assert len(notes) == 1


def test_what_a_services_film_loses_against_the_title_is_said(short_clip: Path, tmp_path: Path) -> None:
    source, film = probe(hdr10(tmp_path / "title.mp4")), probe(ten_bits(tmp_path / "film.mp4"))
    notes = conform(tmp_path / "film.mp4", film, source, tmp_path / "p.mp4", tmp_path / "s.wav", silent)
    assert any("not HDR" in note for note in notes)
    assert any("8 bit 4:2:0 (it was 10 bit 4:2:0)" in note for note in notes)
    plain = probe(short_clip)
    notes = conform(short_clip, plain, film, tmp_path / "p.mp4", tmp_path / "s.wav", silent)
    assert any("of 8 bit, the title's of 10" in note for note in notes)


def test_a_film_without_sound_is_no_dub(short_clip: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:r=25:s=160x120", *PICTURE, film)
    with pytest.raises(PermanentError, match="no sound"):
        conform(film, probe(film), probe(short_clip), tmp_path / "p.mp4", tmp_path / "s.wav", silent)


def test_a_recorded_dub_is_nothing_for_a_service_that_speaks_itself(tmp_path: Path) -> None:
    assert dubs_alone("heygen-video-translate")
    assert not dubs_alone("heygen-lipsync-speed")
    service = lipsyncer("heygen-video-translate", {})
    assert (service.facts.paid, service.facts.clones, service.facts.uploads_faces) == (True, True, True)
    nothing = tmp_path / "none"
    with pytest.raises(UnsupportedError, match="recorded dub"):
        service.resync(nothing, nothing, nothing, nothing, "es", tmp_path / "out.mp4", silent)

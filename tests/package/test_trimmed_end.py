"""An edit list that trims the end: both masters show what a player shows, and no more."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tasks import media
from tasks.lipsync.plain import make_plain
from tasks.media.probe import probe
from tasks.package.package import DubTrack, package_master, package_multi
from tasks.package.preview import cut_stretch
from tests.clips import ffmpeg
from tests.edit_lists import Edit, with_edits
from tests.flash_and_beep import beeps, flash_and_beep, flashes

_FAST = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "250", "-c:a", "aac")
PLAIN, REORDERED = (*_FAST, "-bf", "0"), (*_FAST, "-bf", "3", "-b_strategy", "0")


def masters(folder: Path, source: Path) -> tuple[Path, Path, tuple[str, ...]]:
    """Both masters of a title whose dub is its own sound, and their notes."""
    facts = probe(source)
    media.extract_audio(source, facts, None, folder / "sound.wav")
    ffmpeg("-i", folder / "sound.wav", "-c:a", "aac", folder / "dub.m4a")
    master, multi = folder / "master.mp4", folder / "multi.mkv"
    notes = package_master(source, facts, folder / "dub.m4a", None, "es", "t", master)
    return master, multi, notes + package_multi(source, facts, [DubTrack("es", folder / "dub.m4a")], "en", multi)


def frames(path: Path) -> list[float]:
    """When the frames are shown that a player shows, in seconds after the first."""
    asked = ("-select_streams", "V:0", "-show_entries", "frame=pts_time", "-of", "json")
    told = subprocess.run(["ffprobe", "-v", "error", *asked, path], capture_output=True, check=True).stdout
    times = [float(frame["pts_time"]) for frame in json.loads(told)["frames"]]
    return [round(time - times[0], 2) for time in times]


@pytest.mark.parametrize(("encoded", "ends_s"), [(PLAIN, 2.0), (REORDERED, 1.92), (REORDERED, 1.96), (REORDERED, 2.04)])
def test_both_masters_end_where_the_edit_list_does(tmp_path: Path, encoded: tuple[str, ...], ends_s: float) -> None:
    source = with_edits(flash_and_beep(tmp_path / "a.mp4", encoded=encoded), tmp_path / "in.mp4", [(ends_s, 0, 1)])
    facts, shown = probe(source), frames(source)
    assert facts.picture is not None
    assert (facts.duration_ms, facts.picture.frames) == (round(1000 * ends_s), len(shown))
    assert f"ends the picture at {ends_s:.2f} s" in " ".join(facts.warnings)
    assert "before the container does" not in " ".join(facts.warnings)
    master, multi, notes = masters(tmp_path, source)
    assert frames(master) == shown
    more = frames(multi)[len(shown) :]
    assert frames(multi)[: len(shown)] == shown
    assert len(more) <= (3 if encoded == REORDERED else 0)
    assert bool(more) == any(f"master ends {len(more)} frame" in note for note in notes)


def test_the_front_and_the_end_are_trimmed_together(tmp_path: Path) -> None:
    source = with_edits(flash_and_beep(tmp_path / "a.mp4"), tmp_path / "in.mp4", [(1.24, 0.4, 1)])
    assert probe(source).duration_ms == 1240
    master, multi, notes = masters(tmp_path, source)
    assert flashes(master) == pytest.approx([0.6], abs=0.021)
    assert beeps(master) == pytest.approx([0.6], abs=0.021)
    assert frames(master) == frames(source)
    assert len(frames(multi)) - len(frames(source)) <= 2 + 10, "Matroska begins with what is hidden at the front"
    assert any("hides the 0.40 s" in note for note in notes)
    assert flashes(multi) == pytest.approx(beeps(multi, 1), abs=0.021)


@pytest.mark.parametrize(("kind", "ends_ms"), [(b"soun", 3000), (b"vide", 1600)])
def test_one_track_alone_is_trimmed(tmp_path: Path, kind: bytes, ends_ms: int) -> None:
    cut: list[Edit] = [(1.6, 0, 1)]
    source = with_edits(flash_and_beep(tmp_path / "a.mp4", encoded=PLAIN), tmp_path / "in.mp4", cut, (kind,))
    assert probe(source).duration_ms == ends_ms
    master, multi, _ = masters(tmp_path, source)
    for made in (master, multi):
        assert len(frames(made)) == ends_ms / 40
    assert beeps(master) == pytest.approx([1.0], abs=0.021)
    assert flashes(master) == pytest.approx([1.0, 2.0][: 2 if kind == b"soun" else 1], abs=0.021)
    assert (len(beeps(multi, 0)), len(beeps(multi, 1))) == ((1, 1) if kind == b"soun" else (2, 1))


def test_what_is_made_for_lip_sync_and_a_preview_ends_there_too(tmp_path: Path) -> None:
    source = with_edits(flash_and_beep(tmp_path / "a.mp4", encoded=PLAIN), tmp_path / "in.mp4", [(1.6, 0, 1)])
    make_plain(source, probe(source), tmp_path / "plain.mov", lambda share: None)
    cut_stretch(source, 0, 2500, tmp_path / "preview.mp4")
    assert len(frames(tmp_path / "plain.mov")) == len(frames(source)) == 40
    assert len(frames(tmp_path / "preview.mp4")) == 40

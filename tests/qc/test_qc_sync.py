"""The gate that hears and sees whether sound and picture of a delivered master lie together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from configs.gates import gate_rules
from tasks import media
from tasks.media.probe import probe
from tasks.package.package import DubTrack, package_master, package_multi
from tasks.qc.gates import judge_av_offset
from tasks.qc.sync import Clocks, av_offset, picture_shift, track_offsets
from tests.clips import ffmpeg
from tests.flash_and_beep import CONTAINERS, flash_and_beep

FAILS_MS = gate_rules()["av_offset_ms"].fail or 0.0


def delivered(folder: Path, source: Path) -> Clocks:
    """A master whose dub is the source's own sound."""
    facts = probe(source)
    media.extract_audio(source, facts, None, folder / "mix.wav")
    ffmpeg("-i", folder / "mix.wav", "-c:a", "aac", "-b:a", "192k", folder / "dub.m4a")
    package_master(source, facts, folder / "dub.m4a", None, "es", "t", folder / "master.mp4")
    taken = (folder / "mix.wav",)
    return Clocks(source, track="a:0", stems=taken, mix=taken[0], master=folder / "master.mp4")


def offset(clocks: Clocks, folder: Path) -> float:
    measured = av_offset(clocks, folder)
    assert measured.value is not None, measured.note
    return measured.value


def shifted(clocks: Clocks, what: str, by_s: float) -> Clocks:
    """The master with its sound or picture at other times, nothing encoded anew."""
    out = clocks.master.with_stem(f"{what}{by_s}")
    late = ("-itsoffset", str(by_s), "-i", clocks.master, "-i", clocks.master)
    maps = ("-map", "1:v", "-map", "0:a") if what == "sound" else ("-map", "0:v", "-map", "1:a")
    ffmpeg(*late, *maps, "-c", "copy", out)
    return replace(clocks, master=out)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Clocks:
    """A master as it should be."""
    folder = tmp_path_factory.mktemp("good")
    return delivered(folder, flash_and_beep(folder / "a.mkv"))


def test_a_good_master_is_within_a_frame(good: Clocks, tmp_path: Path) -> None:
    assert abs(offset(good, tmp_path)) <= 20


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "late sound", "late picture"])
@pytest.mark.parametrize("container", CONTAINERS)
def test_so_it_is_in_every_container(tmp_path: Path, container: str, kind: str) -> None:
    clocks = delivered(tmp_path, flash_and_beep(tmp_path / f"a.{container}", kind))
    assert abs(offset(clocks, tmp_path)) <= (40 if container == "avi" else 20)


@pytest.mark.parametrize(("what", "by_ms"), [("sound", 80), ("picture", 80), ("sound", -80)])
def test_eighty_milliseconds_fail_whichever_side_moved(good: Clocks, tmp_path: Path, what: str, by_ms: int) -> None:
    found = offset(shifted(good, what, by_ms / 1000), tmp_path)
    assert found == pytest.approx(by_ms if what == "sound" else -by_ms, abs=15)
    assert abs(found) > FAILS_MS


def test_an_offset_that_is_lost_on_the_way_in_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = flash_and_beep(tmp_path / "a.ts", "late sound")
    # ffmpeg starts the sound where it pleases
    monkeypatch.setattr(media, "on_clock", lambda path, _shift_s=0.0, **options: media.source(path, **options))
    assert offset(delivered(tmp_path, source), tmp_path) < -FAILS_MS


def test_frames_that_show_something_else_are_seen_although_their_times_are_right(good: Clocks, tmp_path: Path) -> None:
    later = "tpad=start=3:start_mode=clone,trim=end_frame=75"
    ffmpeg(
        "-i", good.master, "-vf", later, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "copy", tmp_path / "l.mp4"
    )
    assert offset(replace(good, master=tmp_path / "l.mp4"), tmp_path) == pytest.approx(-120, abs=15)


def test_where_nothing_moves_the_times_of_the_frames_tell(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "color=gray:s=64x64:d=2", "-c:v", "libx264", tmp_path / "still.mp4")
    ffmpeg(
        "-itsoffset",
        "0.08",
        "-i",
        tmp_path / "still.mp4",
        "-f",
        "lavfi",
        "-i",
        "anullsrc=d=2",
        "-c:v",
        "copy",
        tmp_path / "late.mp4",
    )
    shift, how = picture_shift(tmp_path / "still.mp4", tmp_path / "late.mp4")
    assert shift == pytest.approx(80, abs=1)
    assert "nothing moves" in how


def test_what_cannot_be_heard_is_not_measured(good: Clocks, tmp_path: Path) -> None:
    media.silent_audio(3000, tmp_path / "nothing.wav")
    unheard = av_offset(replace(good, mix=tmp_path / "nothing.wav"), tmp_path)
    assert unheard.value is None
    assert "not measured" in unheard.note
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=3:seed=7", tmp_path / "other.wav")
    assert av_offset(replace(good, mix=tmp_path / "other.wav"), tmp_path).value is None


@pytest.mark.parametrize(("name", "kind"), [("a.ts", "late sound"), ("b.mp4", "late picture")])
def test_every_dub_of_a_multi_track_master_is_heard_against_its_picture(tmp_path: Path, name: str, kind: str) -> None:
    source = flash_and_beep(tmp_path / name, kind)
    facts = probe(source)
    media.extract_audio(source, facts, None, tmp_path / "mix.wav")
    ffmpeg("-i", tmp_path / "mix.wav", "-c:a", "aac", "-b:a", "192k", dub := tmp_path / "dub.m4a")
    package_multi(source, facts, [DubTrack("es", dub), DubTrack("fr", dub)], "en", multi := tmp_path / "multi.mkv")
    for measured in track_offsets(source, multi, {1: dub, 2: dub}, tmp_path).values():
        assert measured.value is not None
        assert abs(measured.value) <= 20
    late = ("-itsoffset", "0.08", "-i", multi, "-i", multi, "-map", "1:v", "-map", "1:a:0", "-map", "1:a:1")
    ffmpeg(*late, "-map", "0:a:2", "-c", "copy", tmp_path / "late.mkv")
    one, other = track_offsets(source, tmp_path / "late.mkv", {1: dub, 2: dub}, tmp_path).values()
    assert (judge_av_offset(one).status, judge_av_offset(other).status) == ("pass", "fail")
    assert other.value == pytest.approx(80, abs=15)


def flash_each_second(path: Path) -> Path:
    seen = "color=c=gray:s=64x64:r=25:d=6,drawbox=c=white:t=fill:enable='lt(mod(t,1),0.19)'"
    ffmpeg("-f", "lavfi", "-i", seen, "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", path)
    return path


def shown_later(source: Path, frames: int, out: Path) -> Path:
    later = f"tpad=start={frames}:start_mode=clone,trim=end_frame=150"
    ffmpeg("-i", source, "-vf", later, "-c:v", "libx264", "-preset", "ultrafast", out)
    return out


def test_of_a_picture_that_repeats_one_repetition_is_not_taken_for_another(tmp_path: Path) -> None:
    """Matroska shows the 0.4 s that an edit list hides: 0.6 s early would look the same."""
    flash_each_second(tmp_path / "whole.mp4")
    ffmpeg("-ss", "0.4", "-i", tmp_path / "whole.mp4", "-c", "copy", tmp_path / "edit.mp4")
    ffmpeg("-i", tmp_path / "edit.mp4", "-c", "copy", tmp_path / "shown.mkv")
    assert picture_shift(tmp_path / "edit.mp4", tmp_path / "shown.mkv")[0] == pytest.approx(400, abs=15)
    assert picture_shift(tmp_path / "edit.mp4", tmp_path / "edit.mp4")[0] == 0


def test_of_offsets_that_fit_a_repeating_picture_the_smaller_counts_and_none_of_two_of_a_size(tmp_path: Path) -> None:
    source = flash_each_second(tmp_path / "whole.mp4")
    shift, how = picture_shift(source, shown_later(source, 3, tmp_path / "late.mp4"))
    assert shift == pytest.approx(120, abs=15)
    assert "repeats" in how
    shift, how = picture_shift(source, shown_later(source, 12, tmp_path / "half.mp4"))
    assert shift is None
    assert "more than one offset fits" in how

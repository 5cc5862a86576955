"""Sound, picture and words lie on one clock, the player's, from the source to the masters, whatever the container."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from configs.sound import IngestSettings
from tasks import media
from tasks.media.probe import probe
from tasks.package.package import DubTrack, package_master, package_multi
from tasks.package.preview import cut_stretch
from tasks.records.errors import BadInputError
from tasks.separate.client_bed import take_client_bed
from tasks.separate.title_sound import TitleSound
from tests.clips import decoded, ffmpeg
from tests.flash_and_beep import CONTAINERS, LATE_S, beeps, cues, flash_and_beep, flashes, onsets

RATES = ("24000/1001", "24", "30000/1001", "50", "60000/1001", "60")
KINDS = ("plain", "late sound", "late picture", "edit list", "variable rate")
#: What a container cannot hold, or what ffmpeg does not write into it.
CANNOT = {("avi", "late sound"), *((name, "variable rate") for name in ("avi", "mpg", "ogv"))} | {
    (name, "edit list") for name in CONTAINERS if name not in ("mp4", "mov")
}
TABLE = [(name, kind) for name, kind in itertools.product(CONTAINERS, KINDS) if (name, kind) not in CANNOT]
QUICK = [
    ("ts", "late sound"),
    ("ts", "late picture"),
    ("mpg", "late sound"),
    ("mp4", "late picture"),
    ("mp4", "edit list"),
    ("avi", "plain"),
]


def dubbed(folder: Path, source: Path) -> tuple[Path, Path, list[float]]:
    """Master and multi-track master whose dub is the source's own sound, a cue at each flash; and when the cues are."""
    facts = probe(source)
    media.extract_audio(source, facts, None, folder / "sound.wav")
    ffmpeg("-i", folder / "sound.wav", "-c:a", "aac", "-b:a", "192k", folder / "dub.m4a")
    moments = flashes(source)
    words = [f"{number}\n{_srt(at)} --> {_srt(at + 0.5)}\nBuenos días.\n" for number, at in enumerate(moments, start=1)]
    (folder / "dub.srt").write_text("\n".join(words), "utf-8")
    track = DubTrack("es", folder / "dub.m4a", folder / "dub.srt")
    package_master(source, facts, track.audio_m4a, track.subtitles_srt, "es", "t", folder / "master.mp4")
    package_multi(source, facts, [track], "en", folder / "multi.mkv", title="t")
    return folder / "master.mp4", folder / "multi.mkv", moments


def off_ms(flash: list[float], sound: list[float]) -> float:
    """The furthest that a sound lies after its flash."""
    assert len(flash) == len(sound) >= 1, (flash, sound)
    return max((1000 * (late - early) for early, late in zip(flash, sound, strict=True)), key=abs)


def check(folder: Path, source: Path, frame_ms: float) -> dict[str, float]:
    """Every track of both masters against their picture, and against what the source does; figures in ms."""
    master, multi, moments = dubbed(folder, source)
    figures = {
        "source": off_ms(moments, beeps(source)),
        "master": off_ms(flashes(master), beeps(master)),
        "master cues": off_ms(flashes(master), cues(master)),
        "multi original": off_ms(flashes(multi), beeps(multi, 0)),
        "multi dub": off_ms(flashes(multi), beeps(multi, 1)),
        "multi cues": off_ms(flashes(multi), cues(multi)),
    }
    for name in ("master", "multi original", "multi dub"):
        assert abs(figures[name]) <= frame_ms, figures
        assert abs(figures[name] - figures["source"]) <= 12, figures
    for name in ("master cues", "multi cues"):
        assert abs(figures[name]) <= 3, figures
    return figures


def _bound_ms(container: str) -> float:
    """20 ms; a frame in AVI, which numbers frames as they are decoded."""
    return 42 if container == "avi" else 20


def _srt(at: float) -> str:
    return f"00:00:{at:06.3f}".replace(".", ",")


@pytest.mark.parametrize(("container", "kind"), QUICK)
def test_beeps_and_cues_stay_with_their_flashes(tmp_path: Path, container: str, kind: str) -> None:
    check(tmp_path, flash_and_beep(tmp_path / f"clip.{container}", kind), _bound_ms(container))


@pytest.mark.slow
@pytest.mark.parametrize(("container", "kind"), TABLE)
def test_so_they_do_in_every_container(tmp_path: Path, container: str, kind: str) -> None:
    figures = check(tmp_path, flash_and_beep(tmp_path / f"clip.{container}", kind), _bound_ms(container))
    print(f"| {container} | {kind} | {json.dumps({name: round(ms) for name, ms in figures.items()})} |")


@pytest.mark.slow
@pytest.mark.parametrize(("container", "rate"), itertools.product(("mp4", "mkv", "ts", "mpg"), RATES))
def test_so_they_do_at_every_rate(tmp_path: Path, container: str, rate: str) -> None:
    figures = check(tmp_path, flash_and_beep(tmp_path / f"clip.{container}", "late sound", rate), frame_ms=20)
    print(f"| {container} | {rate} | {json.dumps({name: round(ms) for name, ms in figures.items()})} |")


def test_starts_are_stated_on_the_clock_of_the_container(tmp_path: Path) -> None:
    late_sound = probe(flash_and_beep(tmp_path / "sound.ts", "late sound"))
    late_picture = probe(flash_and_beep(tmp_path / "picture.mp4", "late picture"))
    assert late_sound.picture is not None
    assert late_picture.picture is not None
    assert late_sound.audio[0].start_ms == pytest.approx(1000 * LATE_S["late sound"], abs=25)
    assert (late_sound.picture.start_ms, late_sound.duration_ms) == (0, 3000)
    assert any(
        "0.58 s after the container; the gap is filled with silence" in warning for warning in late_sound.warnings
    )
    assert late_picture.picture.start_ms == 520
    assert late_picture.duration_ms == late_picture.picture.start_ms + late_picture.picture.duration_ms == 3000
    assert any("picture starts 0.52 s" in warning for warning in late_picture.warnings)


def test_what_an_edit_list_hides_is_told_where_it_shows(tmp_path: Path) -> None:
    source = flash_and_beep(tmp_path / "clip.mp4", "edit list")
    sound, words = tmp_path / "dub.m4a", []
    for name in ("clip.mp4", "clip-whole.mp4"):
        ffmpeg("-i", source, "-vn", "-c:a", "copy", sound)
        facts = probe(tmp_path / name)
        words.append(package_multi(tmp_path / name, facts, [DubTrack("es", sound)], "en", tmp_path / "m.mkv"))
    assert "hides the 0.40 s" in words[0][0]
    assert words[1] == ()


def test_a_pause_of_the_sound_stays_as_long_as_it_is(tmp_path: Path) -> None:
    """ffmpeg takes more than ten seconds without a packet, in MPEG-TS, for a clock that jumped, and closes it."""
    beep = "aevalsrc='0.5*sin(2*PI*1000*t)*(between(t,0.5,0.7)+between(t,13.5,13.7))':s=48000:d=14"
    hole = "aselect='lt(t,1)+gt(t,13)'"
    seen = "color=c=gray:s=32x32:r=5:d=14"
    how = ("-c:v", "mpeg2video", "-c:a", "mp2", "-ac", "2", "-max_interleave_delta", "0")
    ffmpeg("-f", "lavfi", "-i", seen, "-f", "lavfi", "-i", beep, "-af", hole, *how, tmp_path / "hole.ts")
    media.extract_audio(tmp_path / "hole.ts", probe(tmp_path / "hole.ts"), None, tmp_path / "sound.wav")
    first, second = onsets(decoded(tmp_path / "sound.wav"), 48_000)
    assert second - first == pytest.approx(13, abs=0.03)


def test_recordings_put_one_after_the_other_are_refused_with_what_mends_them(tmp_path: Path) -> None:
    once = flash_and_beep(tmp_path / "once.ts").read_bytes()
    (tmp_path / "twice.ts").write_bytes(once * 2)
    with pytest.raises(BadInputError, match=r"'twice.ts' jumps back after 3.0 s") as refused:
        probe(tmp_path / "twice.ts")
    assert "-c copy NEW.mkv" in refused.value.fix
    ffmpeg("-fflags", "+genpts", "-i", tmp_path / "twice.ts", "-map", "0", "-c", "copy", tmp_path / "new.mkv")
    assert probe(tmp_path / "new.mkv").duration_ms == pytest.approx(6000, abs=45)


def test_a_preview_keeps_the_clock(tmp_path: Path) -> None:
    for name, kind in (("a.ts", "late sound"), ("b.ts", "late picture"), ("c.mp4", "late picture")):
        source, out = flash_and_beep(tmp_path / name, kind), tmp_path / f"preview-{name}"
        cut_stretch(source, 0, 1500, out)
        assert flashes(out) == pytest.approx(flashes(source)[:1], abs=0.025)
        assert beeps(out) == pytest.approx(beeps(source)[:1], abs=0.025)


def test_music_and_effects_of_a_client_start_where_their_file_says(tmp_path: Path) -> None:
    source = flash_and_beep(tmp_path / "a.ts", "late sound")
    title = TitleSound(source, source, None, 3000, 1)
    take_client_bed(source, title, IngestSettings(), (), tmp_path / "bed.wav")
    assert onsets(decoded(tmp_path / "bed.wav"), 48_000) == pytest.approx(beeps(source), abs=0.004)

"""Systems in checkouts are judged by the file that they leave, whatever they say of themselves."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from configs.lipsync_external import external_systems
from tasks.lipsync.listing import systems
from tasks.lipsync.local.external import ExternalReanimator
from tasks.media import picture_seconds
from tasks.records.errors import BadInputError, MissingBackendError, ProcessFailedError, ProcessTimeoutError
from tasks.records.progress import silent
from tests.clips import ffmpeg
from tests.lipsync.local.checkouts import stand_in, well


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shot, a still and a second of speech; what comes back; and half a second of it."""
    folder = tmp_path_factory.mktemp("external")
    code = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    for name, colour, seconds in (("shot", "red", 1), ("made", "green", 1), ("short", "green", 0.4)):
        ffmpeg("-f", "lavfi", "-i", f"color={colour}:s=64x64:r=25:d={seconds}", *code, folder / f"{name}.mp4")
    ffmpeg("-i", folder / "shot.mp4", "-frames:v", "1", folder / "shot.png")
    ffmpeg("-f", "lavfi", "-i", "sine=d=1:r=48000", folder / "speech.wav")
    return folder


def drawn(system: ExternalReanimator, clips: Path, out: Path) -> Path:
    shot = clips / ("shot.png" if system.takes == "portrait" else "shot.mp4")
    system.reanimate(shot, clips / "speech.wav", out, silent)
    return out


@pytest.mark.parametrize("name", external_systems())
def test_each_system_gets_its_files_and_its_picture_is_found(name: str, clips: Path, tmp_path: Path) -> None:
    system = stand_in(name, tmp_path / "check out", clips / "made.mp4")
    assert system.missing() == []
    out = drawn(system, clips, tmp_path / "out.mp4")
    assert picture_seconds(out) == pytest.approx(1.0, abs=0.1)
    ffmpeg("-i", out, "-frames:v", "1", "-vf", "scale=1:1,format=rgb24", "-f", "rawvideo", tmp_path / "colour")
    red, green, blue = (tmp_path / "colour").read_bytes()
    assert green > 100 > max(red, blue)  # the result, neither the source nor a frame of the strip beside it
    assert not list((tmp_path / "check out").glob("output/**/*.mp4"))


GOOD = well("sadtalker")


def test_a_good_file_counts_whatever_the_exit_status(clips: Path, tmp_path: Path) -> None:
    system = stand_in("sadtalker", tmp_path / "checkout", clips / "made.mp4", f"{GOOD}; sys.exit(3)")
    assert picture_seconds(drawn(system, clips, tmp_path / "out.mp4")) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("print('no face: cannot get the coeffs')", "produced no result.*without an error.*cannot get the coeffs"),
        ("raise RuntimeError('out of memory')", "produced no result.*code 1.*out of memory"),
        ("result.write_text('<html>')", "not a video"),
        ("shutil.copy(MADE.replace('made', 'short'), result)", r"0\.40 s of 1\.00 s"),
    ],
)
def test_a_bad_file_counts_as_failure_and_the_log_is_told(deed: str, said: str, clips: Path, tmp_path: Path) -> None:
    made = str(clips / "made.mp4")
    system = stand_in("sadtalker", tmp_path / "checkout", clips / "made.mp4", deed.replace("MADE", repr(made)))
    with pytest.raises(ProcessFailedError, match=said):
        drawn(system, clips, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.slow
def test_a_program_that_hangs_is_stopped_and_may_be_tried_again(clips: Path, tmp_path: Path) -> None:
    system = stand_in("sadtalker", tmp_path / "checkout", clips / "made.mp4", "time.sleep(600)", deadline_s=2)
    begin = time.monotonic()
    with pytest.raises(ProcessTimeoutError, match=r"produced no result.*longer than 2 s"):
        drawn(system, clips, tmp_path / "out.mp4")
    assert time.monotonic() - begin < 60


def test_nothing_is_downloaded(clips: Path, tmp_path: Path) -> None:
    system = stand_in("x-dub", tmp_path, clips / "made.mp4")
    (tmp_path / "checkpoints/X-Dub_model.safetensors").unlink()
    assert "nothing is downloaded" in system.missing()[0]
    with pytest.raises(MissingBackendError, match=r"X-Dub_model\.safetensors"):
        drawn(system, clips, tmp_path / "out.mp4")


def test_a_checkout_is_named_by_option_or_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLYDUB_XDUB_CHECKOUT", raising=False)
    assert "POLYDUB_XDUB_CHECKOUT" in ExternalReanimator("x-dub", {}).missing()[0]
    monkeypatch.setenv("POLYDUB_XDUB_CHECKOUT", str(tmp_path))
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").touch()
    assert all("python" not in Path(line.split()[1]).name for line in ExternalReanimator("x-dub", {}).missing())


def test_settings_are_checked_and_part_of_the_key(tmp_path: Path) -> None:
    plain = ExternalReanimator("latentsync", {"checkout": tmp_path})
    other = ExternalReanimator("latentsync", {"checkout": tmp_path, "settings": {"guidance_scale": 2}})
    assert plain.fingerprint() != other.fingerprint()
    for settings, said in (({"strength": 1}, "no setting 'strength'"), ({"seed": "x"}, "seed cannot be 'x'")):
        with pytest.raises(BadInputError, match=said):
            ExternalReanimator("latentsync", {"settings": settings})


def test_the_listing_tells_of_each_what_it_needs_and_whether_it_may_be_sold() -> None:
    listed = {one.name: one for one in systems()}
    assert set(external_systems()) | {"wav2lip"} <= set(listed)
    assert "POLYDUB_MUSETALK_CHECKOUT" in listed["musetalk"].needs[0]
    assert not listed["musetalk"].usable
    assert [name for name in (*external_systems(), "wav2lip") if not listed[name].commercial] == [
        "latentsync",
        "wav2lip",
    ]

"""An edit of one line redraws the stretch under it: all else is found, packet for packet."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile as sf

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.records import Phone, Settled
from lipsync_engine.report import EngineReport
from lipsync_engine.resync import Options, resync
from lipsync_engine.speech import espeak
from tests.clips import ffmpeg
from tests.lipsync_engine.face import long_track

#: Where the title's lines lie, ms.
LINES = ((200, 1900), (3300, 5000), (6300, 7900))
WORDS = ("Mamá baja la papa.", "Pablo abre la puerta.", "Y amo esta ciudad.")
OTHER = "Una bomba azul, señor."
SECONDS, RATE = 8.4, 10

Dub = tuple[Path, tuple[Phone, ...]]


class Folder:
    """A shelf that is a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def find(self, key: str) -> Path | None:
        return path if (path := self.folder / f"{key}.npz").exists() else None

    def keep(self, key: str, file: Path) -> None:
        file.rename(self.folder / f"{key}.npz")


@pytest.fixture(scope="module")
def track() -> FaceTrack:
    whole = long_track(round(RATE * SECONDS))
    spoken = np.array([(start, end, 0) for start, end in LINES], np.int64)
    times = np.arange(len(whole.times_s)) / RATE
    return replace(whole, times_s=times, landmarks=whole.landmarks[:] / 2, size=whole.size // 2, speech=spoken)


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("edited")


@pytest.fixture(scope="module")
def title(work) -> Path:
    picture = work / "title.mp4"
    pattern = f"gradients=d={SECONDS}:r={RATE}:s=320x240:speed=0.01:n=2:c0=brown:c1=tan:seed=1"
    ffmpeg(
        "-f", "lavfi", "-i", pattern, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-g", "250", "-threads", "1", picture
    )
    return picture


def dub(words: tuple[str, ...], out: Path) -> Dub:
    phones: list[Phone] = []
    for (start, _), text in zip(LINES, words, strict=True):
        spoken = espeak.synthesize(text, espeak.voice_for("es"))
        if not phones:
            sound = np.zeros(round(SECONDS * spoken.sample_rate_hz), np.float32)
        at = start * spoken.sample_rate_hz // 1000
        sound[at : at + len(spoken.samples)] = spoken.samples
        phones += [replace(p, start_ms=p.start_ms + start, end_ms=p.end_ms + start) for p in spoken.phones]
    sf.write(out, sound, spoken.sample_rate_hz)
    return out, tuple(phones)


@pytest.fixture(scope="module")
def dubs(work) -> tuple[Dub, Dub]:
    """The dub, and the same with its second line edited."""
    return dub(WORDS, work / "dub.wav"), dub((WORDS[0], OTHER, WORDS[2]), work / "edited.wav")


def drawn(
    title: Path, spoken: Dub, track: FaceTrack, out: Path, shelf: Folder | None, settled: Mapping[int, Settled] | None
) -> EngineReport:
    return resync(title, *spoken, track, out, Options(measure=False), shelf=shelf, settled=settled)


@pytest.fixture(scope="module")
def first(work, title, dubs, track) -> EngineReport:
    return drawn(title, dubs[0], track, work / "first.mp4", Folder(work / "shelf"), None)


@pytest.fixture(scope="module")
def again(work, title, dubs, track, first) -> EngineReport:
    return drawn(title, dubs[1], track, work / "again.mp4", Folder(work / "shelf"), first.settled)


def packets(path: Path) -> list[tuple[int, str]]:
    with av.open(str(path)) as film:
        found = [
            (packet.pts, hashlib.sha256(bytes(packet)).hexdigest()) for packet in film.demux(video=0) if packet.size
        ]
    return sorted(found)


def test_only_the_stretch_under_the_edited_line_is_drawn(work, first, again):
    assert (first.stretches, first.stretches_found, first.drawn) == (3, 0, first.frames)
    assert (again.stretches, again.stretches_found) == (3, 2)
    before, after = packets(work / "first.mp4"), packets(work / "again.mp4")
    changed = [number for number, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert changed
    assert [a[0] for a in before] == [b[0] for b in after]
    start, end = changed[0] / RATE, (changed[-1] + 1) / RATE
    assert 1.9 < start < 3.3
    assert 5.0 < end < 6.3
    assert again.drawn < 0.5 * again.frames


def test_what_was_found_is_what_would_have_been_drawn(work, title, dubs, track, first, again, tmp_path):
    drawn(title, dubs[1], track, tmp_path / "whole.mp4", None, first.settled)
    assert (tmp_path / "whole.mp4").read_bytes() == (work / "again.mp4").read_bytes()


def test_a_joined_film_decodes_without_a_word_and_has_every_frame(work, again):
    command = ["ffmpeg", "-v", "warning", "-i", str(work / "again.mp4"), "-f", "null", "-"]
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""
    with av.open(str(work / "again.mp4")) as film:
        shown = [frame.pts * frame.time_base for frame in film.decode(video=0)]
    assert [float(time) for time in shown] == pytest.approx(np.arange(len(shown)) / RATE)
    assert len(shown) == again.frames


def test_a_run_that_was_killed_goes_on_with_what_it_had_finished(work, title, dubs, track, first, tmp_path):
    class Killed(Folder):
        def keep(self, key: str, file: Path) -> None:
            if len(list(self.folder.iterdir())) == 3:  # what was seen of the mouths, and two stretches
                raise KeyboardInterrupt
            super().keep(key, file)

    with pytest.raises(KeyboardInterrupt):
        drawn(title, dubs[0], track, tmp_path / "out.mp4", Killed(tmp_path / "shelf"), None)
    assert not list(tmp_path.glob("*.mp4"))
    report = drawn(title, dubs[0], track, tmp_path / "out.mp4", Folder(tmp_path / "shelf"), None)
    assert (report.stretches_found, report.stretches) == (2, 3)
    assert (tmp_path / "out.mp4").read_bytes() == (work / "first.mp4").read_bytes()


def test_a_span_renders_the_stretches_that_it_touches(work, title, dubs, track, first, tmp_path):
    options = Options(measure=False, spans=((3.5, 4.0),), into=work / "first.mp4")
    report = resync(title, *dubs[1], track, tmp_path / "out.mp4", options, settled=first.settled)
    assert report.drawn + report.copied == report.frames
    assert 0 < report.drawn < 0.5 * report.frames
    before, after = packets(work / "first.mp4"), packets(tmp_path / "out.mp4")
    assert sum(a != b for a, b in zip(before, after, strict=True)) <= report.drawn


def test_a_dub_that_nothing_is_known_of_settles_by_itself(work, title, dubs, track, first, again, tmp_path):
    report = drawn(title, dubs[1], track, tmp_path / "out.mp4", Folder(work / "shelf"), {})
    assert report.settled != first.settled == again.settled
    assert report.stretches_found < again.stretches_found

"""Only a part of a title: a preview, and spans that are rendered into an earlier render."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from lipsync_engine.__main__ import main
from lipsync_engine.exchange.graft import Foreign
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.track import track_faces, track_frames
from lipsync_engine.media import video
from lipsync_engine.media.segments import survey
from lipsync_engine.report import EngineReport
from lipsync_engine.resync import Options, analyse, resync
from lipsync_engine.speech import espeak
from tests.clips import ffmpeg
from tests.stand_ins import GRID, stand_in

QUIET = Options(measure=False)
REPORTED = {field.name for field in fields(EngineReport)}


@pytest.fixture(scope="module")
def title(tmp_path_factory) -> Path:
    """The speaker, then a wall: H.264 with a key frame every half second."""
    folder = tmp_path_factory.mktemp("parts")
    wall = "color=gray:s=360x288:d=2:r=25,noise=alls=10:allf=t,setsar=1[wall]"
    graph = f"[0:v]setsar=1[face];{wall};[face][wall]concat=n=2:v=1"
    encode = ["-an", "-c:v", "libx264", "-crf", "20", "-g", "12", "-bf", "2"]
    ffmpeg("-i", stand_in(GRID.format("bbaf2n")), "-filter_complex", graph, *encode, folder / "title.mp4")
    return folder / "title.mp4"


@pytest.fixture(scope="module")
def dub(title) -> tuple:
    spoken = espeak.synthesize("Mamá baja la papa blanca.", espeak.voice_for("es"))
    path = title.with_name("dub.wav")
    sf.write(path, spoken.samples, spoken.sample_rate_hz)
    return path, spoken.phones


@pytest.fixture(scope="module")
def track(title) -> FaceTrack:
    return analyse(title, title.with_name("track.npz"))


@pytest.fixture(scope="module")
def whole(title, dub, track):
    out = title.with_name("whole.mp4")
    return out, resync(title, *dub, track, out, QUIET)


def planes(path: Path) -> list[np.ndarray]:
    return [np.array(frame.planes[0]) for frame in video.read(path, video.probe(path))]


def test_what_nobody_speaks_in_is_copied(title, track, whole):
    out, report = whole
    assert report.frames == len(track.times_s) == 125
    assert report.copied >= 36  # two seconds of wall, less the interval that the face reaches into
    assert report.edited > 40
    assert report.edited + sum(report.bypassed.values()) == report.frames
    same = [np.array_equal(a, b) for a, b in zip(planes(title), planes(out), strict=True)]
    assert all(same[-36:])


def test_a_span_changes_its_key_frame_intervals_alone(title, dub, track, whole):
    other = tuple(Options(measure=False, strength=s, spans=((1.0, 1.2),), into=whole[0]) for s in (1.0, 0.3))
    out = title.with_name("span.mp4")
    bounds = survey(whole[0], video.probe(whole[0])).bounds
    first = bounds[bounds <= 25].max()
    stop = bounds[bounds > 29].min()
    report = resync(title, *dub, track, out, other[1])
    assert report.frames == 125
    assert report.copied == 125 - (stop - first)
    same = [np.array_equal(a, b) for a, b in zip(planes(whole[0]), planes(out), strict=True)]
    assert all(same[:first])
    assert all(same[stop:])
    assert not any(same[26:29])
    assert report.edited + sum(report.bypassed.values()) == report.frames


def test_what_is_left_to_the_engine_beside_another_system_is_drawn_as_alone(title, dub, track, whole):
    (identity,) = track.identities
    out = title.with_name("native.mp4")
    resync(title, *dub, track, out, QUIET, foreign=Foreign(native={identity: [(0, 125)]}))
    assert all(np.array_equal(a, b) for a, b in zip(planes(whole[0]), planes(out), strict=True))


def test_a_preview_is_the_beginning(title, dub, track, whole):
    out = title.with_name("preview.mp4")
    report = resync(title, *dub, track, out, Options(measure=False, preview_s=0.8))
    assert report.frames == len(planes(out)) == 20
    assert report.edited + sum(report.bypassed.values()) == 20


def test_a_preview_without_an_analysis_tracks_no_more_than_it_shows(title, dub, tmp_path, capsys):
    (tmp_path / "text.txt").write_text("Mamá baja la papa blanca.", "utf-8")
    command = ["resync", "--video", title, "--audio", dub[0], "--text-file", tmp_path / "text.txt", "--language", "es"]
    assert main([*map(str, command), "--out", str(tmp_path / "o.mp4"), "--preview", "0.8"]) == 0
    assert len(planes(tmp_path / "o.mp4")) == 20
    tracked = [line for line in capsys.readouterr().err.splitlines() if line.startswith("track:")]
    assert tracked == ["track:   0% frame 0"]  # said every 25 frames


def test_faces_are_followed_only_where_that_is_asked_for(title, track):
    only = np.zeros(125, bool)
    only[10:30] = only[40:60] = True
    part = track_faces(title, only=only)
    assert np.array_equal(part.times_s, track.times_s)
    assert np.array_equal(part.shots, track.shots)
    assert np.array_equal(np.unique(part.frame), np.flatnonzero(only))
    assert len(part.identities) == 1


def test_the_result_is_measured_in_the_stretches_that_were_edited_and_once(title, dub, track, tmp_path, monkeypatch):
    asked: list[int] = []

    def spied(frames, *arguments, **options):
        return track_frames((asked.append(frame.index) or frame for frame in frames), *arguments, **options)

    class Shelf(dict[str, Path]):
        find = dict.get

        def keep(self, key: str, file: Path) -> None:
            self[key] = file.rename(tmp_path / key)

    monkeypatch.setattr("lipsync_engine.resync.watched.track_frames", spied)
    shelf = Shelf()
    report = resync(title, *dub, track, tmp_path / "o.mp4", Options(), shelf=shelf)
    assert report.sharpness_ratio is not None
    assert asked == list(range(report.drawn))
    assert report.drawn + report.copied == report.frames > 75 > report.drawn
    again = resync(title, *dub, track, tmp_path / "again.mp4", Options(), shelf=shelf)
    assert len(asked) == report.drawn
    assert (again.stretches_found, again.drawn) == (report.stretches, 0)
    timed = {"seconds", "fps", "peak_rss_mb", "stretches_found", "drawn"}
    assert [getattr(again, name) for name in REPORTED - timed] == [getattr(report, name) for name in REPORTED - timed]
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "o.mp4").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--span", "3-2", "--into", "{whole}"], "start must lie before the end"),
        (["--span", "90-95", "--into", "{whole}"], "no frame lies in the spans"),
        (["--into", "{whole}"], "needs the spans"),
        (["--preview", "-1"], "length above 0"),
        (["--span", "1-2", "--into", "{other}"], "cannot be rendered into"),
        (["--span", "1-2", "--into", "absent.mp4"], "no such file"),
    ],
)
def test_what_cannot_be_rendered_is_refused(arguments, says, title, dub, track, whole, tmp_path, capsys):
    (tmp_path / "text.txt").write_text("Mamá.", "utf-8")
    names = {"whole": whole[0], "other": stand_in(GRID.format("bbaf2n"))}
    command = ["resync", "--video", title, "--audio", dub[0], "--text-file", tmp_path / "text.txt"]
    command += ["--language", "es", "--out", tmp_path / "o.mp4", "--analysis", title.with_name("track.npz")]
    assert main([*map(str, command), *(argument.format(**names) for argument in arguments)]) == 2
    assert says in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_a_span_that_is_none_is_a_usage_error(title, dub, tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["resync", "--video", str(title), "--audio", str(dub[0]), "--out", "o.mp4", "--span", "soon"])
    assert left.value.code == 2
    assert "'soon' is not a span" in capsys.readouterr().err

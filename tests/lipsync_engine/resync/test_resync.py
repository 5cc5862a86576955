"""The whole edit on real footage, and the cases in which it must decline."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from lipsync_engine.__main__ import main
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.speakers import active_frames, speech_table
from lipsync_engine.media import video
from lipsync_engine.plan.gates import judge
from lipsync_engine.records import Phone
from lipsync_engine.resync import Options, analyse, resync, with_speech
from lipsync_engine.speech import espeak
from lipsync_engine.speech.phones import phones_for
from tests.lipsync_engine.pictures import make, times_of
from tests.speech_media import recording

GRID = "lipnet-grid/evaluation/samples/GRID/bbaf2n.mpg"
TWO = "_derived/grid_two_faces_alternating.mp4"
WORDS = "Mamá baja la papa blanca hasta la playa, y después la come."


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="module")
def dub(work) -> tuple[Path, tuple[Phone, ...]]:
    spoken = espeak.synthesize(WORDS, espeak.voice_for("es"))
    path = work / "dub.wav"
    sf.write(path, spoken.samples, spoken.sample_rate_hz)
    return path, spoken.phones


@pytest.fixture(scope="module")
def track(work) -> FaceTrack:
    return analyse(recording(GRID), work / "grid.npz")


@pytest.fixture(scope="module")
def edited(work, dub, track):
    out = work / "grid.mp4"
    return out, resync(recording(GRID), dub[0], dub[1], track, out)


def test_speaking_face_is_edited_and_measured(edited):
    _, report = edited
    assert report.edited > 0.5 * report.frames
    assert report.edited + sum(report.bypassed.values()) == report.frames
    assert report.closure_rate is not None
    assert report.closure_rate >= 0.75
    assert report.open_closed_ratio is not None
    assert report.open_closed_ratio > 2.0
    assert report.plan_correlation is not None
    assert report.plan_correlation > 0.8


def test_pixels_outside_the_mask_are_untouched(edited):
    assert edited[1].outside_mask_max_diff == 0


def test_frames_and_times_are_those_of_the_source(edited):
    assert times_of(edited[0]) == pytest.approx(times_of(recording(GRID)), abs=1e-4)


def test_track_survives_its_file(work, track):
    loaded = FaceTrack.load(work / "grid.npz")
    assert np.array_equal(loaded.landmarks, track.landmarks)
    (work / "other.npz").write_bytes(b"")
    np.savez(work / "other.npz", a=1)
    with pytest.raises(ValueError, match="analyse the title again"):
        FaceTrack.load(work / "other.npz")


def test_analysis_is_deterministic(work, track):
    analyse(recording(GRID), work / "again.npz")
    assert (work / "again.npz").read_bytes() == (work / "grid.npz").read_bytes()


def test_what_is_said_may_be_told_after_the_faces_were_tracked(work, track):
    """The sound of a title is heard while its faces are tracked; the analysis is the same, byte for byte."""
    spans, script = [(0, 1400, "A"), (1500, 2900, "B")], [(100, 2800, "bin blue at f two now")]
    said = {"speech_spans": spans, "script": script, "language": "en"}
    known = analyse(recording(GRID), work / "known.npz", **said)
    later = with_speech(track.file, recording(GRID), work / "later.npz", **said)
    assert len(known.speech) == 2
    assert known.file.read_bytes() == later.file.read_bytes()
    assert known.file.read_bytes() != track.file.read_bytes()


def test_no_face_passes_through(work, dub, tmp_path):
    source = make(tmp_path / "noise.mp4", [0, 40, 90, 200])
    empty = analyse(source, tmp_path / "t.npz")
    report = resync(source, dub[0], dub[1], empty, tmp_path / "out.mp4")
    assert (report.edited, report.bypassed) == (0, {"no_face": 4})
    assert report.closure_rate is None
    assert "closure_rate" in report.missing
    before, after = (list(video.read(p, video.probe(p))) for p in (source, tmp_path / "out.mp4"))
    assert all(np.array_equal(a.planes[0], b.planes[0]) for a, b in zip(before, after, strict=True))
    assert [f.time_s for f in before] == pytest.approx([f.time_s for f in after])


def test_still_picture_speaks_by_deformation(dub, tmp_path):
    facts = video.probe(recording(GRID))
    frame = next(video.read(recording(GRID), facts))
    with video.Writer(tmp_path / "still.mp4", facts) as writer:
        for index in range(40):
            writer.write(frame.planes, index * 3600)
    still = analyse(tmp_path / "still.mp4", tmp_path / "t.npz")
    report = resync(tmp_path / "still.mp4", dub[0], dub[1], still, tmp_path / "out.mp4")
    assert report.portrait_frames == report.edited > 10
    assert report.open_closed_ratio is not None
    assert report.open_closed_ratio > 2.0


def test_profile_small_and_lost_faces_are_declined(track):
    tiny = replace(track, landmarks=track.landmarks[:] * 0.3)
    assert set(judge(tiny)[1]) == {"small_face"}
    unsure = replace(track, confidence=np.full_like(track.confidence, 0.1))
    assert set(judge(unsure)[1]) == {"low_confidence"}
    strength, reasons = judge(track)
    assert strength.min() > 0.9
    assert not any(reasons)


def test_the_dub_goes_to_the_face_that_talks(work):
    two = analyse(recording(TWO), work / "two.npz")
    assert len(two.identities) == 2
    middle = {p: two.of(p).landmarks[:, :, 0].mean() for p in two.identities}
    left = min(middle, key=lambda p: middle[p])
    spans = [(0, 3000, "L"), (3000, 6000, "R")]
    active = active_frames(replace(two, speech=speech_table(spans)))
    half = len(two.times_s) // 2
    assert active[left][: half - 2].mean() > 0.95
    assert active[left][half + 2 :].mean() < 0.05


def test_analysis_of_another_size_is_refused(work, dub, track, tmp_path):
    wrong = replace(track, size=np.array([100, 100], np.int32))
    with pytest.raises(ValueError, match="another size"):
        resync(recording(GRID), dub[0], dub[1], wrong, tmp_path / "o.mp4", Options())
    assert not list(tmp_path.iterdir())


def test_command_line_writes_picture_sound_and_report(work, dub, tmp_path, capsys):
    (tmp_path / "text.txt").write_text(WORDS, "utf-8")
    arguments = ["--audio", str(dub[0]), "--text-file", str(tmp_path / "text.txt"), "--language", "es"]
    out, report = tmp_path / "o.mp4", tmp_path / "r.json"
    analysis = ["--analysis", str(work / "grid.npz")]
    code = main(
        [
            "resync",
            "--video",
            str(recording(GRID)),
            *arguments,
            *analysis,
            "--out",
            str(out),
            "--report",
            str(report),
        ]
    )
    assert code == 0
    facts = json.loads(report.read_text("utf-8"))
    assert facts["frames"] == 75
    assert {"edited", "bypassed", "closure_rate", "seconds", "device", "peak_rss_mb"} <= set(facts)
    import av

    with av.open(str(out)) as container:
        assert {s.type for s in container.streams} == {"video", "audio"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.mp4", "r.json", "text.txt"]


def test_bad_input_is_exit_code_2(dub, tmp_path, capsys):
    out = tmp_path / "o.mp4"
    code = main(["resync", "--video", "absent.mp4", "--audio", str(dub[0]), "--out", str(out)])
    assert code == 2
    assert "absent.mp4" in capsys.readouterr().err
    assert not out.exists()


def test_a_sound_that_is_no_speech_moves_no_mouth_and_the_report_says_so(work, track, tmp_path):
    """A tone under a Spanish text: the picture is that of a dub in which nothing is said."""
    rate = 16000
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(3 * rate) / rate)
    sf.write(tmp_path / "tone.wav", tone, rate)
    phones = phones_for(tmp_path / "tone.wav", WORDS, "es")
    assert sum(bool(phone.ipa) for phone in phones) > 30
    only = Options(measure=False, preview_s=1.0)
    made = {name: tmp_path / f"{name}.mp4" for name in ("told", "nothing", "trusted")}
    report = resync(recording(GRID), tmp_path / "tone.wav", phones, track, made["told"], only)
    resync(recording(GRID), tmp_path / "tone.wav", (), track, made["nothing"], only)
    trusted = replace(only, trust_phones=True)
    heeded = resync(recording(GRID), tmp_path / "tone.wav", phones, track, made["trusted"], trusted)
    assert report.phone_confidence == heeded.phone_confidence == 0.0
    assert all(line["rested"] == "the sound does not bear the text out" for line in report.lines)
    assert any("the sound does not bear the text out at 0.0-3.0 s: the mouth rests" in note for note in report.notes)
    assert made["told"].read_bytes() == made["nothing"].read_bytes() != made["trusted"].read_bytes()


def test_a_sound_that_outlasts_the_picture_is_told(work, dub, track, tmp_path):
    report = resync(recording(GRID), *dub, track, tmp_path / "out.mp4", Options(measure=False))
    seconds = sf.info(dub[0]).duration - 75 / 25
    (note,) = [note for note in report.notes if "after the picture's end" in note]
    told = float(note.split("for ")[1].split(" s")[0])
    assert 0 < told <= seconds + 0.1
    assert report.phone_confidence == 1.0

"""Whatever the title: the edit comes to an end, every frame is there at its time, nothing outside the mask changes."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import fit_poses
from lipsync_engine.faces.stabilise import Smoothing
from lipsync_engine.media import video
from lipsync_engine.plan.person import person
from lipsync_engine.records import Phone
from lipsync_engine.report import EngineReport
from lipsync_engine.resync import Options, analyse, resync
from lipsync_engine.speech import espeak
from tests.clips import ffmpeg
from tests.lipsync_engine.face import long_track
from tests.speech_media import recording

GRID = [f"lipnet-grid/evaluation/samples/GRID/{name}.mpg" for name in ("bbaf2n", "brbk7n", "lbax4n", "swiz3n")]
TALK = "open-dubbing/tests/data/englishvideo.mp4"
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "20")
SECONDS = "1.2"


@pytest.fixture(scope="module")
def spoken(tmp_path_factory) -> tuple[Path, tuple[Phone, ...]]:
    speech = espeak.synthesize("Mamá baja la papa.", espeak.voice_for("es"))
    path = tmp_path_factory.mktemp("dub") / "dub.wav"
    sf.write(path, speech.samples, speech.sample_rate_hz)
    return path, speech.phones


def edit(title: Path, dub: tuple[Path, tuple[Phone, ...]], folder: Path) -> EngineReport:
    """The whole engine over a title; what must hold of every title is asked for here."""
    analyse(title, folder / "track.npz")
    out = folder / "edit.mp4"
    report = resync(title, *dub, folder / "track.npz", out, Options(measure=False, device="cpu"))
    before, after = (np.array([f.time_s for f in video.read(p, video.probe(p))]) for p in (title, out))
    assert len(before) == len(after) == report.frames
    assert np.abs(before - after).max() <= 0.001
    assert report.edited + sum(report.bypassed.values()) == report.frames
    assert not report.outside_mask_max_diff
    return report


def inputs(*names: str) -> list[str | Path]:
    return [argument for name in names for argument in ("-i", recording(name))]


def test_a_title_without_a_face_is_copied(tmp_path, spoken):
    title = tmp_path / "bars.mp4"
    ffmpeg("-f", "lavfi", "-i", f"smptebars=d={SECONDS}:s=320x240:r=25", *H264, title)
    report = edit(title, spoken, tmp_path)
    assert (report.edited, report.copied) == (0, report.frames)
    assert report.bypassed == {"no_face": report.frames}


def test_four_faces_leave_one_speaker_and_three_untouched_mouths(tmp_path, spoken):
    title = tmp_path / "four.mp4"
    stack = "[0:v][1:v][2:v][3:v]xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0[v]"
    graph = ("-filter_complex", stack, "-map", "[v]")
    ffmpeg(*inputs(*GRID), *graph, *H264, "-t", SECONDS, title)
    report = edit(title, spoken, tmp_path)
    track = FaceTrack.load(tmp_path / "track.npz")
    assert len(track.identities) == 4
    assert report.edited > 0.5 * report.frames
    changed = np.sort(most_changed(title, tmp_path / "edit.mp4").ravel())
    assert changed[3] > 4 * changed[2], "one quarter changed, the others only by the encoder"


def most_changed(before: Path, after: Path) -> np.ndarray:
    """Change of luma, averaged over the frames, of the most changed 8x8 block of each quarter of the picture."""
    both = (video.read(path, video.probe(path)) for path in (before, after))
    change = np.mean([np.abs(p.planes[0].astype(int) - q.planes[0]) for p, q in zip(*both, strict=True)], axis=0)
    high, wide = (side // 16 for side in change.shape)
    blocks = change[: high * 16, : wide * 16].reshape(2, high, 8, 2, wide, 8).mean(axis=(2, 5))
    return blocks.max(axis=(1, 3))


def test_a_cut_every_second_is_edited_in_every_shot(tmp_path, spoken):
    title = tmp_path / "cuts.mp4"
    parts = "".join(f"[{n}:v]trim=0:1,setpts=PTS-STARTPTS[p{n}];" for n in range(3))
    graph = ("-filter_complex", f"{parts}[p0][p1][p2]concat=n=3:v=1[v]", "-map", "[v]")
    ffmpeg(*inputs(*GRID[:3]), *graph, *H264, title)
    report = edit(title, spoken, tmp_path)
    assert len(np.unique(FaceTrack.load(tmp_path / "track.npz").shots)) == 3
    assert report.edited > 0.5 * report.frames


@pytest.mark.parametrize("lines", [240, 720], ids=["small face", "large face"])
def test_one_frame_is_drawn_by_deforming_it(lines, tmp_path, spoken):
    title = tmp_path / "one.mp4"
    ffmpeg(*inputs(TALK), "-an", "-vf", f"scale=-2:{lines}", "-frames:v", "1", *H264, title)
    report = edit(title, spoken, tmp_path)
    assert (report.frames, report.edited, report.portrait_frames) == (1, 1, 1)


def test_ten_bits_stay_ten_bits(tmp_path, spoken):
    title = tmp_path / "ten.mp4"
    ffmpeg(*inputs(TALK), "-an", "-vf", "scale=-2:360", "-t", SECONDS, *H264, "-pix_fmt", "yuv420p10le", title)
    report = edit(title, spoken, tmp_path)
    assert report.edited > 0.5 * report.frames
    assert video.probe(tmp_path / "edit.mp4").depth == 10


def test_a_title_of_digital_silence_is_edited(tmp_path, spoken):
    title = tmp_path / "silent.mp4"
    quiet = ("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono", "-map", "0:v", "-map", "1:a", "-c:a", "aac")
    ffmpeg(*inputs(GRID[0]), *quiet, "-t", SECONDS, *H264, title)
    assert edit(title, spoken, tmp_path).edited > 0.5 * video.probe(title).frames


def test_a_dub_of_silence_without_phones_is_no_error(tmp_path):
    title = recording(GRID[0])
    sf.write(tmp_path / "silence.wav", np.zeros(16000, np.float32), 16000)
    edit(title, (tmp_path / "silence.wav", ()), tmp_path)


@pytest.mark.parametrize("rate", [12.0, 25.0, 60.0, 120.0])
def test_smoothing_in_parts_keeps_a_face_that_rests(rate):
    still = long_track(50).landmarks
    still[:] = still[:1]
    smoothed = Smoothing(fit_poses(still), rate).smooth(still, slice(0, 50))
    assert np.abs(smoothed - still).max() < 0.01


def test_preparing_a_person_takes_no_more_of_a_title_twice_as_long(tmp_path):
    import tracemalloc

    def peak(rows: int) -> int:
        track = long_track(rows).save(tmp_path / "track.npz")
        tracemalloc.start()
        try:
            assert len(person(track, 0).track.landmarks) == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)  # what is imported on the way
    once, twice = peak(4000), peak(8000)
    assert twice - once < 0.1 * 4000 * 478 * 3 * 4

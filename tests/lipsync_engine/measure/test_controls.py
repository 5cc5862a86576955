"""Control rows: a figure counts only where it tells a right mouth from a wrong one; and the title's own speech."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lipsync_engine.__main__ import main
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.mouth import series, speaker_stats
from lipsync_engine.faces.track import track_faces
from lipsync_engine.measure.controls import TELLING, control_rows, shuffled, silent_about
from lipsync_engine.measure.measure import speech_measures
from lipsync_engine.measure.report_figures import picture_figures
from lipsync_engine.measure.source_residue import source_leak
from lipsync_engine.media.audio import band_level_db, load_mono
from lipsync_engine.media.shelf import Kept
from lipsync_engine.plan.agreement import phone_agreement
from lipsync_engine.plan.timing import Heard
from lipsync_engine.plan.trajectory import plan_mouth
from lipsync_engine.records import MouthPlan, MouthSeries, Phone
from lipsync_engine.speech import espeak
from lipsync_engine.speech.align import align
from lipsync_engine.speech.phones import write_phones
from lipsync_engine.speech.title_speech import RATE_HZ, OwnSpeech, own_speech
from tests.lipsync_engine.speaker import STATS
from tests.speech_media import recording

SPEAKER = replace(STATS, mean=np.array([0.05, 0.345, 0.52, 0.165], np.float32))
TEXT = "Buenos días, mi nombre es Pablo. Vivo en una familia muy pequeña, cerca del mar. Por la mañana bebo agua."
GOLD = {"set": (0.49, 0.77), "white": (0.77, 1.09), "with": (1.09, 1.22), "soon": (1.73, 2.21)}


@pytest.fixture(scope="module")
def speech() -> espeak.SpokenText:
    return espeak.synthesize(TEXT, "es")


@pytest.fixture(scope="module")
def sound(speech) -> np.ndarray:
    import soxr

    return np.asarray(soxr.resample(speech.samples, speech.sample_rate_hz, RATE_HZ), np.float32)


@pytest.fixture(scope="module")
def plan(speech) -> MouthPlan:
    return plan_mouth(speech.phones, np.arange(speech.phones[-1].end_ms // 40) / 25, SPEAKER)


@pytest.fixture(scope="module")
def filmed() -> tuple[Path, FaceTrack]:
    clip = recording("lipnet-grid/evaluation/samples/id2_vcd_swwp2s.mpg")
    return clip, track_faces(clip)


def test_a_right_mouth_stands_far_above_every_control(speech, sound, plan):
    noise = np.random.default_rng(2).normal(0, 0.006, plan.series.values.shape).astype(np.float32)
    seen = replace(plan.series, values=plan.series.values + noise)
    heard = Heard(speech.phones, sound, RATE_HZ, SPEAKER)
    right, rows = speech_measures(seen, heard), control_rows(seen, heard)
    for name in ("phone_agreement", "phone_correlation", "av_correlation"):
        good, wrong = right[name], rows["shuffled"][name]
        assert good is not None
        assert wrong is not None
        assert good > wrong + 0.25, name
    assert rows["frozen"]["phone_agreement"] < right["phone_agreement"] - 0.2
    assert rows["frozen"]["articulation_ratio"] == pytest.approx(0, abs=1e-5)
    assert silent_about(right, rows["shuffled"]) == []


def test_real_and_unmodified_rows_are_the_source_under_its_own_sound_and_under_the_dub(speech, sound, plan):
    other = espeak.synthesize(
        "Bob may buy a big apple pie. Mom and Pam have problems with my best friend.", "en-us"
    ).phones
    source = plan_mouth(other, plan.series.times_s, SPEAKER).series
    own = OwnSpeech(lambda: np.zeros(0, np.float32), other)
    rows = control_rows(plan.series, Heard(speech.phones, sound, RATE_HZ, SPEAKER), source=source, own=own)
    assert rows["real"]["phone_agreement"] > max(0.85, rows["unmodified"]["phone_agreement"] + 0.2)
    assert rows["real"]["closure_rate"] == 1.0
    assert rows["real"]["phone_correlation"] > rows["real_shuffled"]["phone_correlation"] + 0.3


def test_what_does_not_tell_is_named():
    right = dict.fromkeys(TELLING, 0.6) | {"closure_rate": None}
    wrong = dict.fromkeys(TELLING, 0.55) | {"phone_agreement": 0.3, "phone_correlation": None}
    assert silent_about(right, wrong) == ["closure_rate", "av_correlation"]


def test_a_clip_too_short_to_shuffle_has_no_such_row(speech, sound, plan):
    short = MouthSeries(plan.series.times_s[:30], plan.series.values[:30], plan.series.valid[:30])
    assert set(shuffled(short, Heard(speech.phones, sound, RATE_HZ, SPEAKER)).values()) == {None}


def test_a_real_speaker_agrees_with_his_own_words_and_not_with_them_at_other_times(filmed):
    clip, track = filmed
    samples = load_mono(clip)
    phones = align(samples, RATE_HZ, "set white with P two soon", "en-gb").phones
    own = own_speech(clip, phones)
    assert own is not None
    mouth = series(track, track.identities[0])
    stats = speaker_stats(mouth, own.speaking(mouth.times_s), own.resting(mouth.times_s))
    share = phone_agreement(mouth, phones, stats)[0]
    assert share is not None
    heard = Heard(phones, samples, RATE_HZ, stats)
    row = shuffled(mouth, heard)["phone_agreement"]
    assert row is not None
    assert share > row + 0.25
    figures = speech_measures(mouth, heard)
    assert figures["articulation_ratio"] == pytest.approx(1.0, abs=0.02), "the speaker is the measure of the speaker"
    assert abs(figures["offset_frames"]) < 1.5
    words = own.speaking(np.array([(a + b) / 2 for a, b in GOLD.values()]))
    assert words.all()
    assert not own.speaking(np.array([0.2, 2.7])).any()


def test_the_upper_face_is_kept_by_no_edit_and_lost_by_another_face_s_motion(filmed):
    seen = filmed[1].of(filmed[1].identities[0])
    frames = seen.frame.astype(np.int64)
    raised = np.ptp(seen.landmarks[0, :, 0]) * 0.02 * np.sin(frames / 5.3) ** 2
    landmarks = seen.landmarks[:].copy()
    landmarks[:, (105, 334), 1] -= raised[:, None].astype(np.float32)  # brows that rise, whoever it is
    track = replace(seen, landmarks=landmarks)
    assert picture_figures(track, track, frames)["upper_face_retention"] == pytest.approx(1.0)
    other = replace(track, landmarks=np.roll(track.landmarks, 25, axis=0))
    lost = picture_figures(track, other, frames)["upper_face_retention"]
    assert lost is not None
    assert lost < 0.7
    still = replace(track, landmarks=np.repeat(track.landmarks[:1], len(frames), axis=0))
    assert picture_figures(still, track, frames)["upper_face_retention"] is None, "nothing there to keep"


@pytest.mark.slow
def test_the_command_line_measures_a_clip_beside_its_controls(filmed, tmp_path):
    write_phones(tmp_path / "p.json", align(load_mono(filmed[0]), RATE_HZ, "set white with P two soon", "en-gb").phones)
    clip, phones = str(filmed[0]), str(tmp_path / "p.json")
    arguments = ["--audio", clip, "--phones", phones, "--reference", clip, "--source-phones", phones, "--truth", clip]
    assert main(["measure", "--video", clip, *arguments, "--report", str(tmp_path / "r.json")]) == 0
    figures = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert figures["phone_agreement"] == figures["controls"]["real"]["phone_agreement"]
    assert figures["articulation_ratio"] == pytest.approx(1.0, abs=0.05)
    assert figures["phone_agreement"] > figures["controls"]["shuffled"]["phone_agreement"] + 0.2
    assert set(figures["controls"]) == {"real", "real_shuffled", "unmodified", "shuffled", "frozen"}
    for name in ("jitter_ratio", "flicker_ratio", "flow_residual_ratio", "lip_thickness_ratio", "mouth_ssim"):
        assert figures[name] == pytest.approx(1.0, abs=1e-6), f"{name} of a picture against itself"
    assert figures["lip_colour_shift"] == 0
    assert figures["canonical_correlation"] is None, "three seconds do not teach it"
    assert "canonical_correlation" in figures["cannot_tell"]


def test_loudness_tells_speech_from_silence_where_there_is_no_script():
    rate, generator = RATE_HZ, np.random.default_rng(0)
    samples = np.concatenate([generator.normal(0, s, rate) for s in (1e-4, 0.1, 1e-4)]).astype(np.float32)
    own = OwnSpeech(lambda: samples)
    times = np.arange(0, 3, 0.04)
    assert own.speaking(times)[(times > 1.05) & (times < 1.95)].all()
    assert not own.speaking(times)[(times < 0.95) | (times > 2.05)].any()
    resting = own.resting(times)
    assert resting[(times < 0.8) | (times > 2.2)].all()
    assert not resting[(times > 0.9) & (times < 2.1)].any()


def test_a_title_without_sound_has_no_own_speech(tmp_path):
    (tmp_path / "mute.mp4").write_bytes(b"")
    assert own_speech(tmp_path / "mute.mp4") is None
    scripted = own_speech(tmp_path / "mute.mp4", (Phone("a", 0, 400),))
    assert scripted is not None
    assert scripted.speaking(np.array([0.2, 0.6])).tolist() == [True, False]


def test_a_leak_is_measured_in_shares_of_the_source_with_its_noise(plan):
    generator = np.random.default_rng(4)
    other = espeak.synthesize("Bob may buy a big apple pie. Mom and Pam have problems. " * 2, "en-us").phones
    source = plan_mouth(other, plan.series.times_s, SPEAKER).series
    noise = generator.normal(0, 0.003, plan.series.values.shape).astype(np.float32)
    for share in (0.0, 0.1, 0.3):
        values = plan.series.values + noise + np.float32(share) * (source.values - source.values.mean(axis=0))
        leak = source_leak(replace(plan.series, values=values), plan, source)
        assert leak is not None
        assert leak.share == pytest.approx(share, abs=0.025)
        assert (abs(leak.correlation) > 3 * leak.noise) == (share > 0)


def test_a_bent_tracker_is_no_leak(plan):
    """A seen mouth that is a curve of the planned one, without anything of the source."""
    values = plan.series.values.copy()
    values[:, 0] = 0.11 * (values[:, 0] / 0.11) ** 1.3
    source = replace(plan.series, values=np.roll(plan.series.values, 3, axis=0))
    leak = source_leak(replace(plan.series, values=values), plan, source)
    assert leak is not None
    assert abs(leak.share) < 0.005


def test_the_level_of_a_band_hears_only_the_band():
    time = np.arange(RATE_HZ) / RATE_HZ
    inside, outside = (np.sin(2 * np.pi * hz * time).astype(np.float32) * 0.1 for hz in (900, 4000))
    heard, unheard = (band_level_db(x, RATE_HZ, 500, 1500)[10:90].mean() for x in (inside, outside))
    assert heard > unheard + 40
    assert len(band_level_db(inside, RATE_HZ, 500, 1500)) == 100


def test_the_rows_of_the_title_itself_are_kept_for_the_same_title_and_speaker(
    speech, sound, plan, tmp_path, monkeypatch
) -> None:
    class Drawer:
        def find(self, key: str) -> Path | None:
            return path if (path := tmp_path / f"{key}.npz").is_file() else None

        def keep(self, key: str, file: Path) -> None:
            file.rename(tmp_path / f"{key}.npz")

    other = espeak.synthesize("Bob may buy a big apple pie.", "en-us").phones
    own = OwnSpeech(lambda: np.zeros(0, np.float32), other)
    source = plan_mouth(other, plan.series.times_s, SPEAKER).series
    heard, kept = Heard(speech.phones, sound, RATE_HZ, SPEAKER), Kept(Drawer(), tmp_path / "out.mp4")
    without = control_rows(plan.series, heard, source=source, own=own)
    assert control_rows(plan.series, heard, source=source, own=own, kept=kept) == without

    def again(*_given: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr("lipsync_engine.measure.controls._made_real_rows", again)
    assert control_rows(plan.series, heard, source=source, own=own, kept=kept) == without
    for changed in (replace(SPEAKER, pace=9.0), replace(SPEAKER, std=SPEAKER.std * 2)):
        with pytest.raises(AssertionError, match="measured again"):
            control_rows(plan.series, replace(heard, stats=changed), source=source, own=own, kept=kept)

"""Steady, like its source, like the truth: what the finished picture itself tells."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import fit_poses
from lipsync_engine.faces.mouth import measured
from lipsync_engine.faces.track import track_faces
from lipsync_engine.measure.audio_visual_fit import canonical_rows, heard_at, learnt_from, own_correlation
from lipsync_engine.measure.likeness import changed_figures, truth_figures
from lipsync_engine.measure.steadiness import at_the_same_motion, flicker, jitter_ratio
from lipsync_engine.plan.trajectory import plan_mouth
from lipsync_engine.records import MouthSeries
from lipsync_engine.speech import espeak
from lipsync_engine.speech.title_speech import RATE_HZ
from tests.lipsync_engine.speaker import STATS
from tests.stand_ins import stand_in

TEXT = "Buenos días, mi nombre es Pablo. Vivo en una familia muy pequeña, cerca del mar. Por la mañana bebo agua. " * 2


@pytest.fixture(scope="module")
def clip() -> Path:
    return stand_in("lipnet-grid/evaluation/samples/id2_vcd_swwp2s.mpg")


@pytest.fixture(scope="module")
def person(clip) -> FaceTrack:
    track = track_faces(clip)
    return track.of(track.identities[0])


def test_a_picture_is_as_steady_as_itself(person):
    assert jitter_ratio(person, person) == pytest.approx(1.0)


def test_skin_that_shakes_is_jitter(person):
    shake = np.random.default_rng(1).normal(0, 0.5, person.landmarks[:].shape).astype(np.float32)
    shaken = replace(person, landmarks=person.landmarks[:] + shake)
    ratio = jitter_ratio(person, shaken)
    assert ratio is not None
    assert ratio > 1.5


@pytest.mark.parametrize(("hz", "least", "most"), [(6.0, 3.0, 4.3), (0.5, 0.0, 0.5)])
def test_light_that_changes_many_times_a_second_flickers(person, hz, least, most):
    light = 6 * np.sin(2 * np.pi * hz * person.times_s[person.frame])
    found = flicker(100 + np.tile(light[:, None], 5), person)
    assert found is not None
    assert least <= found <= most


def test_folds_and_shade_of_a_mouth_that_moves_are_no_flicker(person):
    aperture = measured(person.landmarks, fit_poses(person.landmarks))[0][:, :1].astype(np.float64)
    assert flicker(100 - 200 * aperture, person) == pytest.approx(0.0, abs=1e-3)


@given(faster=st.floats(1.0, 1.5), shakier=st.floats(0.5, 2.0), seed=st.integers(0, 100))
def test_faster_speech_does_not_count_as_shaking(faster, shakier, seed):
    """The skin follows the lips; only what it does beyond that is told."""
    rng = np.random.default_rng(seed)
    slow, fast = rng.uniform(0, 1, 4000), np.minimum(rng.uniform(0, faster, 4000), 1.0)
    ratio = at_the_same_motion(slow, np.floor(slow * 4) + 1, fast, shakier * (np.floor(fast * 4) + 1), floor=1e-9)
    assert ratio == pytest.approx(shakier, rel=0.1)


def test_too_few_frames_tell_nothing(person):
    few = person.rows(slice(0, 6))
    assert jitter_ratio(few, few) is None
    assert flicker(np.zeros((6, 5)), few) is None


def test_noise_is_not_explained_by_motion_and_paint_changes_the_lips(clip, person, tmp_path):
    changes = {"same": "null", "noisy": "noise=alls=25:allf=t", "red": "colorbalance=rm=1"}
    changes["lamp"] = "eq=brightness='.05*sin(2*PI*6*t)':eval=frame"
    same, noisy, red, lamp = (_made(clip, tmp_path / f"{name}.mkv", how) for name, how in changes.items())
    figures = {out: changed_figures(clip, person, out, person) for out in (same, noisy, red, lamp)}
    assert figures[same]["flow_residual_ratio"] == pytest.approx(1.0, abs=0.02)
    assert figures[noisy]["flow_residual_ratio"] > 1.5
    assert figures[same]["lip_colour_shift"] < 1.5 < 3 < figures[red]["lip_colour_shift"]
    assert figures[same]["flicker_ratio"] == pytest.approx(1.0, abs=0.1)
    assert figures[lamp]["flicker_ratio"] > 1.5
    assert figures[red]["lip_thickness_ratio"] == 1.0


def test_against_the_truth_a_copy_is_alike_and_a_blur_is_not(clip, person, tmp_path):
    same, soft = (_made(clip, tmp_path / f"{n}.mkv", f) for n, f in enumerate(("null", "gblur=sigma=3")))
    good, bad = truth_figures(clip, person, same), truth_figures(clip, person, soft)
    assert good["mouth_psnr"] > 40
    assert good["mouth_ssim"] > 0.98
    assert all(bad[name] < good[name] for name in good)


def _made(clip: Path, out: Path, pictures: str) -> Path:
    command = ["ffmpeg", "-v", "error", "-y", "-i", clip, "-an", "-vf", pictures, "-c:v", "libx264", "-qp", "4", out]
    subprocess.run(list(map(str, command)), check=True)
    return out


def test_an_ear_taught_by_a_title_knows_its_mouth_from_others():
    import soxr

    spoken = espeak.synthesize(TEXT, "es")
    sound = np.asarray(soxr.resample(spoken.samples, spoken.sample_rate_hz, RATE_HZ), np.float32)
    mouth = plan_mouth(spoken.phones, np.arange(spoken.phones[-1].end_ms // 40) / 25, STATS).series
    rows = canonical_rows(mouth, sound, mouth, sound, RATE_HZ)
    assert rows["real"] > 0.5
    assert rows["real"] > rows["shuffled"] + 0.4
    assert rows["result"] >= rows["real"] - 0.1, "judged by what it was learnt from"


def test_an_ear_needs_a_mouth_that_moves_and_a_few_seconds_of_it():
    times = np.arange(300) / 25
    still = MouthSeries(times, np.tile(STATS.rest, (300, 1)), np.ones(300, bool))
    noise = np.random.default_rng(0).normal(0, 0.1, 12 * RATE_HZ).astype(np.float32)
    every = np.ones(300, bool)
    heard = heard_at(times, noise, RATE_HZ)
    assert learnt_from(still, heard, every) is None
    assert learnt_from(still, heard, times < 2) is None
    assert own_correlation(still, heard) is None
    moving = MouthSeries(times, np.random.default_rng(1).normal(0, 1, (300, 4)).astype(np.float32), every)
    assert learnt_from(moving, heard_at(times, noise[:0], RATE_HZ), every) is None

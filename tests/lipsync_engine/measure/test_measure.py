from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipsync_engine.measure.measure import speech_measures
from lipsync_engine.media.audio import loudness_db, mel_cepstra, runs, silent_hops
from lipsync_engine.plan.timing import Heard
from lipsync_engine.plan.trajectory import APERTURE, plan_mouth
from lipsync_engine.records import MouthPlan, MouthSeries, Phone
from lipsync_engine.speech import espeak
from lipsync_engine.speech.phones import concatenate
from tests.lipsync_engine.speaker import STATS

TEXT = (
    "Buenos días, mi nombre es Pablo. Vivo en una familia muy pequeña, cerca del mar. "
    "Por la mañana bebo un vaso de agua y busco mi zapato favorito. Nadie sabe lo que pasó después."
)
FPS = 25.0


@pytest.fixture(scope="module")
def speech() -> espeak.SpokenText:
    return espeak.synthesize(TEXT, "es")


@pytest.fixture(scope="module")
def plan(speech: espeak.SpokenText) -> MouthPlan:
    return plan_mouth(speech.phones, np.arange(int(len(speech.samples) / 22050 * FPS)) / FPS, STATS)


def moved(series: MouthSeries, **changes: object) -> MouthSeries:
    return replace(series, **changes)  # type: ignore[arg-type]


def measured(series: MouthSeries, speech: espeak.SpokenText, **options: object) -> dict[str, float | None]:
    heard = Heard(speech.phones, speech.samples, speech.sample_rate_hz, STATS)
    return speech_measures(series, heard, **options)  # type: ignore[arg-type]


def value(measures: dict[str, float | None], name: str) -> float:
    figure = measures[name]
    assert figure is not None, name
    return figure


def test_a_mouth_that_follows_the_plan_scores_well(speech, plan):
    got = measured(plan.series, speech, plan=plan)
    assert value(got, "closure_rate") == 1.0
    assert value(got, "labiodental_rate") == 1.0
    assert value(got, "open_closed_ratio") > 3
    assert value(got, "rounding_separation") > 1.05
    assert 0.7 < value(got, "articulation_ratio") < 1.2
    assert value(got, "silence_motion") == 0.0
    assert value(got, "silence_opening") == pytest.approx(STATS.rest[0], abs=1e-3)
    assert value(got, "phone_agreement") > 0.85
    assert value(got, "av_correlation") > 0.25
    assert value(got, "offset_frames") == pytest.approx(-0.5, abs=0.15), "the plan leads by 20 ms, half a frame"
    assert value(got, "phone_correlation") > 0.9
    assert value(got, "plan_correlation") == pytest.approx(1.0)
    assert value(got, "bilabials") >= 15


def test_a_frozen_mouth_scores_as_one(speech, plan):
    open_pose = np.tile(STATS.rest + np.array([0.04, 0, 0, 0], np.float32), (len(plan.series.times_s), 1))
    got = measured(moved(plan.series, values=open_pose), speech, plan=plan)
    assert got["closure_rate"] == 0.0
    assert value(got, "open_closed_ratio") == pytest.approx(1.0)
    assert value(got, "articulation_ratio") == pytest.approx(0.0, abs=1e-6)
    assert value(got, "rounding_separation") == pytest.approx(1.0)
    assert got["offset_frames"] is None
    assert got["av_correlation"] is None
    assert got["plan_correlation"] is None
    assert got["phone_correlation"] is None
    assert got["silence_motion"] == 1.0, "open in the pauses"
    assert value(got, "silence_opening") > 0.03


@pytest.mark.parametrize("late", [-6, 5])
def test_a_late_mouth_is_found_late_and_late_throughout(speech, plan, late: int):
    on_time = value(measured(plan.series, speech), "offset_frames")
    got = measured(moved(plan.series, values=np.roll(plan.series.values, late, axis=0)), speech)
    for name in ("offset_frames", "offset_first_third", "offset_last_third"):
        assert value(got, name) == pytest.approx(on_time + late, abs=0.6), name


@given(slope=st.floats(-3, 3))
@settings(max_examples=settings.default.max_examples // 12)
def test_a_drift_is_found_in_a_minute_of_speech(speech, slope):
    phones = concatenate([(i * 11_000, speech.phones) for i in range(6)], 66_000)
    times = np.arange(0, 66, 1 / FPS)
    true = plan_mouth(phones, times - slope / FPS * times / 60, STATS).series.values
    got = speech_measures(
        MouthSeries(times, true, np.ones(len(times), bool)), Heard(phones, speech.samples[:0], 16000, STATS)
    )
    assert value(got, "drift_frames_60s") == pytest.approx(slope, abs=0.3)


def test_a_drift_is_not_guessed_from_seconds(speech, plan):
    noise = np.random.default_rng(3).normal(0, 0.02, plan.series.values.shape).astype(np.float32)
    assert measured(moved(plan.series, values=plan.series.values + noise), speech)["drift_frames_60s"] is None


def test_another_sentence_scores_below_the_right_one(speech, plan):
    other = espeak.synthesize("Quizá llueva toda la tarde, así que trae tu chaqueta larga y cierra la ventana.", "es")
    times = plan.series.times_s
    wrong = plan_mouth(other.phones, times, STATS).series
    right, got = measured(plan.series, speech, plan=plan), measured(wrong, speech, plan=plan)
    assert value(got, "closure_rate") < value(right, "closure_rate") - 0.3
    assert value(got, "plan_correlation") < 0.5
    assert value(got, "av_correlation") < value(right, "av_correlation")


def test_motion_in_a_pause_is_counted(speech, plan):
    values = plan.series.values.copy()
    values[plan.rest, APERTURE] += 0.05 * np.arange(plan.rest.sum()) % 0.1
    assert value(measured(moved(plan.series, values=values), speech), "silence_motion") > 0.5


def test_a_small_articulation_is_seen_as_small(speech, plan):
    rest = STATS.rest
    small = moved(plan.series, values=(rest + 0.5 * (plan.series.values - rest)).astype(np.float32))
    whole = value(measured(plan.series, speech), "articulation_ratio")
    assert value(measured(small, speech), "articulation_ratio") == pytest.approx(0.5 * whole, rel=1e-3)


def test_the_source_s_mouth_shows_as_a_leak(speech, plan):
    generator = np.random.default_rng(1)
    old_phones = espeak.synthesize(
        "Good morning, my name is Bob. Nobody knows what happened then. " * 3, "en-us"
    ).phones
    source = plan_mouth(old_phones, plan.series.times_s, STATS).series
    noise = generator.normal(0, 0.002, plan.series.values.shape).astype(np.float32)
    clean = moved(plan.series, values=plan.series.values + noise)
    leaky = moved(plan.series, values=clean.values + 0.3 * (source.values - STATS.rest))
    got = measured(clean, speech, plan=plan, source=source)
    assert abs(value(got, "source_partial_correlation")) < 3 * value(got, "source_leak_noise")
    assert abs(value(got, "source_leak_share")) < 0.02
    got = measured(leaky, speech, plan=plan, source=source)
    assert value(got, "source_partial_correlation") > 0.8
    assert value(got, "source_leak_share") == pytest.approx(0.3, abs=0.03)


def test_frames_without_a_face_are_left_out(speech, plan):
    valid = plan.series.valid.copy()
    valid[::3] = False
    values = plan.series.values.copy()
    values[~valid] = np.nan
    got = measured(moved(plan.series, values=values, valid=valid), speech, plan=plan, source=plan.series)
    assert value(got, "plan_correlation") == pytest.approx(1.0)
    assert all(figure is None or np.isfinite(figure) for figure in got.values())


def test_what_is_not_defined_is_none(speech, plan):
    unseen = moved(plan.series, valid=np.zeros_like(plan.series.valid))
    got = measured(unseen, speech, plan=plan, source=unseen)
    assert {name for name, figure in got.items() if figure is not None} == {"bilabials", "open_vowels"}
    assert got["bilabials"] == 0
    no_lips = (Phone("a", 0, 500), Phone("t", 500, 1000))
    got = speech_measures(plan.series, Heard(no_lips, speech.samples, 22050, STATS))
    assert got["closure_rate"] is got["labiodental_rate"] is got["open_closed_ratio"] is None
    assert got["source_partial_correlation"] is got["plan_correlation"] is None


def test_no_frames_and_no_sound_are_measured_as_nothing():
    empty = MouthSeries(np.zeros(0), np.zeros((0, 4), np.float32), np.zeros(0, np.bool_))
    got = speech_measures(empty, Heard((), np.zeros(0, np.float32), 16000, STATS))
    assert [name for name, figure in got.items() if figure] == []


def test_loudness_is_in_db_of_full_scale():
    tone = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype(np.float32)
    level = loudness_db(tone * 0.1, 16000)
    assert len(level) == 100
    assert level[50] == pytest.approx(-23.01, abs=0.1)
    assert loudness_db(np.zeros(16000, np.float32), 16000).max() == pytest.approx(-100)


def test_a_pause_is_found_where_it_is_and_a_stop_is_not_one():
    generator = np.random.default_rng(0)
    noise = generator.normal(0, 0.1, 32000).astype(np.float32)
    noise[8000:12000] *= 0.002  # 250 ms
    noise[20000:20800] *= 0.002  # 50 ms
    (pause,) = runs(silent_hops(loudness_db(noise, 16000)))
    assert pause[0] == pytest.approx(50, abs=2)
    assert pause[1] == pytest.approx(75, abs=2)


def test_a_sound_that_begins_and_ends_quietly_is_silent_there_however_short():
    noise = np.random.default_rng(0).normal(0, 0.1, 32000).astype(np.float32)
    noise[:800] *= 0.002  # 50 ms
    noise[-640:] *= 0.002  # 40 ms
    first, last = runs(silent_hops(loudness_db(noise, 16000)))
    assert first == (0, pytest.approx(5, abs=1))
    assert last == (pytest.approx(196, abs=1), 200)


def test_cepstra_tell_vowels_apart_and_not_loudness():
    a, i = (espeak.synthesize(t, "es").samples[2000:6000] for t in ("aaa", "iii"))
    first, louder, other = (mel_cepstra(x, 22050, 0.01, 13).mean(0)[1:] for x in (a, a * 2, i))
    assert np.linalg.norm(first - louder) < 0.1 * np.linalg.norm(first - other)

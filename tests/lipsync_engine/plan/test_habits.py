"""A speaker's own way of making sounds, learnt from a title with a known script."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipsync_engine.plan.habits import KAPPA, habits_of, lead_of, learn
from lipsync_engine.plan.trajectory import plan_mouth
from lipsync_engine.records import Habit, MouthSeries, Phone
from lipsync_engine.speech import espeak
from tests.lipsync_engine.speaker import STATS

SPEAKER = replace(STATS, mean=np.array([0.05, 0.36, 0.52, 0.165], np.float32))
SCRIPT = "Hola, me llamo Ana y soy de Granada. Mañana canta la banda en la playa. Luna y Lucas comen uvas en la casa."


@pytest.fixture(scope="module")
def script() -> tuple[Phone, ...]:
    return espeak.synthesize(SCRIPT, "es").phones


def filmed(phones: tuple[Phone, ...], shift: np.ndarray, lag_s: float = 0.0, noise: float = 0.004) -> MouthSeries:
    """A mouth whose open vowels lie ``shift`` off, filmed at 25 frames a second."""
    habit = Habit(shift.astype(np.float32), np.ones(4, np.float32))
    times = np.arange(phones[-1].end_ms // 40) / 25
    stats = replace(SPEAKER, habits={"class:open": habit}, frames=0)
    values = plan_mouth(phones, times - lag_s, stats, lead_ms=0).series.values
    values = values + np.random.default_rng(5).normal(0, noise, values.shape).astype(np.float32)
    return MouthSeries(times, values, np.ones(len(times), bool))


def everywhere(mouth: MouthSeries) -> np.ndarray:
    return np.ones(len(mouth.times_s), bool)


def test_narrow_open_vowels_are_learnt_and_planned(script):
    mouth = filmed(script, np.array([0.0, -0.03, 0.0, 0.0]))
    learnt = learn(mouth, script, SPEAKER, everywhere(mouth))
    assert learnt.agreement > 0.5
    assert learnt.stats.habits["class:open"].offset[1] < -0.003
    new = espeak.synthesize("La mamá lava la lana.", "es").phones
    times = np.arange(new[-1].end_ms // 40) / 25
    habit = Habit(np.array([0, -0.03, 0, 0], np.float32), np.ones(4, np.float32))
    speakers = (SPEAKER, learnt.stats, replace(SPEAKER, habits={"class:open": habit}))
    before, after, real = (plan_mouth(new, times, s).series.values[:, 1] for s in speakers)
    assert np.abs(after - real).mean() < np.abs(before - real).mean()


@pytest.mark.parametrize("lag_s", [-0.06, 0.0, 0.05])
def test_the_mouth_s_own_lag_is_found(script, lag_s):
    mouth = filmed(script, np.zeros(4), lag_s)
    found = learn(mouth, script, SPEAKER, everywhere(mouth)).lag_s
    assert found == pytest.approx(lag_s, abs=0.008)


def test_another_script_teaches_nothing():
    said = espeak.synthesize("Quizá llueva toda la tarde, así que trae tu chaqueta larga.", "es").phones
    written = espeak.synthesize("Bob may buy a big apple pie for his family and his best friends.", "en-us").phones
    mouth = filmed(said, np.zeros(4))
    learnt = learn(mouth, written, SPEAKER, everywhere(mouth))
    assert learnt.lag_s is None
    assert learnt.stats.habits == {}


def test_a_still_or_unseen_mouth_teaches_nothing(script):
    mouth = filmed(script, np.zeros(4))
    still = replace(mouth, values=np.tile(STATS.rest, (len(mouth.times_s), 1)))
    unseen = replace(mouth, valid=np.zeros(len(mouth.times_s), bool))
    empty = MouthSeries(np.zeros(0), np.zeros((0, 4), np.float32), np.zeros(0, bool))
    for nothing in (still, unseen, empty):
        assert learn(nothing, script, SPEAKER, everywhere(nothing)).stats.habits == {}


@given(value=st.floats(-0.05, 0.05), times=st.integers(1, 60))
def test_evidence_outweighs_the_prior_in_proportion(value, times):
    habits = habits_of([("a", "open", np.full(4, value))] * times, SPEAKER)
    of_class = value * times / (times + KAPPA)
    assert habits["class:open"].offset == pytest.approx(np.full(4, of_class), abs=1e-6)
    of_phone = (value * times + KAPPA * of_class) / (times + KAPPA)
    assert habits["a:open"].offset == pytest.approx(np.full(4, of_phone), abs=1e-6)
    assert abs(of_phone) <= abs(value) + 1e-12


def test_a_phone_not_heard_follows_its_class():
    habits = habits_of([("a", "open", np.full(4, 0.02))] * 10, SPEAKER)
    phones = (Phone("ɑ", 0, 400, 2), Phone("t", 400, 500))
    times = np.arange(12) / 25
    stats = replace(SPEAKER, frames=0)
    plain, moved = (
        plan_mouth(phones, times, s).series.values[:, 1].max() for s in (stats, replace(stats, habits=habits))
    )
    assert moved > plain + 0.005


@given(lag=st.floats(-1, 1))
def test_the_lead_is_bounded(lag):
    assert 20 <= lead_of(lag) <= 80
    assert lead_of(-0.05) == pytest.approx(50)
    assert lead_of(None) == 20

"""Louder speech opens the mouth further."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipsync_engine.plan.trajectory import APERTURE, plan_mouth
from lipsync_engine.records import Phone
from lipsync_engine.speech.emphasis import vowel_spread_db, with_emphasis
from lipsync_engine.speech.gestures import Gesture, gestures_of
from tests.lipsync_engine.speaker import STATS

PHONES = tuple(Phone(ipa, i * 100, i * 100 + 100, 2 if ipa == "a" else 0) for i, ipa in enumerate("tatatatatapa"))


def level(*vowels_db: float) -> np.ndarray:
    """Loudness every 10 ms: each vowel at its own level, consonants 20 dB below the first."""
    out = np.full(120, vowels_db[0] - 20.0)
    for number, db in enumerate(vowels_db):
        out[10 + 20 * number : 20 + 20 * number] = db
    return out


def openings(gestures: tuple[Gesture, ...]) -> list[float]:
    return [g.goal.aperture for g in gestures if g.nucleus]


def test_a_loud_vowel_opens_further_than_a_quiet_one_and_consonants_stay():
    plain = gestures_of(PHONES)
    loud = with_emphasis(plain, level(-30, -30, -30, -30, -30, -18))
    assert openings(loud)[-1] > openings(plain)[-1] > openings(loud)[0]
    assert [g for g in loud if not g.nucleus] == [g for g in plain if not g.nucleus]
    assert [(g.start_s, g.end_s) for g in loud] == [(g.start_s, g.end_s) for g in plain]


@given(st.lists(st.floats(-60, 0), min_size=6, max_size=6), st.none() | st.floats(0, 30))
def test_the_factor_stays_near_one(levels, spread):
    plain = openings(gestures_of(PHONES))
    scaled = openings(with_emphasis(gestures_of(PHONES), level(*levels), spread))
    factors = np.array(scaled) / np.array(plain)
    assert np.all((factors > 0.6) & (factors < 1.3))


@pytest.mark.parametrize("levels", [np.full(120, -30.0), np.zeros(0), level(-30, -30.2, -29.9, -30, -30, -30.1)])
def test_even_speech_is_left_alone(levels):
    assert with_emphasis(gestures_of(PHONES), levels) == gestures_of(PHONES)


def test_preserve_keeps_the_title_s_range_of_energy():
    dub = level(-30, -28, -26, -24, -22, -20)
    flat, lively = (openings(with_emphasis(gestures_of(PHONES), dub, spread)) for spread in (1.7, 6.8))
    assert np.ptp(flat) < np.ptp(lively)
    assert vowel_spread_db(gestures_of(PHONES), dub) == pytest.approx(3.416, abs=0.01)


def test_a_plan_follows_loudness_and_keeps_its_closures():
    times = np.arange(0, 1.2, 0.04)
    stats = replace(STATS, frames=0)
    plain = plan_mouth(PHONES, times, stats)
    rising = plan_mouth(PHONES, times, stats, level_db=level(-36, -36, -36, -36, -20, -20))
    values, before = rising.series.values[:, APERTURE], plain.series.values[:, APERTURE]
    assert values[:8].max() < before[:8].max()
    assert values[20:].max() > before[20:].max()
    assert np.array_equal(rising.closure, plain.closure)
    assert np.allclose(values[rising.closure], STATS.closed[APERTURE], atol=1e-4)

"""The chin drops with the opening of the lips as far as the speaker's own does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lipsync_engine.faces.mouth import chin_slope, speaker_stats
from lipsync_engine.plan.trajectory import plan_mouth
from lipsync_engine.records import MouthSeries, Phone
from tests.lipsync_engine.speaker import STATS

TIMES = np.arange(200) / 25
SPOKEN = tuple(Phone("pamisotalune"[n % 12], 400 + 90 * n, 490 + 90 * n) for n in range(70))


@pytest.mark.parametrize("slope", [0.1, 0.3, 0.6])
def test_a_dub_s_chin_follows_the_lips_as_the_title_s_does(slope: float) -> None:
    plan = plan_mouth(SPOKEN, TIMES, replace(STATS, chin_slope=slope))
    found = chin_slope(plan.series.values[plan.speech])
    assert found == pytest.approx(slope, abs=0.1 * slope)


def test_lips_width_and_rest_stay_as_they_were() -> None:
    before = plan_mouth(SPOKEN, TIMES, STATS)
    after = plan_mouth(SPOKEN, TIMES, replace(STATS, chin_slope=0.6))
    others = [0, 1, 3]
    assert np.array_equal(before.series.values[:, others], after.series.values[:, others])
    assert np.abs(before.series.values[before.rest] - after.series.values[before.rest]).max() < 0.002
    assert before.rest.any()


@pytest.mark.parametrize("slope", [-0.5, 3.0])
def test_a_slope_that_no_face_has_is_not_followed(slope: float) -> None:
    plan = plan_mouth(SPOKEN, TIMES, replace(STATS, chin_slope=slope))
    found = chin_slope(plan.series.values[plan.speech])
    assert found is not None
    assert 0.0 <= found <= 0.9


def test_the_slope_is_learnt_from_the_title_and_only_where_the_mouth_opens() -> None:
    aperture = 0.06 * (1 + np.sin(TIMES * 20)) / 2
    values = np.stack([aperture, 0.4 + 0 * TIMES, 0.5 + 0.35 * aperture, 0.1 + aperture], axis=1).astype(np.float32)
    talking = MouthSeries(TIMES, values, np.ones(len(TIMES), bool))
    assert speaker_stats(talking).chin_slope == pytest.approx(0.35, abs=0.01)
    still = MouthSeries(TIMES, values * np.float32([0.05, 1, 1, 1]), np.ones(len(TIMES), bool))
    assert speaker_stats(still).chin_slope is None

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lipsync_engine.plan.trajectory import APERTURE, JAW, LIP_HEIGHT, WIDTH, limits, plan_mouth
from lipsync_engine.records import MouthPlan, Phone
from lipsync_engine.speech import espeak
from tests.lipsync_engine.speaker import STATS

SENTENCE = "Buenos días, mi nombre es Pablo. Vivo en una familia muy pequeña."


def frames(duration_s: float, fps: float = 25.0) -> np.ndarray:
    return np.arange(int(duration_s * fps)) / fps


def aperture_at(plan: MouthPlan, seconds: float) -> float:
    return float(np.interp(seconds, plan.series.times_s, plan.series.values[:, APERTURE]))


@pytest.fixture(scope="module")
def spoken() -> tuple[Phone, ...]:
    return espeak.synthesize(SENTENCE, "es").phones


phone_lists = st.lists(
    st.tuples(
        st.sampled_from(["p", "b", "m", "f", "a", "i", "u", "s", "ʃ", "t", "k", "w", "aɪ", "", "", "ʰ", "?"]),
        st.integers(1, 400),
        st.integers(0, 2),
    ),
    max_size=12,
)
steps = st.lists(st.floats(0.004, 0.12), min_size=0, max_size=60)


def timeline(parts: list[tuple[str, int, int]]) -> tuple[Phone, ...]:
    ends = np.cumsum([length for _, length, _ in parts]).tolist()
    return tuple(Phone(ipa, end - length, end, stress) for (ipa, length, stress), end in zip(parts, ends, strict=True))


@given(parts=phone_lists, gaps=steps, start=st.floats(-1, 3), lead=st.sampled_from([0, 40, 120]),
       strength=st.floats(0, 2), expression=st.sampled_from(["preserve", "natural", "expressive"]))  # fmt: skip
@example([("p", 2, 0), ("p", 400, 0), ("p", 13, 0)], [0.0625] * 6 + [0.03125, 0.0078125], 0.0, 0, 1.0, "preserve").via(
    "a mouth that stays shut has no spread"
)
@example([("a", 100, 0), ("", 205, 0), ("p", 5, 0), ("a", 100, 0)], [0.04] * 15, -0.04, 20, 1.0, "natural").via(
    "shut before a rest ends"
)
@example([("", 248, 0), ("p", 3, 0), ("p", 17, 0)], [0.1, 0.12] + [0.005] * 12, -0.1, 120, 1.0, "natural").via(
    "shut before a rest ends, seen by many frames"
)
@example([("", 227, 0), ("b", 12, 0), ("f", 29, 0)], [0.1, 0.12] + [0.005] * 12, -0.1, 120, 1.0, "natural").via(
    "a contact that falls between two frames"
)
def test_any_timeline_on_any_frame_times_gives_a_possible_mouth(parts, gaps, start, lead, strength, expression):
    times = start + np.cumsum(gaps) if gaps else np.zeros(0)
    plan = plan_mouth(timeline(parts), times, STATS, strength=strength, expression=expression, lead_ms=lead)
    low, high = limits(STATS)
    assert plan.series.values.shape == (len(times), 4)
    assert plan.series.values.dtype == np.float32
    assert plan.series.valid.all()
    assert np.all(plan.series.values >= low - 1e-6)
    assert np.all(plan.series.values <= high + 1e-6)
    for flags in (plan.closure, plan.labiodental, plan.rest, plan.speech):
        assert flags.shape == (len(times),)
    if strength > 0:
        shut = plan.series.values[plan.closure, APERTURE]
        assert np.allclose(shut, STATS.closed[APERTURE], atol=1e-4)
    resting = plan.series.values[plan.rest & ~plan.closure & ~plan.labiodental]
    assert np.allclose(resting, STATS.rest, atol=1e-5)


@pytest.mark.parametrize("fps", [12.0, 22.13, 23.976, 25.0, 29.97, 60.0, 120.0])
def test_every_bilabial_closes_on_some_frame_at_any_rate(spoken: tuple[Phone, ...], fps: float):
    plan = plan_mouth(spoken, frames(spoken[-1].end_ms / 1000, fps), STATS)
    times, values = plan.series.times_s, plan.series.values
    bilabials = [p for p in spoken if p.ipa in ("p", "b", "m")]
    assert len(bilabials) >= 8
    for phone in bilabials:
        seen = (times >= phone.start_ms / 1000 - 0.08) & (times <= phone.end_ms / 1000 + 0.02)
        assert values[seen, APERTURE].min() <= STATS.closed[APERTURE] + 1e-4, phone


def test_a_closure_shorter_than_a_frame_lands_on_one_or_two():
    phones = (Phone("a", 0, 300, 2), Phone("p", 300, 312), Phone("a", 312, 700, 2))
    for offset in np.linspace(0, 0.06, 7):
        plan = plan_mouth(phones, offset + np.arange(10) / 15.0, STATS)
        assert plan.closure.sum() in (1, 2)
        assert plan.series.values[plan.closure, APERTURE] == pytest.approx(STATS.closed[APERTURE], abs=1e-4)


def test_the_mouth_opens_on_the_vowel_and_runs_ahead_of_the_sound():
    phones = (
        Phone("", 0, 500),
        Phone("p", 500, 600),
        Phone("a", 600, 800, 2),
        Phone("p", 800, 900),
        Phone("", 900, 1500),
    )
    times = frames(1.5, 100)
    with_lead = plan_mouth(phones, times, STATS, lead_ms=40).series.values[:, APERTURE]
    on_time = plan_mouth(phones, times, STATS, lead_ms=0).series.values[:, APERTURE]
    assert 0.6 <= times[on_time.argmax()] <= 0.8
    assert times[with_lead.argmax()] == pytest.approx(times[on_time.argmax()] - 0.04, abs=0.011)
    assert on_time.max() > 0.6 * STATS.open[APERTURE]


def test_a_pause_is_rest_without_motion_and_the_plan_says_so(spoken: tuple[Phone, ...]):
    pause = max((p for p in spoken[:-1] if not p.ipa), key=lambda p: p.end_ms - p.start_ms)
    assert pause.end_ms - pause.start_ms > 250
    plan = plan_mouth(spoken, frames(spoken[-1].end_ms / 1000 + 1, 50), STATS)
    inside = (plan.series.times_s > pause.start_ms / 1000 + 0.12) & (plan.series.times_s < pause.end_ms / 1000 - 0.12)
    assert inside.any()
    assert plan.rest[inside].all()
    assert np.ptp(plan.series.values[plan.rest], axis=0).max() < 1e-5
    assert not (plan.rest & plan.speech).any()
    assert plan.rest[-10:].all(), "after the last word the mouth rests"


def test_no_phones_is_all_rest():
    plan = plan_mouth((), frames(1.0), STATS)
    assert plan.rest.all()
    assert not plan.speech.any()
    assert np.allclose(plan.series.values, STATS.rest)


def test_no_frames_is_an_empty_plan():
    assert plan_mouth((Phone("a", 0, 100),), np.zeros(0), STATS).series.values.shape == (0, 4)


def test_stress_shows():
    def peak(stress: int) -> float:
        phones = (Phone("t", 0, 60), Phone("a", 60, 200, stress), Phone("t", 200, 260), Phone("i", 260, 400, 2))
        values = plan_mouth(phones, frames(0.3, 100), replace(STATS, frames=0)).series.values
        return float(values[:20, APERTURE].max())

    assert peak(2) > 1.15 * peak(0)


def test_the_jaw_leads_the_lips():
    phones = (Phone("t", 0, 150), Phone("ɑ", 150, 350, 2), Phone("t", 350, 500))
    values = plan_mouth(phones, frames(0.5, 200), STATS).series.values
    rise = {c: float(np.interp(0.5, *_normalised_rise(values[:, c]))) for c in (APERTURE, JAW)}
    assert rise[JAW] < rise[APERTURE]


def _normalised_rise(curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heights reached (0 to 1) before the peak, and the frames at which they are."""
    up = curve[: int(curve.argmax()) + 1]
    start = int(up.argmin())
    up = np.maximum.accumulate(up[start:])
    return (up - up[0]) / (up[-1] - up[0]), np.arange(len(up)) + start


def test_rounding_narrows_and_starts_early():
    phones = (Phone("i", 0, 200, 2), Phone("t", 200, 280), Phone("u", 280, 450, 2), Phone("", 450, 900))
    values = plan_mouth(phones, frames(0.9, 100), STATS).series.values
    assert values[30:40, WIDTH].min() < STATS.rest[WIDTH] - 0.02 < STATS.rest[WIDTH] + 0.01 < values[5:15, WIDTH].max()
    assert values[22, WIDTH] < values[10, WIDTH] - 0.02, "before the vowel itself begins"


def test_only_contacts_close_the_lips(spoken: tuple[Phone, ...]):
    plan = plan_mouth(spoken, frames(spoken[-1].end_ms / 1000, 100), STATS)
    for phone in spoken:
        if phone.ipa in ("s", "l", "n", "i", "e", "a"):
            middle = (phone.start_ms + phone.end_ms) / 2000 - 0.04
            assert aperture_at(plan, middle) > STATS.closed[APERTURE] + 0.004, phone


@pytest.fixture(scope="module")
def long_speech() -> tuple[Phone, ...]:
    text = "Esta herramienta le permite inspeccionar rápidamente la calidad del modelo, sin transcribir los datos."
    return espeak.synthesize(text, "es").phones


@given(
    aperture=st.floats(0.014, 0.034), width=st.floats(0.008, 0.024), jaw=st.floats(0.008, 0.03),
    fps=st.sampled_from([15.0, 23.976, 25.0, 30.0, 60.0]),
)  # fmt: skip
@settings(max_examples=settings.default.max_examples // 4)
def test_the_frames_of_speech_have_the_speaker_s_own_spread(long_speech, aperture, width, jaw, fps):
    own = np.array([aperture, width, jaw, aperture + 0.002], np.float32)
    plan = plan_mouth(long_speech, frames(long_speech[-1].end_ms / 1000, fps), replace(STATS, std=own))
    spread = plan.series.values[plan.speech].std(axis=0)
    assert spread == pytest.approx(own, rel=0.03)
    assert np.allclose(plan.series.values[plan.closure, APERTURE], STATS.closed[APERTURE], atol=1e-4)


def test_speech_has_the_speaker_s_own_mean_too(long_speech):
    def mean(**own: float) -> np.ndarray:
        where = np.array([own.get("aperture", 0.05), own.get("width", 0.36), 0.52, 0.165], np.float32)
        plan = plan_mouth(long_speech, frames(long_speech[-1].end_ms / 1000), replace(STATS, mean=where))
        return plan.series.values[plan.speech].mean(axis=0)

    assert mean(aperture=0.06)[APERTURE] > mean(aperture=0.045)[APERTURE] + 0.008
    assert mean(width=0.35)[WIDTH] == pytest.approx(0.35, abs=0.003)


def test_a_spread_beyond_the_speaker_s_range_stops_at_the_range(long_speech):
    wide = replace(STATS, std=np.full(4, 0.2, np.float32))
    plan = plan_mouth(long_speech, frames(long_speech[-1].end_ms / 1000), wide)
    assert plan.series.values[:, APERTURE].max() <= STATS.open[APERTURE] + 0.25 * np.ptp([0.003, 0.115]) + 1e-6
    assert plan.series.values[plan.speech, APERTURE].std() > 0.035


def test_strength_and_expression_scale_the_excursion_but_not_the_closures(spoken: tuple[Phone, ...]):
    times = frames(spoken[-1].end_ms / 1000)

    def plan(**options: object) -> MouthPlan:
        return plan_mouth(spoken, times, STATS, **options)  # type: ignore[arg-type]

    def size(p: MouthPlan) -> float:
        return float(np.abs(p.series.values - STATS.rest)[p.speech].mean())

    sizes = [size(plan(expression=e)) for e in ("preserve", "natural", "expressive")]
    assert sizes == sorted(sizes)
    assert size(plan(strength=0.5)) < 0.7 * size(plan())
    assert np.allclose(plan(strength=0.5).series.values[plan().closure, APERTURE], STATS.closed[APERTURE], atol=1e-4)
    still = plan(strength=0.0)
    assert np.allclose(still.series.values, STATS.rest, atol=1e-5)
    assert not still.closure.any()


def test_the_rate_of_the_picture_does_not_change_the_path(spoken: tuple[Phone, ...]):
    end = spoken[-1].end_ms / 1000
    slow, fast = (plan_mouth(spoken, frames(end, fps), STATS) for fps in (25.0, 100.0))
    free = ~(slow.closure | slow.labiodental)
    difference = np.abs(slow.series.values - fast.series.values[::4][: len(slow.series.times_s)])[free]
    assert difference.max() < 0.015
    assert difference.mean() < 0.001


def test_the_outer_lips_stay_around_the_opening(spoken: tuple[Phone, ...]):
    values = plan_mouth(spoken, frames(spoken[-1].end_ms / 1000, 100), STATS, expression="expressive").series.values
    assert np.all(values[:, LIP_HEIGHT] > values[:, APERTURE] + 0.05)


def test_a_speaker_without_known_spread_is_planned_all_the_same(spoken: tuple[Phone, ...]):
    still = replace(STATS, std=np.full(4, np.nan, np.float32), frames=1)
    assert np.isfinite(plan_mouth(spoken, frames(4), still).series.values).all()


@pytest.mark.parametrize(
    ("times", "options", "stats", "message"),
    [
        ([0.0, 0.0], {}, STATS, "increase"),
        ([0.0, float("nan")], {}, STATS, "finite"),
        ([0.0, 0.1], {"expression": "shouting"}, STATS, "preserve, natural, expressive"),
        ([0.0, 0.1], {"strength": -1.0}, STATS, "strength"),
        ([0.0, 0.1], {}, replace(STATS, rest=np.full(4, np.nan, np.float32)), "statistics"),
    ],
)
def test_impossible_requests_are_refused(times, options, stats, message):
    with pytest.raises(ValueError, match=message):
        plan_mouth((Phone("a", 0, 100),), np.array(times), stats, **options)

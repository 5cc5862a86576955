"""Stops as eSpeak NG tells them, by their burst: each begins where the mouth closed, be the closure silent or not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lipsync_engine.records import Phone
from lipsync_engine.speech import espeak
from lipsync_engine.speech.espeak_closures import closed

RATE = 22050


def spoken(closes_ms: int, bursts_ms: int, left_db: float, hum: bool = False) -> np.ndarray:
    """A second of a buzzing vowel with a closure in it, in which some breath is left, or the hum of the voice."""
    times = np.arange(RATE) / RATE
    vowel = sum(np.sin(2 * np.pi * 125 * n * times) / n for n in range(1, 40)) * 0.1
    breath = np.random.default_rng(0).standard_normal(RATE) * 10 ** (left_db / 20) * float(np.std(vowel))
    left = np.sin(2 * np.pi * 125 * times) * 0.02 if hum else breath
    shut = (times >= closes_ms / 1000) & (times < bursts_ms / 1000)
    return np.where(shut, left, vowel).astype(np.float32)


@pytest.mark.parametrize(("stop", "left_db", "hum"), [("p", -60, False), ("p", -25, False), ("b", -25, True)])
@pytest.mark.parametrize("lasts_ms", [40, 65])
def test_a_stop_begins_with_its_closure(stop: str, left_db: float, hum: bool, lasts_ms: int) -> None:
    phones = (Phone("a", 0, 500), Phone(stop, 500, 520), Phone("a", 520, 1000))
    before, found, after = closed(phones, spoken(500 - lasts_ms, 500, left_db, hum), RATE)
    assert found.start_ms == pytest.approx(500 - lasts_ms, abs=12)
    assert (before.end_ms, found.end_ms, after.start_ms) == (found.start_ms, 520, 520)


def test_a_stop_before_which_nothing_falls_begins_with_its_burst() -> None:
    phones = (Phone("a", 0, 500), Phone("p", 500, 520), Phone("a", 520, 1000))
    assert closed(phones, spoken(800, 900, -60), RATE) == phones


def test_no_stop_between_vowels_is_a_burst_alone_whatever_the_timbre() -> None:
    for timbre, rate in (("f2", 210), ("m4", 150), ("f4", 180), ("m1", 240)):
        said = espeak.synthesize(
            "La première panne a été réparée par Paul.", espeak.voice_for("fr", timbre), rate_wpm=rate
        )
        after_vowels = [phone for before, phone in pairwise(said.phones) if before.ipa in ("a", "e", "ə")]
        stops = [phone for phone in after_vowels if phone.ipa == "p"]
        assert stops
        assert all(stop.end_ms - stop.start_ms >= 35 for stop in stops), (timbre, stops)

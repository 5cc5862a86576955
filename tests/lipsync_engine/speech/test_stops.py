"""Stops of an aligned recording: they begin where its level falls, and the other sounds stay."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_engine.records import Phone
from lipsync_engine.speech.stops import closing

RATE = 16000


def recorded(closes_ms: int, opens_ms: int, hum: float = 0.0) -> np.ndarray:
    """A second of a buzzing vowel with a closure in it, in which the voice may hum."""
    times = np.arange(RATE) / RATE
    vowel = sum(np.sin(2 * np.pi * 125 * n * times) / n for n in range(1, 40)) * 0.1
    shut = (times >= closes_ms / 1000) & (times < opens_ms / 1000)
    return np.where(shut, hum * np.sin(2 * np.pi * 125 * times), vowel).astype(np.float32)


def placed(stop: str, start_ms: int, before: str = "a") -> tuple[Phone, ...]:
    return Phone(before, 0, start_ms), Phone(stop, start_ms, 600), Phone("a", 600, 1000)


@pytest.mark.parametrize(("stop", "hum"), [("p", 0.0), ("t", 0.0), ("k", 0.001), ("b", 0.1), ("d", 0.05), ("tʃ", 0.0)])
@pytest.mark.parametrize("away_ms", [-30, -15, 10, 25])
def test_a_stop_begins_where_the_sound_falls(stop: str, hum: float, away_ms: int) -> None:
    before, found, after = closing(placed(stop, 500 + away_ms), recorded(500, 580, hum), RATE)
    assert abs(found.start_ms - 500) <= 10
    assert (before.end_ms, found.end_ms, after.start_ms) == (found.start_ms, 600, 600)


@pytest.mark.parametrize("sound", ["m", "s", "l", "a"])
def test_other_sounds_stay(sound: str) -> None:
    assert closing(placed(sound, 520), recorded(500, 580), RATE) == placed(sound, 520)


def test_a_stop_without_a_closure_near_it_stays() -> None:
    assert closing(placed("p", 520), recorded(300, 400), RATE) == placed("p", 520)


@pytest.mark.parametrize("before", ["", "t"])
def test_after_a_pause_or_another_stop_nothing_falls(before: str) -> None:
    assert closing(placed("p", 520, before), recorded(500, 580), RATE) == placed("p", 520, before)


def test_sounds_too_short_to_give_anything_keep_their_places() -> None:
    short = (Phone("a", 0, 10), Phone("p", 10, 20), Phone("a", 20, 30))
    assert closing(short, recorded(5, 20)[:480], RATE) == short

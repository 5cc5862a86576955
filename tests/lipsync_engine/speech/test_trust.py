"""Phones are believed as far as their sound bears them out, whatever its level, language or voice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from lipsync_engine.records import Phone
from lipsync_engine.speech import espeak
from lipsync_engine.speech.align import align
from lipsync_engine.speech.phones import shift
from lipsync_engine.speech.sounds import RATE_HZ, evidence
from lipsync_engine.speech.trust import rested, share_borne_out, weighed

Sound = NDArray[np.float32]
SPANISH = "Buenos días, mi nombre es Pablo y vivo en una familia muy pequeña, cerca del mar."
ENGLISH = "Every morning I buy a big glass of water, and then I walk along the beach."
TEXTS = {
    "es": SPANISH,
    "en-us": ENGLISH,
    "de": "Guten Morgen, mein Name ist Paul, und ich wohne in einem kleinen Haus am Meer.",
    "ja": "おはようございます、わたしはうみのちかくのちいさないえにすんでいます。",
    "ru": "Доброе утро, меня зовут Павел, и я живу в маленьком доме у моря.",
}


def spoken(language: str, timbre: str = "f3") -> tuple[Sound, tuple[Phone, ...]]:
    said = espeak.synthesize(TEXTS[language], espeak.voice_for(language, timbre))
    return soxr.resample(said.samples, said.sample_rate_hz, RATE_HZ).astype(np.float32), said.phones


def tone(length: int) -> Sound:
    return (0.3 * np.sin(2 * np.pi * 440 * np.arange(length) / RATE_HZ)).astype(np.float32)


def warble(length: int) -> Sound:
    at = np.arange(length) / RATE_HZ
    return (0.3 * np.sin(2 * np.pi * (300 * at + 20 * np.sin(2 * np.pi * 4 * at)))).astype(np.float32)


def hiss(length: int) -> Sound:
    return (0.1 * np.random.default_rng(1).normal(size=length)).astype(np.float32)


def chords(length: int) -> Sound:
    """Four notes at a time, each struck and fading, another chord every third of a second."""
    at = np.arange(length) / RATE_HZ
    beat = np.floor(at * 3).astype(int)
    fade = np.exp(-6 * (at * 3 - beat))
    notes = np.random.default_rng(2).integers(0, 24, (beat.max() + 1, 4))
    return (fade * sum(np.sin(2 * np.pi * 110 * 2 ** (notes[beat, n] / 12) * at) for n in range(4)) / 8).astype(
        np.float32
    )


def under_noise(sound: Sound, decibels: float) -> Sound:
    noise = np.random.default_rng(3).normal(size=len(sound))
    return (sound + noise * np.sqrt((sound**2).mean() / 10 ** (decibels / 10))).astype(np.float32)


@pytest.mark.parametrize("language", TEXTS)
def test_a_voice_is_borne_out_by_the_times_that_it_tells_itself(language: str) -> None:
    sound, phones = spoken(language)
    stretches = weighed(phones, sound)
    assert stretches
    assert all(one.borne_out and not one.why for one in stretches)
    assert rested(phones, stretches) == phones
    assert share_borne_out(stretches) == 1.0


@pytest.mark.parametrize("sound", [tone, warble, hiss, chords])
@pytest.mark.parametrize("language", ["es", "en-us"])
def test_what_is_no_speech_bears_no_text_out(sound: Callable[[int], Sound], language: str) -> None:
    found = align(sound(4 * RATE_HZ), RATE_HZ, TEXTS[language], language)
    stretches = weighed(found.phones, sound(4 * RATE_HZ))
    assert found.confidence == 0.0
    assert all(one.why == "the sound does not bear the text out" for one in stretches)
    assert not any(phone.ipa for phone in rested(found.phones, stretches))


@pytest.mark.parametrize("quiet", [np.zeros(4 * RATE_HZ, np.float32), np.full(4 * RATE_HZ, 2e-5, np.float32)])
def test_where_nothing_is_heard_that_is_the_reason(quiet: Sound) -> None:
    _, phones = spoken("es")
    stretches = weighed(phones, quiet)
    assert {one.why for one in stretches} == {"nothing is heard there"}
    assert share_borne_out(stretches) == 0.0


def test_phones_after_the_end_of_the_sound_are_not_borne_out() -> None:
    sound, phones = spoken("es")
    both = (*phones, *shift(phones, round(len(sound) * 1000 / RATE_HZ) + 1000))
    assert [one.borne_out for one in weighed(both, sound)] == [True, False]


@pytest.mark.parametrize("language", ["es", "en-us", "de"])
def test_another_text_or_language_than_is_spoken_is_found_out(language: str) -> None:
    sound, _ = spoken(language)
    others = [other for other in ("es", "en-us", "de") if other != language]
    assert [align(sound, RATE_HZ, TEXTS[other], other).confidence for other in others] == [0.0, 0.0]


@pytest.mark.parametrize("late_ms", [150, 300, 600])
def test_right_phones_at_wrong_times_are_found_out(late_ms: int) -> None:
    sound, phones = spoken("es")
    assert share_borne_out(weighed(shift(phones, late_ms), sound)) == 0.0


def test_one_line_that_is_not_spoken_rests_and_the_others_do_not() -> None:
    sound, phones = spoken("es")
    length = round(len(sound) * 1000 / RATE_HZ) + 1000
    between = np.zeros(RATE_HZ, np.float32)
    lines = np.concatenate([sound, between, tone(len(sound)), between, sound])
    every = tuple(phone for number in range(3) for phone in shift(phones, number * length) if phone.ipa)
    stretches = weighed(every, lines)
    assert [one.borne_out for one in stretches] == [True, False, True]
    assert all(not length <= phone.start_ms < 2 * length - 1000 for phone in rested(every, stretches))


@pytest.mark.parametrize("gain_db", [-36, -55, -75, 12])
def test_the_level_of_a_voice_changes_nothing(gain_db: float) -> None:
    sound, _ = spoken("es")
    there = align(sound, RATE_HZ, SPANISH, "es")
    moved = align((sound * 10 ** (gain_db / 20)).astype(np.float32), RATE_HZ, SPANISH, "es")
    assert moved.confidence == there.confidence == 1.0
    apart = [abs(a.start_ms - b.start_ms) for a, b in zip(there.phones, moved.phones, strict=True)]
    assert max(apart) <= 10


@pytest.mark.parametrize("decibels", [10, 5, 0])
def test_under_noise_the_phones_are_where_they_are_spoken_or_rest(decibels: float) -> None:
    sound, phones = spoken("es")
    noisy = under_noise(sound, decibels)
    found = align(noisy, RATE_HZ, SPANISH, "es")
    pairs = zip((p for p in found.phones if p.ipa), (p for p in phones if p.ipa), strict=False)
    away = np.mean([abs(a.start_ms - b.start_ms) for a, b in pairs])
    assert found.confidence == 0.0 or away < 60


def test_clipped_speech_is_still_speech() -> None:
    sound, _ = spoken("en-us")
    clipped = np.clip(sound * 20 / np.abs(sound).max(), -1, 1).astype(np.float32)
    assert align(clipped, RATE_HZ, ENGLISH, "en-us").confidence == 1.0


def test_held_vowels_stay_where_they_are_sung() -> None:
    """Every vowel four times as long: the phones follow, and no closure falls into a held vowel."""
    sound, phones = spoken("es")
    parts, true, clock = [], [], 0
    for phone in phones:
        part = sound[phone.start_ms * 16 : phone.end_ms * 16]
        if phone.ipa[:1] in "aeiou" and len(part) > 800:
            core = part[len(part) // 2 - 200 : len(part) // 2 + 200]
            part = np.concatenate([part[: len(part) // 2], np.tile(core, 3 * len(part) // 400), part[len(part) // 2 :]])
        parts.append(part)
        true.append((phone.ipa, clock))
        clock += round(len(part) / 16)
    found = align(np.concatenate(parts).astype(np.float32), RATE_HZ, SPANISH, "es")
    starts = [(p.ipa, p.start_ms) for p in found.phones if p.ipa]
    away = [abs(a[1] - b[1]) for a, b in zip(starts, [one for one in true if one[0]], strict=False) if a[0] == b[0]]
    assert np.mean(away) < 90


def test_a_sound_of_no_length_has_no_evidence() -> None:
    assert evidence(np.zeros(0, np.float32)).shape == (0, 13)
    assert weighed((), np.zeros(0, np.float32)) == ()
    assert share_borne_out(()) is None

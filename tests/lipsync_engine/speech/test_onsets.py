"""Words that begin with a hum after a held vowel: they begin after its quietest moment, and the rest stays."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from lipsync_engine.records import Phone
from lipsync_engine.speech.align import align
from lipsync_engine.speech.onsets import begun
from tests.speech_media import media

RATE = 16000


def recorded(quiet_ms: int, depth: float = 0.1) -> np.ndarray:
    """A second of a buzzing voice that fades towards a moment and comes back in 80 ms."""
    times = np.arange(RATE) / RATE
    voice = sum(np.sin(2 * np.pi * 125 * n * times) / n for n in range(1, 20)) * 0.1
    heard = np.interp(times, [0.1, quiet_ms / 1000, quiet_ms / 1000 + 0.08, 1.0], [1.0, depth, 1.0, 1.0])
    return (voice * heard).astype(np.float32)


def said(sound: str, start_ms: int, before: str = "aʊ") -> tuple[Phone, ...]:
    return Phone(before, 0, start_ms), Phone(sound, start_ms, 580), Phone("ʌ", 580, 1000)


@pytest.mark.parametrize("sound", ["m", "n", "w", "l", "j"])
def test_a_hum_that_takes_the_end_of_a_held_vowel_gives_it_back(sound: str) -> None:
    before, hum, after = begun(said(sound, 250), [0, 250], 1.0, recorded(500), RATE)
    assert abs(hum.start_ms - 500) <= 20
    assert (before.end_ms, hum.end_ms, after.start_ms) == (hum.start_ms, 580, 580)


@pytest.mark.parametrize(
    ("phones", "words", "slower", "depth"),
    [
        (said("m", 250), [0], 1.0, 0.1),  # in the middle of a word
        (said("m", 250, ""), [0, 250], 1.0, 0.1),  # after a pause
        (said("s", 250), [0, 250], 1.0, 0.1),  # no hum
        (said("m", 450), [0, 450], 1.0, 0.1),  # no longer than people hold it
        (said("m", 250), [0, 250], 2.5, 0.1),  # as slow as everything that is said
        (said("m", 250), [0, 250], 1.0, 0.8),  # nothing fades
    ],
)
def test_others_stay(phones: tuple[Phone, ...], words: list[int], slower: float, depth: float) -> None:
    assert begun(phones, words, slower, recorded(500, depth), RATE) == phones


def test_a_reader_who_holds_a_word_closes_her_lips_for_the_next_one_in_time() -> None:
    sound = media("pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0870.wav")
    known = json.loads(sound.with_suffix(".phone.json").read_text())["w"]
    truth_ms = round(next(word["w"][0]["b"] for word in known if word["t"] == "much") * 1000)
    samples, rate = soundfile.read(sound, dtype="float32")
    found = align(samples, rate, sound.with_suffix(".txt").read_text(), "en-us").phones
    hums = [phone.start_ms for phone in found if phone.ipa == "m"]
    assert min(abs(start - truth_ms) for start in hums) <= 40

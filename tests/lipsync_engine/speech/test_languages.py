"""Mouths that a language has to itself, from IPA alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lipsync_engine.plan.trajectory import APERTURE, JAW, WIDTH, plan_mouth
from lipsync_engine.records import Phone
from lipsync_engine.speech import espeak
from lipsync_engine.speech.align import align, unread
from lipsync_engine.speech.articulation import Target, segments, target
from lipsync_engine.speech.phones import spelled_names
from tests.lipsync_engine.speaker import STATS


def goal(ipa: str) -> Target:
    (sound,) = segments(ipa)
    return target(sound)


def path(*sounds: tuple[str, int, int]) -> np.ndarray:
    """The planned mouth at 100 Hz for (phone, milliseconds, stress)."""
    ends = np.cumsum([ms for _, ms, _ in sounds]).tolist()
    phones = [Phone(ipa, end - ms, end, stress) for (ipa, ms, stress), end in zip(sounds, ends, strict=True)]
    return plan_mouth(phones, np.arange(0, ends[-1] / 1000, 0.01), replace(STATS, frames=0), lead_ms=0).series.values


@pytest.mark.parametrize(("rounded", "spread"), [("y", "i"), ("ø", "e"), ("œ", "ɛ"), ("ʏ", "ɪ")])
def test_french_and_german_front_vowels_round(rounded: str, spread: str):
    assert goal(rounded).rounding > 0.5 > goal(spread).rounding
    assert path(("t", 80, 0), (rounded, 160, 2), ("t", 80, 0))[:, WIDTH].min() < (
        path(("t", 80, 0), (spread, 160, 2), ("t", 80, 0))[:, WIDTH].min() - 0.02
    )


@pytest.mark.parametrize("nasal", ["ɑ̃", "ɔ̃", "ɛ̃", "œ̃"])
def test_a_french_nasal_vowel_looks_like_its_oral_one(nasal: str):
    assert goal(nasal) == goal(nasal[0])


@pytest.mark.parametrize("throat", ["ħ", "ʕ", "q", "x", "ɣ", "h", "ʔ"])
def test_arabic_sounds_of_the_throat_leave_the_lips_to_the_vowels(throat: str):
    between = path(("a", 160, 2), (throat, 80, 0), ("a", 160, 0))
    assert between[20, APERTURE] > 0.6 * between[8, APERTURE]
    narrow = path(("u", 160, 2), (throat, 80, 0), ("u", 160, 0))
    assert narrow[20, WIDTH] < STATS.rest[WIDTH] - 0.02


@pytest.mark.parametrize("emphatic", ["tˤ", "dˤ", "sˤ"])
def test_arabic_emphatics_look_like_their_plain_ones(emphatic: str):
    assert goal(emphatic) == goal(emphatic[0])


@pytest.mark.parametrize("retroflex", ["ʈ", "ɖ", "ɳ", "ɭ", "ɽ"])
def test_hindi_retroflexes_are_the_tongue_s_alone(retroflex: str):
    assert goal(retroflex) == goal("t")
    assert goal(retroflex + "ʰ") == goal("t")


@pytest.mark.parametrize("written", ["s.", "ts.", "z.", "ʂ", "ʈʂ"])
def test_mandarin_retroflex_sibilants_protrude_however_they_are_written(written: str):
    sounds = segments(written)
    assert target(sounds[-1]).rounding == pytest.approx(0.6)
    assert len(sounds) == 1


def test_tones_are_not_seen():
    assert segments("a˥") == segments("a˨˩˦") == segments("a")


def test_a_japanese_devoiced_vowel_hardly_opens():
    voiced = path(("a", 120, 2), ("k", 60, 0), ("i", 70, 0), ("t", 60, 0), ("a", 120, 0))
    whispered = path(("a", 120, 2), ("k", 60, 0), ("i̥", 70, 0), ("t", 60, 0), ("a", 120, 0))
    assert whispered[18:25, JAW].mean() <= voiced[18:25, JAW].mean() + 0.01
    assert goal("ɯ̥").jaw < goal("ɯ").jaw
    assert goal("ɯ̥").lip_weight < goal("ɯ").lip_weight


def test_japanese_f_comes_near_but_does_not_close():
    assert goal("ɸ").contact == ""
    narrow = path(("a", 150, 2), ("ɸ", 90, 0), ("ɯ", 120, 0))[15:24, APERTURE].min()
    assert STATS.closed[APERTURE] < narrow < 0.3 * STATS.open[APERTURE]


def test_rounding_looks_ahead_through_consonants_of_the_tongue():
    ahead = path(("i", 150, 2), ("s", 60, 0), ("t", 60, 0), ("u", 160, 2))
    spread = path(("i", 150, 2), ("s", 60, 0), ("t", 60, 0), ("i", 160, 2))
    assert ahead[24, WIDTH] < spread[24, WIDTH] - 0.01


def test_a_diphthong_moves_from_its_first_vowel_to_its_second():
    moving = path(("t", 60, 0), ("aɪ", 240, 2), ("t", 60, 0))
    assert moving[14, APERTURE] > moving[26, APERTURE] + 0.015
    assert moving[26, WIDTH] > moving[14, WIDTH] + 0.005


@pytest.mark.parametrize("text", ["東京で新しい車を買う。", "日本"])
def test_kanji_spelled_by_name_are_noticed(text: str):
    phones = espeak.synthesize(text, "ja").phones
    assert spelled_names(phones) >= unread(text, "ja") > 0
    assert spelled_names(espeak.synthesize("とうきょうでくるまをかう。", "ja").phones) == 0


def test_only_japanese_has_signs_that_cannot_be_read():
    assert unread("我爱北京", "zh-CN") == 0
    assert spelled_names(espeak.synthesize("我爱北京", "cmn").phones) == 0
    spoken = espeak.synthesize("とうきょう", "ja")
    aligned = align(spoken.samples, spoken.sample_rate_hz, "東京", "ja-JP")
    assert aligned.approximate_text
    assert spelled_names(aligned.phones) == 0

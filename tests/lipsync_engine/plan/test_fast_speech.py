"""Fast and simplified speech: what must survive at 25 frames a second."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lipsync_engine.plan.agreement import phone_agreement
from lipsync_engine.plan.trajectory import APERTURE, plan_mouth
from lipsync_engine.records import MouthPlan, Phone
from lipsync_engine.speech import espeak
from lipsync_engine.speech.articulation import segments
from lipsync_engine.speech.gestures import gestures_of, tempo_s
from tests.lipsync_engine.speaker import STATS

SPEAKER = replace(STATS, mean=np.array([0.05, 0.36, 0.52, 0.165], np.float32))
TEXTS = {
    "es": "Mamá baja la papa blanca y Pablo bebe un vaso de agua, pero nadie sabe lo que pasó en la familia.",
    "de": "Mein Name ist Paul und ich habe am Abend immer viel Arbeit mit meiner Familie.",
}


def hurried(language: str, words_a_minute: int) -> tuple[Phone, ...]:
    return espeak.synthesize(TEXTS[language], language, rate_wpm=words_a_minute).phones


def at_25(phones: tuple[Phone, ...], **options: object) -> MouthPlan:
    return plan_mouth(phones, np.arange(phones[-1].end_ms // 40) / 25, SPEAKER, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("rate", [300, 360, 400])
def test_at_300_words_a_minute_lips_still_close_and_vowels_still_open(language: str, rate: int):
    phones = hurried(language, rate)
    assert np.mean([p.end_ms - p.start_ms for p in phones if p.ipa]) < 47
    plan = at_25(phones)
    share, classes = phone_agreement(plan.series, phones, SPEAKER)
    right, judged = classes["closed"]
    assert right == judged >= 8
    opened, vowels = classes["open"]
    least = 0.7 if rate == 300 else 0.6  # a vowel of one frame between two closures undershoots, as it does in speech
    assert opened / vowels >= least, "of the vowels alone: the closure before a stop is the stop's"
    assert share is not None
    assert share >= 0.82
    spread = plan.series.values[plan.speech, APERTURE].std()
    assert spread == pytest.approx(SPEAKER.std[APERTURE], rel=0.03), "no blur: as wide as at any other tempo"


def test_fast_speech_would_blur_in_a_mouth_as_stiff_as_in_slow_speech(monkeypatch):
    def agreement() -> float:
        shares = [
            phone_agreement(at_25(p).series, p, SPEAKER)[0] for t in TEXTS for r in (330, 400) if (p := hurried(t, r))
        ]
        return float(np.mean([s for s in shares if s is not None]))

    agile = agreement()
    monkeypatch.setattr("lipsync_engine.plan.trajectory.agility", np.ones_like)
    assert agile > agreement() + 0.005


def test_hurried_sounds_of_the_tongue_alone_are_dropped_and_contacts_are_not():
    fast = tuple(Phone(s, i * 30, i * 30 + 30) for i, s in enumerate("taptakamna"))
    kept = [g.ipa for g in gestures_of(fast)]
    assert kept == [s for s in "taptakamna" if s in "apm"]
    slow = tuple(Phone(s, i * 80, i * 80 + 80) for i, s in enumerate("taptakamna"))
    assert len(gestures_of(slow)) == 10


def test_tempo_is_the_length_of_the_sounds_around():
    phones = (Phone("a", 0, 100), Phone("t", 100, 160), Phone("", 160, 2000))
    assert tempo_s(np.array([0.08]), phones)[0] == pytest.approx(0.08)
    assert np.isinf(tempo_s(np.array([1.5]), phones)[0])


def test_syllable_mode_opens_once_a_syllable_and_keeps_the_contacts():
    phones = espeak.synthesize("Mañana por la mañana Pablo baila en la playa.", "es").phones
    gestures = gestures_of(phones, "syllable")
    nuclei = [p for p in phones if any(s.place == "vowel" for s in segments(p.ipa))]
    assert sum(g.nucleus > 0 for g in gestures) == len(nuclei)
    assert all(g.nucleus or g.goal.contact for g in gestures)
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(gestures))
    plan, full = at_25(phones, mode="syllable"), at_25(phones)
    assert np.array_equal(plan.closure, full.closure)
    turns = lambda p: int((np.diff(np.sign(np.diff(p.series.values[:, 1]))) != 0).sum())  # noqa: E731
    assert turns(plan) <= turns(full)


def test_a_diphthong_is_one_opening_in_syllable_mode():
    gestures = gestures_of((Phone("aɪ", 0, 300, 2),), "syllable")
    assert [(g.start_s, g.end_s) for g in gestures] == [(0.0, 0.3)]
    assert gestures[0].goal.aperture > 0.8


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="phoneme, syllable"):
        plan_mouth((), np.zeros(0), STATS, mode="word")  # type: ignore[arg-type]

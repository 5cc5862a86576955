"""Where a speaker's mouth rests."""

from __future__ import annotations

import numpy as np

from lipsync_engine.faces.mouth import speaker_stats
from lipsync_engine.records import MouthSeries, Phone, SpeakerStats
from lipsync_engine.speech.title_speech import OwnSpeech

TIMES = np.arange(250) / 25


def stats(aperture: np.ndarray, resting: np.ndarray | None) -> SpeakerStats:
    """The statistics of a mouth whose lips stand so far apart; pressed lips are thinner than lips at rest."""
    thick = np.where(aperture < 0.002, 0.10, 0.13)
    values = np.stack([aperture, np.full(250, 0.37), 0.5 + 0.4 * aperture, aperture + thick], axis=1)
    return speaker_stats(MouthSeries(TIMES, values.astype(np.float32), np.ones(250, bool)), resting=resting)


def talk(gap_s: float) -> tuple[np.ndarray, OwnSpeech]:
    """Words of a second with gaps between them, closures in each; in the gaps the teeth are bared."""
    phones, at = [], 0.0
    while at < 10:
        phones.append(Phone("a", round(1000 * at), round(1000 * (at + 1))))
        at += 1 + gap_s
    own = OwnSpeech(lambda: np.zeros(0, np.float32), tuple(phones))
    speaking = own.speaking(TIMES)
    aperture = np.where(speaking, 0.05 + 0.04 * np.sin(2 * np.pi * 3 * TIMES), 0.055)
    closing = speaking & (np.arange(250) % 17 < 3)
    aperture[closing] = np.where(np.arange(250) % 17 == 1, 0.001, 0.005)[closing]
    return aperture, own


def test_bared_teeth_in_short_gaps_are_no_rest() -> None:
    aperture, own = talk(0.4)
    assert own.resting(TIMES).sum() >= 10
    assert not own.settled(TIMES).any()
    rest = stats(aperture, own.settled(TIMES)).rest
    assert rest[0] < 0.012
    assert rest[3] - rest[0] > 0.12, "lips at rest, not pressed for a sound"


def test_a_smile_that_outlasts_long_silences_is_the_rest() -> None:
    aperture, own = talk(1.2)
    assert own.settled(TIMES).sum() >= 10
    assert abs(stats(aperture, own.settled(TIMES)).rest[0] - 0.055) < 0.005


def test_who_is_often_shut_in_silence_rests_shut() -> None:
    aperture, own = talk(1.2)
    silent = np.flatnonzero(own.settled(TIMES))
    aperture[silent[: 2 * len(silent) // 5]] = 0.004
    assert stats(aperture, own.settled(TIMES)).rest[0] < 0.012


def test_one_who_is_never_seen_shut_rests_as_closed_as_ever() -> None:
    aperture = 0.06 + 0.03 * np.sin(2 * np.pi * 1.3 * TIMES)
    assert 0.025 < stats(aperture, None).rest[0] < 0.05

"""Figures of what a viewer sees: each is broken once and moves."""

from dataclasses import replace

import numpy as np
import pytest

from lipsync_engine.faces.interior import UNSEEN, gathered
from lipsync_engine.measure.closed_teeth import closed_teeth, teeth_shut, wide_when_rounded
from lipsync_engine.measure.living import against_neighbours, texture
from lipsync_engine.measure.pace import acceleration, one_frame_openings, speed
from lipsync_engine.plan.edit import Score
from lipsync_engine.records import MouthSeries, Phone
from tests.lipsync_engine.face import long_track
from tests.lipsync_engine.speaker import STATS

TIMES = np.arange(25) / 25
ALL = np.ones(25, bool)
OPEN, SHUT = (0.4, 0.5, 0.05, 0.2), (0.95, 0.02, 0.002, 0.6)


def test_closed_teeth_count_on_open_and_rounded_vowels_alone():
    phones = [Phone("a", 0, 200), Phone("s", 200, 400), Phone("u", 400, 600), Phone("i", 600, 1000)]
    rows = [OPEN] * 25
    assert closed_teeth(gathered(rows), TIMES, phones, ALL) == 0
    rows[5:10] = [SHUT] * 5  # on /s/
    rows[15:] = [SHUT] * 10  # on /i/
    assert closed_teeth(gathered(rows), TIMES, phones, ALL) == 0
    rows[10:15] = [SHUT] * 5  # on /u/
    assert closed_teeth(gathered(rows), TIMES, phones, ALL) == pytest.approx(0.5, abs=0.05)
    assert closed_teeth(gathered(rows), TIMES, [Phone("s", 0, 1000)], ALL) is None


def test_a_dark_slit_is_not_closed_teeth():
    assert not teeth_shut(gathered([(0.05, 0.9, 0.004, 0.2), UNSEEN])).any()


def test_wide_lips_on_rounded_vowels_are_counted():
    track = long_track(25)
    phones = [Phone("o", 0, 500), Phone("a", 500, 1000)]
    usual = np.array([0.02, 0.5, 0.4, 0.1], np.float32)
    assert wide_when_rounded(track, phones, ALL, replace(STATS, mean=usual), TIMES) == 0
    assert wide_when_rounded(track, phones, ALL, replace(STATS, mean=0.5 * usual), TIMES) == 1
    assert wide_when_rounded(track, phones[1:], ALL, STATS, TIMES) is None


def score(pick, second=0.0):
    count = len(pick)
    start = np.zeros(count, bool)
    start[:1] = True
    share = np.stack([np.full(count, 1 - second), np.full(count, second)], axis=1).astype(np.float32)
    pick = np.array(pick)
    frames = np.arange(count)
    shown = np.stack([pick, pick], axis=1)
    strength = np.ones(count, np.float32)
    target = np.zeros((count, 4), np.float32)
    return Score(frames, frames, target, strength, pick, shown, share, start, {}, portrait=False)


def test_the_longest_hold_is_that_of_speech():
    rest = np.zeros(12, bool)
    assert texture(score(range(12)), rest).longest_hold == 1
    assert texture(score([1, 2, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8]), rest).longest_hold == 5
    rest[3:7] = True
    assert texture(score([1, 2, 3, 3, 3, 3, 3, 4, 5, 6, 7, 8]), rest).longest_hold == 1
    assert texture(score([-1] * 12), rest) is None


def test_blended_frames_are_those_that_show_two_mouths():
    rest = np.zeros(12, bool)
    assert texture(score(range(12)), rest).blended_share == 0
    assert texture(score(range(12), second=0.4), rest).blended_share == 1


def test_a_blurred_mouth_is_less_sharp_than_its_neighbours():
    frames = np.arange(20)
    source = np.full(20, 8.0, np.float32)
    drawn = source.copy()
    drawn[7] = 4.0
    found = against_neighbours(drawn, frames, source, frames)
    assert found[7] == pytest.approx(0.5)
    assert np.delete(found, 7) == pytest.approx(1.0)


def mouth(aperture):
    values = np.zeros((len(aperture), 4), np.float32)
    values[:, 0] = aperture
    return MouthSeries(np.arange(len(aperture)) / 25, values, np.ones(len(aperture), bool))


def test_an_opening_of_one_frame_is_seen():
    calm = 0.03 + 0.03 * np.sin(np.arange(40) / 3)
    shown = np.ones(40, bool)
    assert one_frame_openings(mouth(calm), shown) == 0
    snapping = np.full(40, 0.004)
    snapping[[10, 20]] = 0.03
    assert one_frame_openings(mouth(snapping), shown) == 2
    shown[20] = False
    assert one_frame_openings(mouth(snapping), shown) == 1


def test_chatter_is_faster_and_jerkier():
    calm, shown = mouth(0.03 + 0.03 * np.sin(np.arange(60) / 4)), np.ones(60, bool)
    chatter = mouth(0.03 + 0.03 * np.sin(np.arange(60) * 2.5))
    assert speed(chatter, shown) > 3 * speed(calm, shown)
    assert acceleration(chatter, shown) > 5 * acceleration(calm, shown)
    assert speed(calm, np.zeros(60, bool)) is None

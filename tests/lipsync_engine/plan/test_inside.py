"""What a sound asks of the teeth decides what is shown."""

from dataclasses import replace

import numpy as np
import pytest

from lipsync_engine.plan.by_sight import opening_seen
from lipsync_engine.plan.holds import kept_moving
from lipsync_engine.plan.kinds import HISS, MID, NONE, OPEN, ROUND, SPREAD, TONGUE, gap_asked, kind_of, kinds_at
from lipsync_engine.plan.library import Library
from lipsync_engine.plan.parting import rows_parted
from lipsync_engine.plan.select import Wanted, choose
from lipsync_engine.plan.trajectory import plan_mouth, with_brief_vowels, without_snaps
from lipsync_engine.records import Phone
from lipsync_engine.speech.articulation import segments, target
from lipsync_engine.speech.gestures import gestures_of
from tests.lipsync_engine.speaker import STATS

COUNT = 40
CLENCHED, PARTED = 10, 30  # observations of equal lips, before and after the middle


def library() -> Library:
    """Two appearances of one open mouth: with its teeth shut (on /s/), and with parted ones (on /a/)."""
    late = np.arange(COUNT) >= COUNT // 2
    zero = np.zeros((COUNT, 3), np.float32)
    return Library(
        row=np.arange(COUNT),
        frame=np.arange(COUNT) + 500 * late,
        span=late.astype(np.int64),
        vectors=np.tile(np.array([0.08, 0.36, 0.5, 0.16], np.float32), (COUNT, 1)),
        velocity=np.zeros((COUNT, 4), np.float32),
        stir=np.zeros(COUNT, np.float32),
        pose=zero,
        scale=np.full(COUNT, 200, np.float32),
        light=zero + 128,
        looks=np.full(COUNT, 0.08, np.float32),
        blur=np.zeros(COUNT, np.float32),
        texture=np.zeros((COUNT, 2), np.float32),
        teeth=np.zeros(COUNT, np.float32),
        rows=np.where(late, 0.5, 0.95).astype(np.float32),
        dark=np.where(late, 0.4, 0.03).astype(np.float32),
        gap=np.where(late, 0.04, 0.0).astype(np.float32),
        crisp=np.full(COUNT, 10, np.float32),
        sound=np.where(late, OPEN, HISS).astype(np.int8),
        spread=np.full(4, 0.02, np.float32),
    )


def wanted(kind: int, frames: int = 8, crisp: float = 10.0) -> Wanted:
    vectors = np.tile(np.array([0.08, 0.36, 0.5, 0.16], np.float32), (frames, 1))
    zero = np.zeros((frames, 3), np.float32)
    sound = np.full(frames, kind, np.int8)
    return Wanted(
        vectors,
        zero,
        np.full(frames, 200, np.float32),
        zero + 128,
        zero[:, 0],
        np.zeros(frames, bool),
        np.arange(frames) == 0,
        sound,
        gap_asked(sound, vectors[:, 0]),
        np.full(frames, crisp, np.float32),
    )


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("kind", "parted"), [(OPEN, True), (ROUND, True), (MID, True), (HISS, False)])
def test_lips_alike_are_told_apart_by_what_is_between_them(kind, parted, known):
    seen = library()
    if not known:
        seen = replace(seen, sound=np.full(COUNT, NONE, np.int8))
    assert ((choose(wanted(kind), seen) >= COUNT // 2) == parted).all()


def test_a_blurred_mouth_is_not_shown_on_a_still_head():
    seen = library()
    seen = replace(seen, rows=seen.rows * 0 + 0.5, gap=seen.gap * 0 + 0.04, sound=seen.sound * 0)
    blurred = np.where(np.arange(COUNT) < COUNT // 2, 10, 5).astype(np.float32)
    assert (choose(wanted(OPEN), replace(seen, crisp=blurred)) < COUNT // 2).all()
    assert (choose(wanted(OPEN, crisp=5.0), replace(seen, crisp=blurred)) >= COUNT // 2).all()  # nor the other way


def test_an_opening_in_which_nothing_can_be_told_is_not_shown():
    seen = library()
    seen = replace(seen, rows=seen.rows * 0 + 0.1, gap=seen.gap * 0 + 0.04, sound=seen.sound * 0)
    dark = np.where(np.arange(COUNT) < COUNT // 2, 0.6, 0.05).astype(np.float32)
    assert (choose(wanted(OPEN), replace(seen, dark=dark)) < COUNT // 2).all()


@pytest.mark.parametrize(
    ("ipa", "kind"),
    [("s", HISS), ("ʃ", HISS), ("t͡s", HISS), ("a", OPEN), ("ɔ", ROUND), ("u", ROUND), ("y", ROUND), ("w", ROUND),
     ("e", MID), ("ə", MID), ("i", SPREAD), ("n", TONGUE), ("k", TONGUE)],
)  # fmt: skip
def test_sounds_are_of_the_kind_that_they_look_like(ipa, kind):
    assert kind_of(target(segments(ipa)[0])) == kind


def test_the_plan_knows_the_sound_of_every_frame():
    phones = [Phone("s", 200, 400), Phone("a", 400, 600), Phone("m", 600, 700)]
    times = np.arange(25) / 25
    assert kinds_at(gestures_of(phones), times)[[2, 7, 12]].tolist() == [NONE, HISS, OPEN]
    plan = plan_mouth(phones, times, STATS, lead_ms=0)
    assert plan.sound is not None
    assert plan.sound[[7, 12]].tolist() == [HISS, OPEN]


def test_teeth_part_by_what_the_observation_lacks():
    start = np.arange(6) == 0
    asked, teeth = np.full(6, 0.04, np.float32), np.full(6, 0.9, np.float32)
    none = np.zeros(6, np.float32)
    assert rows_parted(asked, none, teeth, none, start) == pytest.approx(0.04, abs=1e-6)
    assert rows_parted(asked, none + 0.02, teeth, none, start) == pytest.approx(0.02, abs=1e-6)
    assert not rows_parted(asked + 0.04, none + 0.036, teeth, none, start).any()  # they stand apart plainly
    assert rows_parted(asked, none + 0.013, teeth, none + 0.02, start) == pytest.approx(0.007, abs=1e-6)
    shut = rows_parted(asked, none, teeth, none + 0.025, start)  # lips further apart do not part shut teeth
    assert shut == pytest.approx(0.04, abs=1e-6)
    assert not rows_parted(asked, none, none, none, start).any()  # no teeth, nothing to part
    assert not rows_parted(none, none, teeth, none, start).any()  # nothing asked
    assert not rows_parted(asked, none * np.nan, none * np.nan, none, start).any()  # nothing known


@pytest.mark.parametrize("kind", [OPEN, ROUND])
def test_teeth_of_a_small_vowel_part_so_far_that_it_is_seen(kind):
    small, wide = gap_asked(np.full(2, kind, np.int8), np.array([0.028, 0.1], np.float32))
    assert 0.018 < small < 0.028
    assert wide > 0.04
    assert gap_asked(np.full(1, MID, np.int8), np.array([0.028], np.float32))[0] < 0.012


def test_a_held_frame_walks_among_its_neighbours():
    pick = np.array([3, 4, 9, 9, 9, 9, 9, 9, 9, 9, 12])
    calm = np.zeros(11, bool)
    out = kept_moving(pick, np.arange(20), np.zeros(20, np.int32), calm)
    runs = np.diff(np.flatnonzero(np.concatenate([[True], np.diff(out) != 0, [True]])))
    assert runs.max() <= 3
    assert np.abs(out - pick).max() <= 1
    alone = kept_moving(pick, np.array([3, 4, 9, 12]), np.zeros(20, np.int32), calm)
    assert (alone == pick).all()  # there are no neighbours
    assert (kept_moving(pick, np.arange(20), np.zeros(20, np.int32), ~calm) == pick).all()  # in silence it may rest


def test_a_vowel_of_one_frame_between_closures_does_not_snap_open():
    values = np.tile(np.array([0.0, 0.36, 0.47, 0.11]), (9, 1))
    values[4] += (0.06, 0.0, 0.04, 0.06)
    out = without_snaps(values, np.arange(9) / 25)
    assert 0.01 < out[4, 0] < 0.0214
    assert out[4, 3] < values[4, 3] - 0.03
    slow = without_snaps(values, np.arange(9) / 8)
    assert (slow == values).all()
    values[3:6] = values[4]
    assert (without_snaps(values, np.arange(9) / 25) == values).all()  # three frames are a movement


def test_an_open_vowel_of_one_frame_between_closures_is_seen():
    values = np.tile(np.array([0.002, 0.36, 0.47, 0.11]), (7, 1))
    values[3, 0] = 0.006
    opens, closure = np.arange(7) == 3, np.isin(np.arange(7), [2, 4])
    out = with_brief_vowels(values, opens, closure, np.arange(7) / 25)
    assert 0.02 < out[3, 0] < 0.0235  # a viewer's 3 mm, and no snap
    assert out[3, 3] > values[3, 3]
    assert (without_snaps(out, np.arange(7) / 25) == out).all()
    assert (out[closure] == values[closure]).all()
    assert (with_brief_vowels(values, ~opens, closure, np.arange(7) / 25) == values).all()  # no open vowel


def test_quick_speech_undershoots_at_the_speakers_pace_and_stays_open_enough():
    phones, at = [], 200
    for ipa in ["p", "a", "t", "i", "k", "a", "b", "o", "s", "a", "m", "u", "n", "a", "l", "e"] * 3:
        phones.append(Phone(ipa, at, at + 75))
        at += 75
    times = np.arange(round(at / 40) + 8) / 25

    def seen(stats):
        plan = plan_mouth(phones, times, stats)
        aperture = plan.series.values[plan.speech, 0]
        return np.percentile(np.abs(np.diff(aperture)) * 25, 95), aperture.std()

    free, spread = seen(STATS)
    calm, narrower = seen(replace(STATS, pace=0.6 * free))
    assert calm < 0.95 * free
    assert narrower > 0.85 * spread
    assert seen(replace(STATS, pace=2 * free)) == pytest.approx((free, spread))


def test_a_mouth_that_looks_open_is_not_shown_where_lips_touch_however_shut_it_was_measured():
    looks = np.where(np.arange(COUNT) < COUNT // 2, 0.05, 0.002).astype(np.float32)
    shut = replace(library(), vectors=np.tile(np.array([0.002, 0.36, 0.45, 0.1], np.float32), (COUNT, 1)), looks=looks)
    asked = wanted(NONE)
    closed = replace(asked, vectors=shut.vectors[: len(asked.vectors)], closure=np.ones(len(asked.vectors), bool))
    assert (choose(closed, shut) >= COUNT // 2).all()


def test_pictures_tell_of_lips_that_a_tracker_took_for_shut():
    aperture = (0.06 + 0.05 * np.sin(np.arange(120) / 4)).astype(np.float32)
    texture = np.stack([aperture, aperture**2], 1) / 0.05
    measured = aperture.copy()
    measured[50:54] = 0.002
    looks = opening_seen(texture, measured)
    assert (looks[50:54] > 0.02).all()
    others = np.r_[0:45, 60:120]
    assert np.abs(looks - measured)[others].max() < 0.01

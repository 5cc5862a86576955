"""A mouth that is left to the source for a moment in the middle of a word is worse than one that is drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lipsync_engine.draw.occlusion import Occlusion
from lipsync_engine.faces.face_occluders import CERTAIN, SUSPECT, bare
from lipsync_engine.faces.mouth import prior_stats, series
from lipsync_engine.plan.edit import Score, compose_score
from lipsync_engine.plan.person import person
from lipsync_engine.plan.trajectory import plan_mouth
from lipsync_engine.records import Phone
from tests.lipsync_engine.face import long_track

ROWS = 60
SPOKEN = tuple(Phone("ata"[n % 3], 80 * n, 80 * n + 80) for n in range(30))


def covered(first: int, last: int, rows: int = ROWS) -> np.ndarray:
    """What `covering` gives for a thing that is before the mouth in these frames: its neighbours are suspect, too."""
    out = np.zeros(rows, np.float32)
    out[first - 1 : last + 1] = (SUSPECT + CERTAIN) / 2
    out[first:last] = CERTAIN + 1
    return out


def scored(strength: np.ndarray) -> Score:
    track = long_track(ROWS)
    who = replace(person(track, 0), bare=strength.astype(np.float32))
    plan = plan_mouth(SPOKEN, track.times_s, prior_stats(series(track, 0)))
    return compose_score(who, plan, np.ones(ROWS, bool))


def test_one_falsely_covered_frame_covers_none() -> None:
    assert (bare(long_track(ROWS), covered(30, 31)) == 1).all()


def test_a_thing_that_stays_before_the_mouth_covers_it_and_the_frames_beside() -> None:
    open_to = bare(long_track(ROWS), covered(30, 42))
    assert (open_to[29:43] == 0).all()
    assert (open_to[:24] == 1).all()
    assert (open_to[48:] == 1).all()


@pytest.mark.parametrize("found", [[30], [30, 31], [10, 30, 50]])
def test_a_find_in_one_or_two_frames_of_a_drawing_leaves_none_to_the_source(found: list[int]) -> None:
    fades = Occlusion().fades([frame in found for frame in range(ROWS)])
    assert not fades.any()


def test_a_mouth_hidden_for_a_while_stays_hidden_no_longer_than_it_was() -> None:
    for seen in (3, 6, 20):
        fades = Occlusion().fades([20 <= frame < 20 + seen for frame in range(ROWS)]).tolist()
        left = [frame for frame, fade in enumerate(fades) if fade >= 1]
        assert left == list(range(20, 20 + seen + min(8, seen) - 1))
        assert 0 < fades[left[0] - 1] < 1
        assert 0 < fades[left[-1] + 1] < 1


def test_a_hidden_mouth_is_one_across_batches() -> None:
    whole, parts = Occlusion(), Occlusion()
    hidden = [10 <= frame < 30 for frame in range(ROWS)]
    at_once = whole.fades(hidden)
    in_parts = np.concatenate([parts.fades(hidden[first : first + 15]) for first in range(0, ROWS, 15)])
    assert np.flatnonzero(at_once >= 1).tolist() == np.flatnonzero(in_parts >= 1).tolist()


@pytest.mark.parametrize("dip", [1, 3, 6])
def test_a_short_bypass_within_speech_is_bridged(dip: int) -> None:
    strength = np.ones(ROWS)
    strength[25 : 25 + dip] = 0
    score = scored(strength)
    assert set(range(ROWS)) - set(score.frame.tolist()) == set()
    assert not score.declined
    assert score.strength.min() == 1


def test_a_long_bypass_stays_with_its_reason_and_itsfades() -> None:
    strength = np.ones(ROWS)
    strength[20:35] = 0
    strength[[19, 35]] = 0.5
    score = scored(strength)
    assert score.declined == dict.fromkeys(range(20, 35), "occluded")
    assert score.strength[[19, 20]].tolist() == [0.5, 0.5]

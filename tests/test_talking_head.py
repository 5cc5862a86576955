"""The head that the tests make speaks as they take for granted: its lips stand apart as its sound has it."""

from __future__ import annotations

import numpy as np

from lipsync_engine.faces.track import MeshSource
from tasks.media.probe import probe
from tests.stand_ins import HEADS, stand_in
from tests.talking_head import opening, speaking, spoken

GRID = "lipnet-grid/evaluation/samples/GRID/bbaf2n.mpg"


def test_the_tracker_sees_its_lips_as_far_apart_as_they_are() -> None:
    apart = opening(spoken([(0.1, "my name is Tom")], 1.4).phones, 35, 25)[::4]
    source, seen = MeshSource(1), []
    for frame in speaking(apart, 25, (360, 288)):
        face = source.find(frame)[0]
        seen.append(np.linalg.norm(face[13, :2] - face[14, :2]))  # the middle of the lips' inner edges
    assert np.corrcoef(seen, apart)[0, 1] > 0.97


def test_a_film_of_it_is_as_long_and_large_as_the_recording() -> None:
    facts = probe(stand_in(GRID))
    assert facts.picture is not None
    assert (facts.picture.width, facts.picture.height, facts.picture.frame_rate) == (360, 288, 25)
    assert (facts.picture.frames, facts.picture.start_ms, len(facts.audio)) == (75, 0, 1)
    assert stand_in(GRID) == stand_in(GRID), "made once"


def test_the_same_head_every_time() -> None:
    apart = opening(spoken([(0.1, "ba")], 0.4).phones, 5, 25)
    one, two = (np.stack(list(speaking(apart, 25, (360, 288)))) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert GRID in HEADS

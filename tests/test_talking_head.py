"""The heads that the tests make speak as they take for granted: their lips stand apart as their sound has it."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_engine.faces.track import MeshSource
from tasks.media.probe import probe
from tests.stand_ins import FILMS, GRID, stand_in
from tests.talking_head import COLLINS, Person, opening, speaking, spoken

TOM = GRID.format("bbaf2n")


@pytest.mark.parametrize("who", [COLLINS, Person("Hopper"), Person(mirrored=True)], ids=str)
def test_the_tracker_sees_the_lips_as_far_apart_as_they_are(who: Person) -> None:
    apart = opening(spoken([(0.1, "my name is Tom")], 1.4).phones, 35, 25)[::4]
    source, seen = MeshSource(1), []
    for frame in speaking(apart, 25, (360, 288), who):
        face = source.find(frame)[0]
        seen.append(np.linalg.norm(face[13, :2] - face[14, :2]))  # the middle of the lips' inner edges
    assert np.corrcoef(seen, apart)[0, 1] > 0.97


def test_a_film_of_one_is_as_long_and_large_as_the_recording() -> None:
    facts = probe(stand_in(TOM))
    assert facts.picture is not None
    assert (facts.picture.width, facts.picture.height, facts.picture.frame_rate) == (360, 288, 25)
    assert (facts.picture.frames, facts.picture.start_ms, len(facts.audio)) == (75, 0, 1)
    assert stand_in(TOM) == stand_in(TOM), "made once"


def test_the_same_head_every_time() -> None:
    apart = opening(spoken([(0.1, "ba")], 0.4).phones, 5, 25)
    one, two = (np.stack(list(speaking(apart, 25, (360, 288)))) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_a_sentence_ends_when_it_is_asked_to() -> None:
    for film in FILMS.values():
        for begin, text, *end in film.said.sentences:
            phones = spoken([(begin, text, *end)], film.said.seconds, film.said.voice).phones
            assert not end or phones[-1].end_ms / 1000 == pytest.approx(end[0], abs=0.15), text

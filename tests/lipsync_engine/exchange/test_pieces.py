"""How shots are cut to what a system takes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lipsync_engine.exchange.clips import fitted
from lipsync_engine.exchange.shots import Bounds, Shot, pieces_of


@given(
    frames=st.integers(12, 4000),
    rate=st.sampled_from([12.0, 24000 / 1001, 25.0, 30.0, 59.94]),
    longest=st.one_of(st.none(), st.floats(2.0, 60.0)),
    shortest=st.one_of(st.none(), st.floats(0.5, 2.0)),
    first=st.integers(0, 500),
)
def test_pieces_cover_a_shot_within_the_limits(
    frames: int, rate: float, longest: float | None, shortest: float | None, first: int
) -> None:
    times = np.arange(first + frames + 10) / rate
    shot = Shot(0, first, first + frames, times[first], times[first + frames], 0.0, 200.0, {}, True)
    pieces = pieces_of(3, shot, times, Bounds(longest_s=longest, shortest_s=shortest))
    assert (pieces[0].first, pieces[-1].stop) == (shot.first, shot.stop)
    for piece in pieces:
        assert piece.end_s - piece.start_s <= (longest or np.inf) + 1e-6
        assert piece.length_s >= max(shortest or 0.0, piece.end_s - piece.start_s)
    for one, after in pairwise(pieces):
        assert one.first < after.first < one.stop < after.stop
        assert one.stop - after.first >= min(1.0, (longest or 3.0) / 3) * rate - 2


@given(
    width=st.integers(16, 4000),
    height=st.integers(16, 4000),
    least=st.one_of(st.none(), st.integers(64, 720)),
    most=st.one_of(st.none(), st.integers(800, 2048)),
)
def test_a_size_fits_and_keeps_its_shape(width: int, height: int, least: int | None, most: int | None) -> None:
    size = fitted(width, height, Bounds(shortest_side=least, longest_side=most))
    assert all(side % 2 == 0 for side in size)
    assert max(size) <= (most or 10**6) + 1
    if min(width, height) >= 64 and max(size) > 200:
        assert size[0] / size[1] == np.float64(width / height) or abs(size[0] - size[1] * width / height) < 3 * max(
            1, width / height
        )

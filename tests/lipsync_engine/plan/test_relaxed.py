"""A smile that is all the title shows of somebody: its lips are let go before they speak."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_engine.faces.geometry import CORNER_LEFT, CORNER_RIGHT, INNER_BOTTOM, INNER_TOP
from lipsync_engine.faces.interior import gathered
from lipsync_engine.faces.mouth import prior_stats, vectors
from lipsync_engine.plan.relaxed import Smile, relaxed, smile_of
from lipsync_engine.plan.shape import face_shape, reshape
from lipsync_engine.records import MouthSeries
from tests.lipsync_engine.plan.test_shape import face

OPENING = 0.07
ONE = np.ones(1, np.float32)


def spoken(aperture: float, smile: Smile) -> np.ndarray:
    """A smile with so many face widths of teeth, speaking with an opening."""
    still = face(OPENING)[None]
    shape = face_shape(still[0], 1.0)
    own = vectors(still, 1.0)[0]
    target = own + np.array([aperture - own[0], 0, 0, aperture - own[0]], np.float32)
    return reshape(relaxed(still, target[None, 0], smile, shape, ONE), target[None], shape)[0]


def grin(teeth: float, gap: float) -> Smile:
    rows = [(teeth, 0.0, gap, 0.8)] * 5
    return smile_of(gathered(rows), np.full(5, OPENING, np.float32))


def test_a_shut_smile_meets_over_the_upper_teeth_not_in_the_middle_of_them():
    edge = face(OPENING)[INNER_BOTTOM, 1]  # of the teeth, which reach down to the lower lip
    met = spoken(0.003, grin(0.95, 0.0))[[INNER_TOP, INNER_BOTTOM], 1].mean()
    assert edge - 0.02 < met < edge - 0.006
    assert spoken(0.003, Smile())[[INNER_TOP, INNER_BOTTOM], 1].mean() < edge - 0.03


@pytest.mark.parametrize("aperture", [0.045, 0.08, 0.12])
def test_what_opens_it_is_the_lower_lip_so_that_the_teeth_end_in_the_opening(aperture):
    edge = face(OPENING)[INNER_BOTTOM, 1]
    top, bottom = spoken(aperture, grin(0.95, 0.0))[[INNER_TOP, INNER_BOTTOM], 1]
    assert bottom - top == pytest.approx(aperture, abs=1e-3)
    assert top < edge - 0.01, "upper teeth are seen"
    assert bottom - edge > 0.4 * aperture, "and a gap below them"


def test_its_corners_come_down_and_together():
    smile, still = grin(0.95, 0.0), face(OPENING)
    corners = spoken(0.003, smile)[[CORNER_LEFT, CORNER_RIGHT], 1]
    assert (corners > still[[CORNER_LEFT, CORNER_RIGHT], 1] + 0.005).all()
    assert smile.narrower < 0.95
    assert Smile().narrower == 1.0


@pytest.mark.parametrize(
    ("teeth", "gap"), [(0.0, OPENING), (0.2, 0.05), (float("nan"), float("nan"))], ids=["dark", "few teeth", "unseen"]
)
def test_a_mouth_without_a_row_of_teeth_is_no_smile(teeth, gap):
    assert grin(teeth, gap).raised == 0.0


def test_a_laugh_is_let_go_by_as_much_of_the_upper_teeth_as_it_shows():
    assert 0 < grin(0.7, 0.025).raised < grin(0.95, 0.0).raised


def test_teeth_that_are_shut_keep_the_jaw_where_it_is():
    mouth = MouthSeries(np.arange(3.0), np.tile(np.float32([OPENING, 0.45, 0.5, 0.16]), (3, 1)), np.ones(3, np.bool_))
    smiling = prior_stats(mouth, parted=0.0, narrower=0.9)
    assert smiling.closed[2] == pytest.approx(0.5)
    assert prior_stats(mouth).closed[2] < 0.47
    assert smiling.rest[1] == pytest.approx(0.9 * 0.45)

"""The mesh around the mouth: no cell is turned over, whatever is planned and however it was tracked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipsync_engine.faces.geometry import LOWER_INNER, UPPER_INNER
from lipsync_engine.faces.mesh import LIPS
from lipsync_engine.faces.mouth import vectors
from lipsync_engine.plan.forms import Forms, foot_of
from lipsync_engine.plan.shape import face_shape, reshape
from lipsync_engine.plan.unfold import areas, mouth_cells, unfolded
from tests.lipsync_engine.whole_face import whole_face

USUAL = whole_face()
SHAPE = face_shape(USUAL, 1.0)
mouths = st.tuples(st.floats(0, 0.15), st.floats(0.3, 0.48), st.floats(0.37, 0.5), st.floats(0.05, 0.3)).map(np.array)


@st.composite
def forms(draw) -> Forms:
    """What a speaker's face does with its mouth: what everybody's does, and anything besides."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rough = draw(st.floats(0, 0.0007))
    mean = vectors(USUAL[None], 1.0)[0].astype(np.float64)
    spread = np.array([0.03, 0.02, 0.02, 0.03])
    weights = np.zeros((5, 478, 3))
    weights[0] = USUAL - foot_of(USUAL[None])[0]
    for channel in range(4):
        wider = mean.copy()
        wider[channel] += spread[channel]
        weights[1 + channel] = reshape(USUAL[None], wider[None], SHAPE)[0] - USUAL
        weights[1 + channel, list(LIPS), :2] += random.normal(0, rough, (len(LIPS), 2))
    return Forms(mean, spread, weights)


def drawn(form: Forms, mouth: np.ndarray) -> np.ndarray:
    made = form.of(mouth[None], foot_of(USUAL[None]))
    return unfolded(reshape(made, mouth[None], SHAPE), USUAL)


def test_the_face_of_these_tests_lies_flat():
    assert areas(USUAL[None]).min() > 1e-5
    assert len(mouth_cells()) > 180


@given(form=forms(), mouth=mouths)
def test_no_cell_is_turned_over_whatever_is_planned(form, mouth):
    face = drawn(form, mouth)
    assert areas(face).min() > 0
    assert (face[:, LOWER_INNER, 1] - face[:, UPPER_INNER, 1]).min() > -1e-9


def test_without_that_thin_lips_and_wide_jaws_turn_cells_over():
    thin = np.array([[0.1, 0.34, 0.5, 0.12]])
    assert areas(reshape(USUAL[None], thin, SHAPE)).min() < 0


def test_a_lip_that_was_tracked_across_the_skin_below_is_put_above_it():
    tracked = USUAL.copy()
    tracked[18, 1] = tracked[17, 1] - 0.01
    flat = unfolded(tracked[None], USUAL)[0]
    assert areas(tracked[None]).min() < 0 < areas(flat[None]).min()
    assert flat[18, 1] > flat[17, 1]
    still = [*UPPER_INNER[1:-1], *LOWER_INNER[1:-1], 61, 291, 152, 2]
    assert flat[still] == pytest.approx(tracked[still])


def test_a_face_that_lies_flat_is_left_alone():
    assert np.array_equal(unfolded(USUAL[None], USUAL)[0], USUAL)

"""Pose fitting and mouth geometry on a synthetic face."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lipsync_engine.faces.geometry import ANCHOR_SHAPE, ANCHORS, JAW, LOWER_INNER, UPPER_INNER, fit_poses, to_canonical
from lipsync_engine.faces.mesh import LOWER_LIP, UPPER_LIP, mesh_triangles
from lipsync_engine.faces.mouth import vectors
from lipsync_engine.plan.shape import face_shape, reshape


def face(aperture: float = 0.03) -> np.ndarray:
    """A flat synthetic face in canonical units: true anchors, drawn lips and jaw, the rest on a disc."""
    rng = np.random.default_rng(0)
    out = np.zeros((478, 3))
    out[:, :2] = rng.uniform(-0.4, 0.4, (478, 2))
    out[list(ANCHORS)] = ANCHOR_SHAPE
    angle = np.linspace(0, np.pi, len(JAW))
    out[list(JAW), 0], out[list(JAW), 1] = -0.5 * np.cos(angle), 0.6 * np.sin(angle)
    out[[2, 97, 326, 98, 327]] = [(0, 0.1, 0), (-0.03, 0.1, 0), (0.03, 0.1, 0), (-0.06, 0.09, 0), (0.06, 0.09, 0)]
    columns = np.linspace(-1, 1, 11)
    for rings, side in ((UPPER_LIP, -1), (LOWER_LIP, 1)):
        for order, ring in enumerate(rings):
            outward = 1 - order / 3
            out[list(ring), 0] = (0.18 + 0.02 * outward) * columns
            out[list(ring), 1] = 0.28 + side * (aperture / 2 + 0.04 * outward) * (1 - columns**2)
    return out


def test_mesh_is_a_closed_surface_around_eyes_and_mouth():
    triangles = mesh_triangles()
    assert 840 <= len(triangles) <= 900
    assert {v for t in triangles for v in t} == set(range(468))


def test_pose_of_a_turned_face_is_found():
    turn = Rotation.from_euler("YXZ", [20, -8, 5], degrees=True).as_matrix()
    image = 300 * face() @ turn.T + np.array([500, 400, 0])
    poses = fit_poses(image[None].astype(np.float32))
    assert poses.rotation[0] == pytest.approx(turn, abs=1e-4)
    assert poses.scale[0] == pytest.approx(300, rel=1e-4)
    assert poses.residual[0] < 1e-4
    assert poses.angles()[0] == pytest.approx([20, -8, 5], abs=0.05)
    assert to_canonical(image[None], poses)[0] == pytest.approx(face(), abs=1e-4)


@given(a=st.floats(0, 0.15), w=st.floats(0.32, 0.46), j=st.floats(0.46, 0.6), thickness=st.floats(0.066, 0.1))
@settings(max_examples=settings.default.max_examples // 2)
def test_reshaped_face_has_the_planned_mouth(a, w, j, thickness):
    shape = face_shape(face(), 1.0)
    target = np.array([[a, w, j, a + thickness]])
    got = vectors(reshape(face()[None], target, shape), 1.0)[0]
    assert got == pytest.approx(target[0], abs=2e-3)


def test_closed_lips_touch_along_their_whole_length():
    shape = face_shape(face(), 1.0)
    closed = reshape(face(0.1)[None], np.array([[0.0, 0.4, 0.5, 0.08]]), shape)[0]
    gap = closed[list(LOWER_INNER), 1] - closed[list(UPPER_INNER), 1]
    assert np.abs(gap).max() < 1e-6


def test_the_upper_face_does_not_move():
    shape = face_shape(face(), 1.0)
    moved = reshape(face()[None], np.array([[0.12, 0.36, 0.58, 0.2]]), shape)[0]
    above = face()[:, 1] < 0.1
    lips = {p for rings in UPPER_LIP + LOWER_LIP for p in rings}
    still = [i for i in np.flatnonzero(above) if i not in lips and i not in JAW]
    assert moved[still] == pytest.approx(face()[still])

"""The form that a speaker's lower face takes with each mouth, learnt from synthetic observations."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import ANCHOR_SHAPE, ANCHORS, UPPER_OUTER, fit_poses
from lipsync_engine.faces.mouth import vectors
from lipsync_engine.plan.forms import foot_of, forms_of
from lipsync_engine.plan.library import build
from tests.lipsync_engine.face import frontal_face


def speaking(openings: np.ndarray) -> np.ndarray:
    """Canonical faces [n, 478, 3] whose lower lip goes down, and whose upper lip goes up a third as far."""
    faces = np.zeros((len(openings), 478, 3))
    faces[:, :, :2] = frontal_face((0, 0), 1.0)
    faces[:, ANCHORS] = ANCHOR_SHAPE
    faces[:, [14, 17, 152], 1] += openings[:, None]
    faces[:, UPPER_OUTER[1:-1], 1] -= openings[:, None] / 3
    return faces


def seen(canonical: np.ndarray) -> FaceTrack:
    """The faces as they are tracked in pictures, the head turned and moved a little in each."""
    count = len(canonical)
    rng = np.random.default_rng(1)
    turns = Rotation.from_euler("YX", rng.uniform(-8, 8, (count, 2)), degrees=True).as_matrix()
    pixels = 300 * np.einsum("nij,npj->npi", turns, canonical) + rng.uniform(300, 320, (count, 1, 3))
    return FaceTrack(
        frame=np.arange(count, dtype=np.int32),
        identity=np.zeros(count, np.int32),
        span=np.zeros(count, np.int32),
        landmarks=pixels.astype(np.float32),
        confidence=np.ones(count, np.float32),
        light=np.full((count, 3), 120, np.float32),
        sharpness=np.ones(count, np.float32),
        thumb=np.full((count, 16, 24), 90, np.uint8),
        times_s=np.arange(count) / 25,
        shots=np.zeros(count, np.int32),
        speech=np.zeros((0, 3), np.int64),
        size=np.array([640, 640], np.int32),
    )


def learnt(canonical: np.ndarray):
    track = seen(canonical)
    poses = fit_poses(track.landmarks)
    return forms_of(track, poses, build(track))


OPENINGS = np.linspace(0.0, 0.1, 60)


def test_lips_lie_where_this_speaker_has_them_with_such_a_mouth():
    asked = speaking(np.array([0.033, 0.081]))
    formed = learnt(speaking(OPENINGS)).of(vectors(asked, 1.0), foot_of(asked))
    assert formed[:, [0, 13, 14, 17, 152], :2] == pytest.approx(asked[:, [0, 13, 14, 17, 152], :2], abs=2e-3)


def test_a_crooked_moment_is_not_carried_to_another():
    crooked = speaking(OPENINGS)
    crooked[30:33, UPPER_OUTER[3], 1] += 0.03
    formed = learnt(crooked).of(vectors(crooked[31:32], 1.0), foot_of(crooked[31:32]))
    straight = speaking(OPENINGS)[31]
    assert abs(formed[0, UPPER_OUTER[3], 1] - straight[UPPER_OUTER[3], 1]) < 0.003


def test_the_mouth_goes_with_the_nose():
    forms, mouth = learnt(speaking(OPENINGS)), vectors(speaking(np.array([0.05])), 1.0)
    low = forms.of(mouth, np.array([[0.0, 0.1, 0.0]]))
    assert forms.of(mouth, np.array([[0.02, 0.13, 0.0]])) - low == pytest.approx(
        np.broadcast_to([0.02, 0.03, 0.0], low.shape)
    )

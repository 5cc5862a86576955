"""What of a face's pose is computed by itself is what the whole pose says."""

from __future__ import annotations

import numpy as np
import pytest

from lipsync_engine.faces.geometry import ANCHOR_SHAPE, ANCHORS, POINTS, fit_poses, frame_of, misfit


def _mesh(seed: int, noise: float) -> np.ndarray:
    """A head turned, somewhere, of some size."""
    random = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    turn[:, 0] *= np.sign(np.linalg.det(turn))
    mesh = random.normal(size=(POINTS, 3))
    mesh[list(ANCHORS)] = (ANCHOR_SHAPE + random.normal(size=ANCHOR_SHAPE.shape) * noise) @ turn.T
    return (mesh * random.uniform(40, 400) + random.uniform(0, 500, 3)).astype(np.float32)


@pytest.mark.parametrize("noise", [0.0, 0.05, 2.0])
def test_the_misfit_of_a_mesh_is_that_of_its_pose(noise: float) -> None:
    for seed in range(5):
        mesh = _mesh(seed, noise)
        assert misfit(mesh) == pytest.approx(fit_poses(mesh[None]).residual[0], rel=1e-5, abs=1e-6)


def test_a_mirrored_face_does_not_fit() -> None:
    mesh = _mesh(0, 0.0)
    mesh[:, 0] *= -1
    assert misfit(mesh) == pytest.approx(fit_poses(mesh[None]).residual[0], rel=1e-6)
    assert misfit(mesh) > 0.1


def test_the_frame_of_a_face_is_how_its_points_lie() -> None:
    meshes = np.zeros((2, POINTS, 3), np.float32)
    places = [np.array([[200.0, -80.0, 320.0], [80.0, 200.0, 240.0]]), np.array([[30.0, 0.0, 5.0], [0.0, 30.0, 9.0]])]
    for mesh, place in zip(meshes, places, strict=True):
        mesh[list(ANCHORS), :2] = ANCHOR_SHAPE[:, :2] @ place[:, :2].T + place[:, 2]
    assert np.allclose(frame_of(meshes), places, atol=1e-4)

"""A frontal face mesh at a given place, still or speaking, for tests of masks, windows and long titles."""

from __future__ import annotations

import numpy as np

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import ANCHOR_SHAPE, ANCHORS, JAW, LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER


def frontal_face(centre: tuple[float, float], width: float) -> np.ndarray:
    """Landmarks float64 [478, 2]; the parts that speech moves lie as on a face, the rest at its middle."""
    flat = np.zeros((478, 2))
    turn = np.linspace(np.pi, 0, len(JAW))
    flat[list(JAW)] = np.stack([0.5 * np.cos(turn), 0.62 * np.sin(turn) - 0.1], axis=1)
    across = np.linspace(-1, 1, 11)
    for ring, high, half in ((UPPER_OUTER, -0.07, 0.2), (UPPER_INNER, -0.02, 0.17)):
        flat[list(ring)] = np.stack([half * across, 0.25 + high * (1 - across**2)], axis=1)
    for ring, low, half in ((LOWER_INNER, 0.02, 0.17), (LOWER_OUTER, 0.08, 0.2)):
        flat[list(ring)] = np.stack([half * across, 0.25 + low * (1 - across**2)], axis=1)
    flat[[2, 98, 327, 97, 326]] = ((0, 0.08), (-0.06, 0.07), (0.06, 0.07), (-0.03, 0.08), (0.03, 0.08))
    flat[4] = (0, -0.02)
    return flat * width + np.array(centre)


def long_track(rows: int) -> FaceTrack:
    """A synthetic face that opens and shuts its mouth in front of the camera."""
    still = np.zeros((478, 3))
    still[:, :2] = frontal_face((320, 240), 200)
    still[list(ANCHORS)] = ANCHOR_SHAPE * 200 + (320, 240, 0)
    meshes = np.repeat(still[None].astype(np.float32), rows, axis=0)
    meshes[:, [14, 17, 152], 1] += 8 * (1 + np.sin(np.arange(rows) / 3))[:, None]
    return FaceTrack(
        times_s=np.arange(rows) / 25,
        shots=np.zeros(rows, np.int32),
        size=np.array([640, 480], np.int32),
        speech=np.zeros((0, 3), np.int64),
        frame=np.arange(rows, dtype=np.int32),
        identity=np.zeros(rows, np.int32),
        span=np.zeros(rows, np.int32),
        landmarks=meshes,
        confidence=np.ones(rows, np.float32),
        sharpness=np.ones(rows, np.float32),
        light=np.full((rows, 3), 128, np.float32),
        thumb=np.zeros((rows, 16, 24), np.uint8),
    )

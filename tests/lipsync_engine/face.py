"""A frontal face mesh at a given place, for tests of masks and windows."""

from __future__ import annotations

import numpy as np

from lipsync_engine.faces.geometry import JAW, LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER


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

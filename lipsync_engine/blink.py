"""Blinks of a still: the upper lids come down over the eyes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.mesh import mesh_triangles

#: Rings of each eye from the outer to the inner corner: upper lid edge, lower lid edge, and the crease above.
_UPPER = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (263, 466, 388, 387, 386, 385, 384, 398, 362))
_LOWER = ((33, 7, 163, 144, 145, 153, 154, 155, 133), (263, 249, 390, 373, 374, 380, 381, 382, 362))
_CREASE = ((130, 247, 30, 29, 27, 28, 56, 190, 243), (359, 467, 260, 259, 257, 258, 286, 414, 463))
#: Seconds between blinks, to shut and to open: people blink each 3 to 5 s and shut faster than they open.
_GAPS_S = (2.4, 3.7, 2.9, 4.3, 3.3)
_SHUT_S, _OPEN_S = 0.09, 0.17


def blinks(frames: int, rate: float) -> NDArray[np.float64]:
    """How far the lids are closed at each frame, 0 to 1, float64 [frames]; the same for every still."""
    out = np.zeros(frames)
    time, turn = 1.3, 0
    clock = np.arange(frames) / rate
    while time < frames / rate:
        shutting = np.clip(1 - (time - clock) / _SHUT_S, 0, 1) * (clock <= time)
        opening = np.clip(1 - (clock - time) / _OPEN_S, 0, 1) * (clock > time)
        out = np.maximum(out, shutting + opening)
        time, turn = time + _GAPS_S[turn % len(_GAPS_S)], turn + 1
    return out


def blink_landmarks(face: NDArray[np.float64], closing: float) -> NDArray[np.float64]:
    """A face, float64 [478, 2] in pixels, with the upper lids lowered by the share ``closing``."""
    out = face.copy()
    for upper, lower, crease in zip(_UPPER, _LOWER, _CREASE, strict=True):
        drop = (face[list(lower)] - face[list(upper)]) * closing * 0.95
        out[list(upper)] += drop
        out[list(crease)] += 0.4 * drop
    return out


@lru_cache(maxsize=1)
def eye_triangles() -> NDArray[np.int32]:
    """Eye openings first, then the skin around, int32 [M, 3]."""
    holes = []
    for upper, lower in zip(_UPPER, _LOWER, strict=True):
        for i in range(len(upper) - 1):
            holes += [(upper[i], upper[i + 1], lower[i]), (upper[i + 1], lower[i + 1], lower[i])]
    moving = {p for ring in _UPPER + _CREASE for p in ring}
    edge = {p for ring in _UPPER + _LOWER for p in ring}
    skin = [t for t in mesh_triangles() if set(t) & moving and not set(t) <= edge]
    return np.array([t for t in holes if len(set(t)) == 3] + skin, np.int32)

"""What the pixels say of the openings that the tracker measured.

A tracker's figures are not believed alone: on a mouth that rests they are noise, which follows the head's turns. Where
they are right, a mouth's picture tells its opening, too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.records import FloatArray

#: Observations in a row that are predicted from the others, parts in turn, and the least from which that can be tried.
_RUN, _PARTS, _FEWEST = 12, 5, 60
#: Standard deviations by which a picture may tell more of an opening than was measured.
_OFF = 1.5
#: Strength of the ridge, as a share of the observations.
_RIDGE = 0.02

Array = NDArray[np.float64]


def opening_by_sight(texture: FloatArray, aperture: FloatArray) -> Array | None:
    """The opening of each observation as its picture tells it, predicted from the others; float64 [M].

    Args:
        texture: float32 [M, C], components of the mouths' pictures.
        aperture: float32 [M], as measured, face widths.

    Returns:
        ``None`` for fewer than 60 observations, which foretell nothing.
    """
    total = len(aperture)
    if total < _FEWEST:
        return None
    part = np.arange(total) // _RUN % _PARTS
    seen = np.zeros(total)
    for number in range(_PARTS):
        known = part != number
        middle, mean = texture[known].mean(axis=0, dtype=np.float64), float(aperture[known].mean())
        off = texture[known] - middle
        square = off.T @ off + _RIDGE * total / texture.shape[1] * np.eye(texture.shape[1])
        slope = np.linalg.solve(square, off.T @ (aperture[known] - mean))
        seen[~known] = (texture[~known] - middle) @ slope + mean
    return seen


def borne_out(seen: Array, aperture: FloatArray) -> float:
    """Share of the measured opening's variance that the pictures tell, up to 1; 0 or less for noise.

    Thirteen speakers in clips of 3 to 20 s gave .69 to .96, a mouth that rests for 3 s -2.7, for 9 s .34.

    Args:
        seen: float64 [T], aperture as the pictures tell it, face widths.
        aperture: float [T], the measured one.
    """
    return 1 - float(((aperture - seen) ** 2).mean()) / max(float(aperture.var()), 1e-9)


def opening_seen(texture: FloatArray, aperture: FloatArray) -> FloatArray:
    """How far the lips stand apart at least, as measured or, where its picture tells much more, as that does.

    Args:
        texture: float32 [M, C], components of the mouths' pictures.
        aperture: float32 [M], as measured, face widths.

    Returns:
        float32 [M], never less than ``aperture``.
    """
    seen = opening_by_sight(texture, aperture)
    if seen is None:
        return aperture
    slack = _OFF * float((seen - aperture).std())
    return np.asarray(np.maximum(aperture, seen - slack), np.float32)

"""The form that one speaker's lower face takes with each mouth.

A mouth vector is four distances; where the lips' outlines then run, how high the mouth sits under the nose and how the
cheeks follow is the speaker's own. It is learnt from the title by a linear map (as in the eigenpoints of Bregler et al.
1997): what a moment had besides, a crooked lip or the tracker's noise, is not carried to another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import NOSE_FOOT, POINTS, Poses, to_canonical
from lipsync_engine.plan.library import Library

#: Observations that speak against any change with the mouth (ridge regression).
_PRIOR = 1.0
#: Observations whose meshes are held at a time.
_CHUNK = 256

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Forms:
    """Linear map from mouth vectors to landmarks.

    Attributes:
        mean: float64 [4], mean mouth vector of the observations.
        spread: float64 [4], unit of each channel.
        weights: float64 [5, 478, 3], landmarks against the foot of the nose, canonical: at the mean, and for a change
            of each channel by one unit.
    """

    mean: Array
    spread: Array
    weights: Array

    def of(self, mouth: NDArray[np.floating[Any]], foot: Array) -> Array:
        """Faces with these mouths, float64 [n, 478, 3] canonical.

        Args:
            mouth: [n, 4] mouth vectors.
            foot: float64 [n, 3], middle of the nose's foot (`foot_of`).
        """
        shift = np.tensordot(_terms(mouth, self.mean, self.spread), self.weights, axes=1)
        return np.asarray(shift + foot[:, None])


def foot_of(canonical: Array) -> Array:
    """Middle of the foot of the nose, float64 [n, 3], of canonical faces [n, 478, 3]."""
    return np.asarray(canonical[:, list(NOSE_FOOT)].mean(axis=1))


def forms_of(track: FaceTrack, poses: Poses, library: Library) -> Forms:
    """The forms seen in the observations of one person.

    Args:
        track: rows of this person.
        poses: their poses.
        library: the observations.
    """
    mean = library.vectors.mean(axis=0, dtype=np.float64) if len(library.row) else np.zeros(4)
    spread = library.spread.astype(np.float64)
    square, product = np.diag([1e-6, *[_PRIOR] * 4]), np.zeros((5, POINTS * 3))
    for first in range(0, len(library.row), _CHUNK):
        rows = library.row[first : first + _CHUNK]
        terms = _terms(library.vectors[first : first + _CHUNK], mean, spread)
        seen = to_canonical(track.landmarks[rows], poses.rows(rows))
        seen -= foot_of(seen)[:, None]
        square += terms.T @ terms
        product += terms.T @ seen.reshape(len(rows), -1)
    solved = np.asarray(np.linalg.solve(square, product), np.float64)
    return Forms(mean, spread, solved.reshape(5, POINTS, 3))


def _terms(mouth: NDArray[np.floating[Any]], mean: Array, spread: Array) -> Array:
    return np.concatenate([np.ones((len(mouth), 1)), (mouth - mean) / spread], axis=1)

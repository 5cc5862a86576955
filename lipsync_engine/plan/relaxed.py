"""A smile for the camera, let go: the lips of a still as they lie when they speak.

A smile bares teeth by raising the upper lip and drawing the corners aside; the jaw stays shut. Lips that close from
there meet where they do in everybody, a little above the edge of the upper teeth, and what opens them again is the jaw:
the lower lip goes down, the upper one stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.geometry import LOWER_OUTER, UPPER_OUTER
from lipsync_engine.faces.interior import Inside
from lipsync_engine.faces.mesh import LIPS
from lipsync_engine.plan.shape import UPPER_SHARE, FaceShape
from lipsync_engine.records import FloatArray

Array = NDArray[np.float64]
#: Share of teeth from which an opening shows them; the most of upper teeth that is seen (a crown of 10.5 mm), and how
#: much of them lips that close leave uncovered behind the lower one (face widths).
_TOOTHY, _CROWN, _COVERED = 0.3, 0.075, 0.013
#: Share of an opening by which the upper lip rises in speech.
_RISES = 0.12
#: Share of the way down that the corners go too, and how much of the mouth's width a smile has added, for a full one.
_CORNERS, _DRAWN_ASIDE = 0.45, 0.14


@dataclass(frozen=True, slots=True)
class Smile:
    """What a still's lips have of a smile.

    Attributes:
        raised: how far they stand above where they would in speech, face widths; 0 without a smile.
        parted: how far the rows of teeth stand apart (or upper teeth and lower lip), face widths.
    """

    raised: float = 0.0
    parted: float = 0.0

    @property
    def narrower(self) -> float:
        """Share of the mouth's width that is left when the smile is let go."""
        return 1 - _DRAWN_ASIDE * min(1.0, self.raised / (0.5 * _CROWN))


def smile_of(inside: Inside, aperture: FloatArray) -> Smile:
    """The smile of a mouth that the title shows in one pose.

    Args:
        inside: of its N pictures.
        aperture: float32 [N], opening of the lips, face widths.
    """
    opening = float(np.median(aperture)) if len(aperture) else 0.0
    seen = inside.seen & (inside.teeth >= _TOOTHY)
    if not seen.any():
        return Smile(parted=opening)
    gap = float(np.median(inside.gap[seen]))
    shown = float(np.clip(np.median(aperture[seen]) - gap, 0, _CROWN))
    return Smile(max(0.0, shown - _COVERED - UPPER_SHARE * opening), gap)


def relaxed(
    canonical: Array, opening: NDArray[np.floating[Any]], smile: Smile, shape: FaceShape, strength: FloatArray
) -> Array:
    """Faces whose lips lie as they do in speech, before they take their form; float64 [n, 478, 3].

    Args:
        canonical: float64 [n, 478, 3], pose-normalised.
        opening: [n], opening of the lips that they will be given, face widths.
        smile: of this person.
        shape: weights of this person.
        strength: float32 [n], of the edit.
    """
    down = strength * (smile.raised + (UPPER_SHARE - _RISES) * opening) * shape.width
    lips = list(LIPS)
    flat = shape.mean[lips, 0]
    half = max(float(np.ptp(flat)) / 2, 1e-6)
    side = np.clip(np.abs(flat - flat.mean()) / half, 0, 1)
    share = 1 - (1 - _CORNERS) * side**2
    out = canonical.copy()
    out[:, lips, 1] += down[:, None] * share
    ring = [lips.index(point) for point in (*UPPER_OUTER, *LOWER_OUTER)]
    skin = np.setdiff1d(np.arange(len(shape.mean)), lips)
    out[:, skin, 1] += down[:, None] * (shape.carry[skin] @ share[ring])
    return out

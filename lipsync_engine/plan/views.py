"""What the pixels of one person's mouths tell, looked at once a title."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from lipsync_engine import VERSION
from lipsync_engine.faces.closeups import Closeups, closeups
from lipsync_engine.faces.face_occluders import covering
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.interior import Inside
from lipsync_engine.media.shelf import Arrays, Kept
from lipsync_engine.records import FloatArray

_LOOKS = ("teeth", "dark", "gap", "deepest")
_NAMES = (*_LOOKS, "crisp", "before")


@dataclass(frozen=True, slots=True)
class Views:
    """Of N mouths.

    Attributes:
        close: what is between and on the lips.
        before: float32 [N], how much their surroundings differ from what is usual there (`covering`).
    """

    close: Closeups
    before: FloatArray


def views_of(track: FaceTrack, mouth: FloatArray, angles: FloatArray, kept: Kept) -> Views:
    """Look at every mouth of one person.

    Args:
        track: rows of the person, N.
        mouth: float32 [N, 4], mouth vectors.
        angles: float32 [N, 3], pose in degrees.
        kept: where that is found, and kept.
    """

    def looked() -> Arrays:
        close, before = closeups(track), covering(track, mouth, angles)
        return {name: getattr(close.inside, name) for name in _LOOKS} | {"crisp": close.crisp, "before": before}

    who = f"views {VERSION} {int(track.identity[0])} {len(track.frame)}"
    found = kept.made(hashlib.sha256(who.encode()).hexdigest(), _NAMES, looked)
    return Views(Closeups(Inside(*(found[name] for name in _LOOKS)), found["crisp"]), found["before"])

"""Whether a drawn mouth lives: how long one picture of it stands, how often two lie on each other, how sharp it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.closeups import crispness
from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.media import video
from lipsync_engine.media.segments import NotDivisibleError, read_runs, survey
from lipsync_engine.plan.edit import Score
from lipsync_engine.records import BoolArray, FloatArray

#: Share of a second picture below which nobody sees it.
_SEEN = 0.1
#: Frames on either side of a moment with which a mouth's sharpness is compared.
_NEIGHBOURS = 4
#: Least sharpness (root mean square, 8-bit levels) that can be compared.
_FLOOR = 0.5


@dataclass(frozen=True, slots=True)
class Texture:
    """Where the pixels of an edit come from.

    Attributes:
        longest_hold: most frames in a row, outside silence, that show the same frame of the source.
        blended_share: share of the frames outside silence that show two frames of the source at once.
    """

    longest_hold: int
    blended_share: float


def texture(score: Score, rest: BoolArray) -> Texture | None:
    """How still the texture of an edit stands; ``None`` where none is shown outside silence.

    Args:
        score: the edit.
        rest: bool [T], frames of the title in silence.
    """
    spoken = ~rest[score.frame] & (score.pick >= 0)
    if not spoken.any():
        return None
    longest = run = 0
    for at in range(len(score.pick)):
        same = at > 0 and spoken[at - 1] and not score.start[at] and score.pick[at] == score.pick[at - 1]
        run = (run + 1 if same else 1) if spoken[at] else 0
        longest = max(longest, run)
    return Texture(longest, float((score.share[spoken, 1] >= _SEEN).mean()))


def lip_sharpness(picture: Path, track: FaceTrack) -> FloatArray:
    """Fine detail of the lips and of the skin next to them, without what is between them, float32 [N].

    Args:
        picture: the picture that was tracked.
        track: rows of one person, N.
    """
    facts = video.probe(picture)
    row = {int(frame): at for at, frame in enumerate(track.frame)}
    out = np.full(len(row), np.nan, np.float32)
    for frame in _frames(picture, facts, np.asarray(track.frame)):
        at = row.get(frame.index)
        if at is None:
            continue
        out[at] = crispness(Picture(frame.planes, facts.colour), track.landmarks[at])
    return out


def _frames(picture: Path, facts: video.VideoFacts, wanted: NDArray[np.integer]) -> Iterator[video.Frame]:
    """These frames of a picture, and no others are decoded where it can be divided; else all of it."""
    if not len(wanted):
        return iter(())
    try:
        layout = survey(picture, facts)
    except NotDivisibleError:
        return video.read(picture, facts)
    apart = np.flatnonzero(np.diff(wanted) > 1) + 1
    runs = [(int(part[0]), int(part[-1]) + 1) for part in np.split(wanted, apart)]
    return read_runs(picture, facts, layout, runs)


def against_neighbours(
    drawn: FloatArray, drawn_frames: NDArray[np.integer], source: FloatArray, source_frames: NDArray[np.integer]
) -> FloatArray:
    """Sharpness of drawn mouths over that of the source about the same moments, float32 [n]; NaN where unknown.

    Args:
        drawn: float32 [n], of the frames ``drawn_frames``.
        drawn_frames: int [n].
        source: float32 [N], of the frames ``source_frames``, which increase.
        source_frames: int [N].
    """
    out = np.full(len(drawn), np.nan, np.float32)
    for at, frame in enumerate(drawn_frames):
        near = slice(*np.searchsorted(source_frames, [frame - _NEIGHBOURS, frame + _NEIGHBOURS + 1]))
        beside = source[near]
        if np.isfinite(beside).any():
            out[at] = drawn[at] / max(float(np.nanmedian(beside)), _FLOOR)
    return out

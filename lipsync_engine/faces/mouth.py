"""Mouth vectors measured from landmarks, and what one speaker's mouth does in a title."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import (
    CHIN,
    CORNER_LEFT,
    CORNER_RIGHT,
    FACE_LEFT,
    FACE_RIGHT,
    INNER_BOTTOM,
    INNER_TOP,
    NOSE_BASE,
    OUTER_BOTTOM,
    OUTER_TOP,
    Poses,
    fit_poses,
    to_canonical,
)
from lipsync_engine.media.filearray import FileArray
from lipsync_engine.records import BoolArray, FloatArray, MouthSeries, SpeakerStats

_ENDS = ((INNER_TOP, INNER_BOTTOM), (CORNER_LEFT, CORNER_RIGHT), (NOSE_BASE, CHIN), (OUTER_TOP, OUTER_BOTTOM))


def vectors(canonical: NDArray[np.floating[Any]], width: float) -> FloatArray:
    """Mouth vectors, float32 [N, 4] in ``CHANNELS`` order, from pose-normalised landmarks [N, 478, 3]."""
    distances = [np.linalg.norm(canonical[:, a, :2] - canonical[:, b, :2], axis=1) for a, b in _ENDS]
    return np.asarray(np.stack(distances, axis=1) / width, np.float32)


def measured(landmarks: FloatArray | FileArray, poses: Poses) -> tuple[FloatArray, float]:
    """Mouth vectors float32 [N, 4] of one person's faces [N, 478, 3] in pixels, and the canonical face width.

    Only the points that are measured are computed.
    """
    pairs = [(FACE_LEFT, FACE_RIGHT), *_ENDS]
    ends = to_canonical(landmarks[:, [point for pair in pairs for point in pair]], poses)
    lengths = np.linalg.norm(ends[:, 0::2, :2] - ends[:, 1::2, :2], axis=2)
    width = float(np.median(lengths[:, 0]))
    return (lengths[:, 1:] / width).astype(np.float32), width


def series(track: FaceTrack, identity: int) -> MouthSeries:
    """The mouth of one person at every frame of the title (NaN where not seen)."""
    seen = track.of(identity)
    values = np.full((len(track.times_s), 4), np.nan, np.float32)
    if len(seen.frame):
        values[seen.frame] = measured(seen.landmarks, fit_poses(seen.landmarks))[0]
    return MouthSeries(track.times_s, values, np.asarray(np.isfinite(values).all(axis=1)))


def speaker_stats(
    mouth: MouthSeries, speaking: BoolArray | None = None, resting: BoolArray | None = None
) -> SpeakerStats:
    """What the mouth does: rest, closure, range, and mean and spread while it speaks.

    Args:
        mouth: as ``series`` gives it.
        speaking: bool [T], frames in which this person speaks; where unknown, all frames stand for them.
        resting: bool [T], frames so far inside this person's silences that the mouth has come to rest; where unknown
            or hardly any, the stillest shut frames are rest.

    Raises:
        ValueError: no valid frame.
    """
    values = mouth.values[mouth.valid]
    if not len(values):
        raise ValueError("the face is never seen well enough to learn its mouth")
    aperture = values[:, 0]
    low, high = np.percentile(values, 5, axis=0), np.percentile(values, 95, axis=0)
    closed = np.median(values[aperture <= np.percentile(aperture, 8)], axis=0)
    opened = np.median(values[aperture >= np.percentile(aperture, 93)], axis=0)
    speed = np.abs(np.gradient(aperture)) if len(values) > 2 else np.zeros(len(values))
    shut = aperture <= max(_TOUCHING, float(closed[0] + _TOUCHING_SHARE * (opened[0] - closed[0])))
    quiet = np.zeros(len(values), bool) if resting is None else resting[mouth.valid]
    quiet = _rest_frames(values, speed, shut, quiet)
    talking = np.ones(len(values), bool) if speaking is None else speaking[mouth.valid]
    spoken = values[talking] if talking.sum() >= _FEWEST else values

    def cast(x: NDArray[np.floating[Any]]) -> FloatArray:
        return np.asarray(x, np.float32)

    return SpeakerStats(
        rest=cast(np.median(values[quiet], axis=0)),
        closed=cast(closed),
        open=cast(opened),
        low=cast(low),
        high=cast(high),
        std=cast(spoken.std(axis=0)),
        frames=len(values),
        mean=cast(spoken.mean(axis=0)),
        chin_slope=chin_slope(values),
        pace=_pace(mouth, speaking),
    )


#: Frames, and opening (standard deviation, face widths), from which a slope can be taken.
_FEWEST_SPOKEN, _LEAST_SPREAD = 20, 0.008


def chin_slope(values: NDArray[np.floating[Any]]) -> float | None:
    """Face widths that the chin drops for each that the lips part; ``None`` where the mouth hardly opens.

    Args:
        values: float [n, 4], mouth vectors, shut ones among them.
    """
    aperture, jaw = values[:, 0].astype(np.float64), values[:, 2].astype(np.float64)
    if len(aperture) < _FEWEST_SPOKEN or aperture.std() < _LEAST_SPREAD:
        return None
    return float(np.cov(aperture, jaw)[0, 1] / aperture.var(ddof=1))


def _pace(mouth: MouthSeries, speaking: BoolArray | None) -> float | None:
    shown = mouth.valid if speaking is None else mouth.valid & speaking
    steps, pairs = np.diff(mouth.times_s), shown[1:] & shown[:-1]
    if pairs.sum() < _FEWEST_STEPS:
        return None
    return float(np.percentile(np.abs(np.diff(mouth.values[:, 0])[pairs] / steps[pairs]), 95))


#: Pairs of frames from which a speaker's speed can be measured.
_FEWEST_STEPS = 40
#: Frames from which a state of the mouth can be measured; in silence more, since a mouth gets ready before it speaks.
_FEWEST, _FEWEST_AT_REST = 5, 10
#: Opening that a tracker reads on lips that touch (face widths; share of the speaker's range), share of silent frames
#: with such lips from which the mouth rests shut, and share of all frames from which it is known to shut at all.
_TOUCHING, _TOUCHING_SHARE, _RESTS_SHUT, _SHUTS = 0.012, 0.06, 0.3, 0.02


def _rest_frames(values: FloatArray, speed: NDArray[np.floating[Any]], shut: BoolArray, quiet: BoolArray) -> BoolArray:
    """Frames at rest, bool [n]: those in silence that hardly move, the shut ones where many of them are shut.

    Who is shut in a third of the silence rests shut: the others are breaths, and getting ready. Short silences tell
    nothing of rest; then it is the speaker's stillest shut frames that are not pressed for a sound, or, of one who is
    never seen shut, the stillest of the most closed fifth.
    """
    if quiet.sum() >= _FEWEST_AT_REST:
        still = quiet & (speed <= np.percentile(speed[quiet], 50))
        closed = still & shut
        return np.asarray(closed if closed.sum() >= max(3, _RESTS_SHUT * still.sum()) else still)
    closed = shut
    if shut.sum() < max(3, _SHUTS * len(shut)):
        closed = values[:, 0] <= np.percentile(values[:, 0], 20)
    thickness = values[:, 3] - values[:, 0]
    closed = closed & (thickness >= np.median(thickness[closed]))
    return np.asarray(closed & (speed <= np.percentile(speed[closed], 50)))


#: Spread of the channels for a speaker who is not seen speaking, and their mean above the closed mouth.
_PRIOR_STD, _PRIOR_MEAN = (0.026, 0.016, 0.014, 0.024), (0.042, -0.005, 0.017, 0.036)
#: Opening of a wide vowel, the chin's drop with it, and what the lips lose of their height: thirteen filmed speakers
#: gave .11 to .54 of the opening for the chin, and .05 more to .31 less for the lips (medians .32 and -.13).
_PRIOR_OPEN, _PRIOR_DROP, _PRIOR_THINNING = 0.11, 0.045, 0.015
#: Opening of lips that touch.
_TOUCH = 0.003


def prior_stats(mouth: MouthSeries, parted: float | None = None, narrower: float = 1.0) -> SpeakerStats:
    """Range of a mouth that the title shows in one pose only: shut at rest, and an average opening.

    A smile with bared teeth that is all there is of somebody is a pose for the picture, not how they pause in speech.

    Args:
        mouth: that pose.
        parted: how far its teeth stand apart, face widths, as the jaw shuts by no more; ``None``: as far as its lips.
        narrower: share of its width that is left when a smile is let go.

    Raises:
        ValueError: no valid frame.
    """
    if not mouth.valid.any():
        raise ValueError("the face is never seen well enough to learn its mouth")
    aperture, width, jaw, height = np.median(mouth.values[mouth.valid], axis=0)
    lips = height - aperture
    shut = jaw - 0.6 * min(float(aperture), float(aperture) if parted is None else parted)
    closed = np.array([min(_TOUCH, aperture), width * narrower, shut, lips + _TOUCH], np.float32)
    opened = closed + np.array([_PRIOR_OPEN, -0.01, _PRIOR_DROP, _PRIOR_OPEN - _PRIOR_THINNING], np.float32)
    low = closed - np.array([0.002, 0.045, 0.005, 0.01], np.float32)
    high = opened + np.array([0.0, 0.03, 0.0, 0.0], np.float32)
    mean = closed + np.array(_PRIOR_MEAN, np.float32)
    return SpeakerStats(
        closed.copy(), closed, opened, low, high, np.array(_PRIOR_STD, np.float32), int(mouth.valid.sum()), mean
    )

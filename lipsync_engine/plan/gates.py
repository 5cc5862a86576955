"""When the edit is declined: each frame gets a strength from 0 to 1 and, at 0, a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import extents, fit_poses
from lipsync_engine.faces.mesh import LIPS
from lipsync_engine.records import FloatArray

#: Limits of the edit; it fades over the last fifth of each range: degrees, and pixels of the face's height.
MAX_YAW, MAX_PITCH, MAX_ROLL, MIN_HEIGHT = 35.0, 25.0, 45.0, 64.0
MIN_CONFIDENCE = 0.35
_FADE = 0.2


def judge(track: FaceTrack, max_yaw: float = MAX_YAW) -> tuple[FloatArray, list[str]]:
    """Strength of the edit for each row of one person's track, and the reason where it is 0 (else ``""``)."""
    if not len(track.frame):
        return np.zeros(0, np.float32), []
    poses = fit_poses(track.landmarks)
    yaw, pitch, roll = np.abs(poses.angles()).T
    width, height = extents(track.landmarks).T
    tests = {
        "yaw": _below(yaw, max_yaw),
        "pitch": _below(pitch, MAX_PITCH),
        "roll": _below(roll, MAX_ROLL),
        "small_face": np.clip((height - MIN_HEIGHT) / (_FADE * MIN_HEIGHT), 0, 1),
        "low_confidence": np.clip((track.confidence - MIN_CONFIDENCE) / (_FADE * MIN_CONFIDENCE), 0, 1),
        "mouth_out_of_frame": _in_frame(track, width),
    }
    strength = np.minimum.reduce(list(tests.values())).astype(np.float32)
    names = list(tests)
    worst = np.argmin(np.stack(list(tests.values())), axis=0)
    return strength, [names[w] if s <= 0 else "" for w, s in zip(worst, strength, strict=True)]


def _below(value: NDArray[np.floating[Any]], limit: float) -> NDArray[np.floating[Any]]:
    below: NDArray[np.floating[Any]] = np.clip((limit - value) / (_FADE * limit), 0, 1)
    return below


def _in_frame(track: FaceTrack, width: FloatArray) -> NDArray[np.floating[Any]]:
    lips = track.landmarks[:, list(LIPS), :2]
    room = np.minimum(lips, track.size - 1 - lips).min(axis=(1, 2))
    return np.asarray(np.clip(room / (0.05 * width), 0, 1))

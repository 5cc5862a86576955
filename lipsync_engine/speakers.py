"""Which face speaks when."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.facetrack import FaceTrack
from lipsync_engine.mouth import series
from lipsync_engine.records import BoolArray

#: One stretch of source speech: start and end in milliseconds, label of the speaker ("" where unknown).
SpeechSpan = tuple[int, int, str]


def speech_table(spans: Iterable[SpeechSpan]) -> NDArray[np.int64]:
    """Spans as int64 [S, 3] with numbered speakers; unlabelled spans each get a number of their own.

    Raises:
        ValueError: a span ends before it starts.
    """
    names: dict[str, int] = {}
    rows = []
    for index, (start, end, speaker) in enumerate(sorted(spans)):
        if end < start:
            raise ValueError(f"speech span {index} ends ({end} ms) before it starts ({start} ms)")
        rows.append((start, end, names.setdefault(speaker or f"\0{index}", len(names))))
    return np.array(rows, np.int64).reshape(-1, 3)


def active_frames(track: FaceTrack) -> dict[int, BoolArray]:
    """For every person the frames, bool [T], at which this face carries the dub.

    One person: all frames. Several: the face whose mouth moves most while the speaker talks, or, where it is
    not known who talks when, the face that moves most in each shot.
    """
    people = track.identities
    total = len(track.times_s)
    if len(people) <= 1:
        return {p: np.ones(total, bool) for p in people}
    motion = np.stack([_motion(track, p) for p in people])
    chosen = np.full(total, -1)
    if len(track.speech):
        faces = _face_of_speaker(motion, track)
        nearest = _nearest_span(track.times_s * 1000, track.speech)
        chosen = np.array([faces[int(track.speech[n, 2])] for n in nearest])
    else:
        for shot in np.unique(track.shots):
            inside = track.shots == shot
            chosen[inside] = int(np.argmax(np.nan_to_num(motion[:, inside]).sum(axis=1)))
    return {p: chosen == i for i, p in enumerate(people)}


def _motion(track: FaceTrack, identity: int) -> NDArray[np.float64]:
    """Speed of the mouth's opening, smoothed over a quarter second; NaN where not seen."""
    from scipy.ndimage import uniform_filter1d

    values = series(track, identity).values[:, 0].astype(np.float64)
    seen = np.isfinite(values)
    if seen.sum() < 3:
        return np.full(len(values), np.nan)
    filled = np.interp(np.arange(len(values)), np.flatnonzero(seen), values[seen])
    step = float(np.median(np.diff(track.times_s)))
    speed = uniform_filter1d(np.abs(np.gradient(filled)) / step, max(3, round(0.25 / step)))
    return np.where(seen, speed, np.nan)


def _face_of_speaker(motion: NDArray[np.float64], track: FaceTrack) -> dict[int, int]:
    """For every speaker the face that moves more while that speaker talks than at other times."""
    milliseconds = track.times_s * 1000
    level = np.nan_to_num(motion / (np.nanmean(motion, axis=1, keepdims=True) + 1e-6))
    out = {}
    for speaker in np.unique(track.speech[:, 2]):
        own = np.zeros(len(milliseconds), bool)
        for start, end, who in track.speech:
            if who == speaker:
                own |= (milliseconds >= start) & (milliseconds < end)
        talking = level[:, own].mean(axis=1) if own.any() else np.zeros(len(level))
        silent = level[:, ~own].mean(axis=1) if (~own).any() else np.zeros(len(level))
        out[int(speaker)] = int(np.argmax(talking - 0.5 * silent))
    return out


def _nearest_span(milliseconds: NDArray[np.float64], speech: NDArray[np.int64]) -> NDArray[np.intp]:
    before = speech[None, :, 0] - milliseconds[:, None]
    after = milliseconds[:, None] - speech[None, :, 1]
    return np.asarray(np.maximum(0, np.maximum(before, after)).argmin(axis=1))


def speaking(track: FaceTrack, active: BoolArray) -> BoolArray | None:
    """Frames at which the face that is ``active`` (bool [T]) speaks in the source; ``None`` where unknown."""
    if not len(track.speech):
        return None
    milliseconds = track.times_s * 1000
    inside = (milliseconds[:, None] >= track.speech[None, :, 0]) & (milliseconds[:, None] < track.speech[None, :, 1])
    return np.asarray(inside.any(axis=1) & active)

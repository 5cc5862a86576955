"""Which face speaks when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.mouth import series
from lipsync_engine.records import BoolArray

#: One stretch of source speech: start and end in milliseconds, label of the speaker ("" where unknown).
SpeechSpan = tuple[int, int, str]

#: Mean speed of the mouth's opening (face widths a second, over a line) below which a mouth does not speak, and from
#: which it surely does. Measured on nine filmed faces, second by second: .08 to .6 in speech, .001 to .06 in rest, and
#: .002 to .005 on a photograph.
_STILL, _TALKING = 0.04, 0.08
#: Shortest line (seconds) and least share of it with a face in view that can tell that somebody unseen speaks.
_LINE_S, _IN_VIEW = 0.6, 0.8


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

    One person: all frames, but for lines that the mouth clearly does not speak. Several: the face whose mouth moves
    most while the speaker talks, line by line where another face's mouth says otherwise; or, where it is not known
    who talks when, the face that moves most in each shot. A face that never moves (a photograph on the wall) carries
    nothing beside one that does.
    """
    people = track.identities
    total = len(track.times_s)
    if not people:
        return {}
    motion = np.stack([_motion(track, p) for p in people])
    if not len(track.speech):
        if len(people) == 1:
            return {people[0]: np.ones(total, bool)}
        chosen = np.full(total, -1)
        for shot in np.unique(track.shots):
            inside = track.shots == shot
            chosen[inside] = int(np.argmax(np.nan_to_num(motion[:, inside]).sum(axis=1)))
    else:
        faces = _face_of_speaker(motion, track) if len(people) > 1 else dict.fromkeys(track.speech[:, 2].tolist(), 0)
        lines = np.array([_face_of_line(line, faces[int(line[2])], motion, track) for line in track.speech])
        chosen = lines[_nearest_span(track.times_s * 1000, track.speech)]
    return {p: chosen == i for i, p in enumerate(people)}


def off_screen(track: FaceTrack, active: Mapping[int, BoolArray]) -> BoolArray:
    """Frames, bool [T], within a line whose speaker is not in the picture.

    Args:
        track: the faces, with the source's speech.
        active: person to bool [T], as `active_frames` gives it.
    """
    milliseconds = track.times_s * 1000
    away = np.zeros(len(milliseconds), bool)
    for start, end, _ in track.speech:
        away |= (milliseconds >= start) & (milliseconds < end)
    for identity, frames in active.items():
        seen = track.of(identity).frame
        away[seen[frames[seen]]] = False
    return away


def _face_of_line(line: NDArray[np.int64], usual: int, motion: NDArray[np.float64], track: FaceTrack) -> int:
    """The face that speaks one line: its speaker's usual one, another one whose mouth tells so, or none (-1).

    None only where every face in view keeps its mouth shut through nearly the whole line although it speaks elsewhere
    in the title: a single face that is never seen to speak may be a picture that is to be made to speak.
    """
    inside = (track.times_s * 1000 >= line[0]) & (track.times_s * 1000 < line[1])
    seen = np.isfinite(motion[:, inside])
    if inside.sum() < 3 or not seen.any():
        return usual
    speed = np.nan_to_num(motion[:, inside]).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    speed[seen.mean(axis=1) < 0.5] = 0.0
    best = int(np.argmax(speed))
    if speed[usual] >= _STILL:
        return usual
    if speed[best] >= _TALKING:
        return best
    decided = (line[1] - line[0]) / 1000 >= _LINE_S and seen.any(axis=0).mean() >= _IN_VIEW
    speaks = bool((np.nan_to_num(motion) >= 2 * _TALKING).any())
    return -1 if decided and speaks and speed[best] < _STILL else usual


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
    seen = np.isfinite(motion)
    mean = np.nan_to_num(motion).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    level = np.nan_to_num(motion / np.maximum(mean, _STILL)[:, None])
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

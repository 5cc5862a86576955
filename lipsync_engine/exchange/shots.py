"""Which stretches of a title another system shall animate, in pieces that it accepts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import fit_poses
from lipsync_engine.faces.mouth import measured
from lipsync_engine.faces.speakers import active_frames
from lipsync_engine.plan.gates import judge
from lipsync_engine.records import BoolArray, Phone

#: Speech is animated from so long before to so long after it; shorter pauses are not cut out. Seconds.
_AROUND_S, _PAUSE_S = 0.3, 1.0
#: Pieces of one shot share this much, over which the one is cross-faded into the next.
OVERLAP_S = 1.0
#: Shorter stretches are not worth a job.
_SHORTEST_S = 0.4


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a system accepts; None where it sets no limit.

    Attributes:
        shortest_s: length of a clip.
        longest_s: length of a clip.
        shortest_side: pixels.
        longest_side: pixels.
        picture_bytes: size of the file.
        rate: frames per second that it works at.
    """

    shortest_s: float | None = None
    longest_s: float | None = None
    shortest_side: int | None = None
    longest_side: int | None = None
    picture_bytes: int | None = None
    rate: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """One uninterrupted sight of a person who speaks.

    Attributes:
        identity: the person.
        first: number of its first frame.
        stop: number of the frame after its last.
        start_s: when it begins.
        end_s: when it ends.
        yaw: degrees that the head is turned away, 90th percentile.
        height: of the face in pixels, 10th percentile.
        declined: reason to the share of frames that the native engine would leave alone.
        moves: the mouth is seen to move, so that there is something to speak with.
    """

    identity: int
    first: int
    stop: int
    start_s: float
    end_s: float
    yaw: float
    height: float
    declined: dict[str, float]
    moves: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a shot that is one job: frames ``first`` to ``stop`` (exclusive) of one person.

    Attributes:
        shot: the number of its shot.
        identity: the person.
        first: its first frame.
        stop: the frame after its last.
        start_s: presentation time of the first frame.
        end_s: when the last frame ends.
        length_s: of the clip that is given away: as long, or as the system's shortest, its last frame held.
    """

    shot: int
    identity: int
    first: int
    stop: int
    start_s: float
    end_s: float
    length_s: float


def speaking_shots(track: FaceTrack, phones: Sequence[Phone]) -> list[Shot]:
    """Every stretch in which a seen person speaks, in the title or in the dub, in order.

    Args:
        track: the analysis.
        phones: what the dub says.
    """
    times = track.times_s
    step = frame_step(times)
    spoken = [(p.start_ms / 1000, p.end_ms / 1000) for p in phones if p.ipa]
    spoken += [(start / 1000, end / 1000) for start, end, _ in track.speech.tolist()]
    near = _near(times, spoken)
    shots = []
    for identity, active in active_frames(track).items():
        own = track.of(identity)
        seen = np.full(len(times), -1)
        seen[own.frame] = own.span
        cuts = np.flatnonzero(np.diff(seen) != 0) + 1
        for part in np.split(np.arange(len(times)), cuts):
            for first, stop in _runs((active & near & (seen >= 0))[part]):
                if (stop - first) * step >= _SHORTEST_S:
                    shots.append(_shot(own, int(part[0]) + first, int(part[0]) + stop, times, step))
    return sorted(shots, key=lambda shot: (shot.first, shot.identity))


def _shot(own: FaceTrack, first: int, stop: int, times: NDArray[np.float64], step: float) -> Shot:
    rows = own.rows(slice(*np.searchsorted(own.frame, [first, stop])))
    poses = fit_poses(rows.landmarks)
    reasons = judge(rows)[1]
    declined = {reason: reasons.count(reason) / len(reasons) for reason in sorted(set(reasons)) if reason}
    return Shot(
        identity=int(rows.identity[0]),
        first=first,
        stop=stop,
        start_s=float(times[first]),
        end_s=float(times[stop - 1]) + step,
        yaw=float(np.percentile(np.abs(poses.angles()[:, 0]), 90)),
        height=float(np.percentile(np.ptp(rows.landmarks[:, :, 1], axis=1), 10)),
        declined=declined,
        moves=bool(np.ptp(measured(own.landmarks, fit_poses(own.landmarks))[0][:, 0]) > 0.012),
    )


def pieces_of(number: int, shot: Shot, times_s: NDArray[np.float64], bounds: Bounds) -> list[Piece]:
    """A shot in overlapping pieces that are no longer than the system takes.

    Args:
        number: of the shot.
        shot: the stretch.
        times_s: float64 [T], presentation times of the title's frames.
        bounds: what the system accepts.
    """
    step = frame_step(times_s)
    length = shot.end_s - shot.start_s
    longest = max(bounds.longest_s or math.inf, 4 * step)
    overlap = min(OVERLAP_S, longest / 3)
    count = 1 if length <= longest else math.ceil((length - overlap) / (longest - overlap - 2 * step))
    each = (length + (count - 1) * overlap) / count
    pieces = []
    for index in range(count):
        start = shot.start_s + index * (each - overlap)
        first = shot.first + round((start - shot.start_s) / step)
        stop = shot.stop if index == count - 1 else min(shot.stop, first + math.ceil(each / step))
        from_s, to_s = float(times_s[first]), float(times_s[stop - 1]) + step
        lasts = max(to_s - from_s, bounds.shortest_s or 0.0)
        pieces.append(Piece(number, shot.identity, first, stop, from_s, to_s, lasts))
    return pieces


def _near(times: NDArray[np.float64], spans: Sequence[tuple[float, float]]) -> BoolArray:
    """Moments in or near one of the spans, short pauses between two of them included."""
    out = np.zeros(len(times), bool)
    end = -math.inf
    for start, stop in sorted(spans):
        begin = end if start - end < _PAUSE_S else start - _AROUND_S
        out |= (times >= begin) & (times <= stop + _AROUND_S)
        end = max(end, stop)
    return out


def _runs(flags: BoolArray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def frame_step(times: NDArray[np.float64]) -> float:
    """Seconds from frame to frame, from presentation times, float64 [T]."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.04

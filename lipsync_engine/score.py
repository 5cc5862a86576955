"""The edit of one person, frame by frame: how the mouth is formed, from which observation, how strongly."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.facetrack import FaceTrack
from lipsync_engine.gates import judge
from lipsync_engine.geometry import NOSE_FOOT, Poses, fit_poses, to_canonical, to_image
from lipsync_engine.library import Library, build
from lipsync_engine.mouth import face_width, vectors
from lipsync_engine.records import BoolArray, FloatArray, MouthPlan
from lipsync_engine.select import Wanted, choose
from lipsync_engine.shape import FaceShape, face_shape, reshape

Array = NDArray[np.float64]
#: An opening seen in the title can be opened this much further before its teeth stretch.
_OPEN_FACTOR, _OPEN_EXTRA = 1.35, 0.012
#: Face widths by which a resting mouth may differ from the planned rest.
_CALM = 0.02


@dataclass(frozen=True, slots=True)
class Person:
    """Everything known of one person before a language is chosen."""

    track: FaceTrack
    poses: Poses
    canonical: Array
    mouth: FloatArray
    shape: FaceShape
    library: Library


@dataclass(frozen=True, slots=True)
class Score:
    """The edit of one person; all arrays have one entry an edited frame, in order.

    Attributes:
        row: int64 [E], row of the person's track.
        frame: int64 [E], frame of the title.
        target: float32 [E, 4], the mouth vector that is drawn.
        strength: float32 [E], above 0, up to 1.
        pick: int64 [E], row of the person's track whose texture is shown; -1 draws from the frame itself.
        start: bool [E], a run of consecutive frames begins here.
        declined: frame to the reason why it is left as it is.
        portrait: bool, the mouth is drawn by deforming the frame itself, for want of observations.
    """

    row: NDArray[np.int64]
    frame: NDArray[np.int64]
    target: FloatArray
    strength: FloatArray
    pick: NDArray[np.int64]
    start: BoolArray
    declined: dict[int, str]
    portrait: bool


def person(track: FaceTrack, identity: int) -> Person:
    """Prepare one person of a title."""
    own = track.of(identity)
    poses = fit_poses(own.landmarks)
    canonical = to_canonical(own.landmarks, poses)
    width = face_width(canonical)
    frontal = np.abs(poses.angles()[:, 0]) <= max(10.0, float(np.percentile(np.abs(poses.angles()[:, 0]), 50)))
    mean = np.median(canonical[frontal], axis=0)
    return Person(own, poses, canonical, vectors(canonical, width), face_shape(mean, width), build(own))


def compose_score(who: Person, plan: MouthPlan, active: BoolArray) -> Score:
    """Turn a plan into an edit of one person.

    Args:
        who: the person.
        plan: planned mouth for every frame of the title.
        active: bool [T], frames at which this person is the one who speaks the dub (or may be shown silent).
    """
    strength, reasons = judge(who.track)
    strength = strength * active[who.track.frame]
    still = active[who.track.frame] & (strength > 0) & _already_at_rest(who, plan)
    strength = np.where(still, 0.0, strength).astype(np.float32)
    on = active[who.track.frame]
    declined = {int(f): r for f, r, a in zip(who.track.frame, reasons, on, strict=True) if r and a}
    declined.update({int(f): "at_rest" for f in who.track.frame[still]})
    row = np.flatnonzero(strength > 0)
    frame = who.track.frame[row].astype(np.int64)
    span = who.track.span[row]
    start = np.ones(len(row), bool)
    start[1:] = (np.diff(frame) != 1) | (np.diff(span) != 0)
    planned = plan.series.values[frame]
    pick = np.full(len(row), -1, np.int64)
    if who.library.moves and len(row):
        pick = who.library.row[choose(_wanted(who, row, planned, plan.closure[frame], start), who.library)]
        seen = who.mouth[pick, 0]
        planned = planned.copy()
        planned[:, 0] = np.minimum(planned[:, 0], seen * _OPEN_FACTOR + _OPEN_EXTRA)
    share = strength[row][:, None]
    target = who.mouth[row] + share * (planned - who.mouth[row])
    return Score(row, frame, target.astype(np.float32), strength[row], pick, start, declined, bool((pick < 0).any()))


def _already_at_rest(who: Person, plan: MouthPlan) -> BoolArray:
    """Rows inside long pauses of the dub in which the source's mouth rests too: nothing to change there."""
    from scipy.ndimage import binary_erosion, binary_opening

    times = plan.series.times_s
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.04
    pause = binary_erosion(plan.rest, iterations=max(1, round(0.2 / step)), border_value=1)
    off = np.abs(who.mouth - plan.series.values[who.track.frame])
    calm = np.zeros(len(times), bool)
    calm[who.track.frame] = (off[:, 0] < _CALM) & (off[:, 1] < 2 * _CALM)
    return np.asarray(binary_opening(pause & calm, iterations=max(1, round(0.4 / step)))[who.track.frame])


def _wanted(who: Person, row: NDArray[np.intp], planned: FloatArray, closure: BoolArray, start: BoolArray) -> Wanted:
    return Wanted(
        vectors=planned,
        pose=who.poses.angles()[row],
        scale=who.poses.scale[row].astype(np.float32),
        light=who.track.light[row],
        closure=closure,
        start=start,
    )


def faces(who: Person, score: Score, part: slice) -> Array:
    """Where every landmark lies after the edit, float64 [n, 478, 2] pixels, for a part of the score."""
    row, target = score.row[part], score.target[part]
    own = reshape(who.canonical[row], target, who.shape)
    pick = score.pick[part]
    if (pick >= 0).all():
        shown = who.canonical[pick].copy()
        feet = list(NOSE_FOOT)
        shown += (who.canonical[row][:, feet] - shown[:, feet]).mean(axis=1, keepdims=True)
        shown = _steady(reshape(shown, target, who.shape), score.start[part])
        shown = reshape(shown, target, who.shape)
        weight = (who.shape.patch[None] * score.strength[part][:, None])[..., None]
        own = own + weight * (shown - own)
    poses = Poses(*(getattr(who.poses, name)[row] for name in ("rotation", "scale", "offset", "residual")))
    return to_image(own, poses)[:, :, :2]


def _steady(values: Array, start: BoolArray) -> Array:
    """Soften the shape's jumps where one observation follows another (the mouth vector is restored after)."""
    from scipy.ndimage import gaussian_filter1d

    out = values.copy()
    bounds = [*np.flatnonzero(start), len(values)]
    bounds = bounds if bounds[0] == 0 else [0, *bounds]
    for a, b in pairwise(bounds):
        if b - a > 2:
            out[a:b] = gaussian_filter1d(values[a:b], 1.2, axis=0, mode="nearest")
    return out


def shares(score: Score, who: Person, at: int) -> list[tuple[int, float]]:
    """Rows whose texture is shown at entry ``at`` and their weights: a two-frame dissolve where runs join."""
    own = int(score.pick[at])
    if own < 0:
        return []
    for other in (at - 1, at + 1):
        inside = 0 <= other < len(score.pick) and not score.start[max(other, at)]
        if inside and _jumps(who, int(score.pick[other]), own):
            return [(own, 0.67), (int(score.pick[other]), 0.33)]
    return [(own, 1.0)]


def _jumps(who: Person, a: int, b: int) -> bool:
    near = abs(int(who.track.frame[a]) - int(who.track.frame[b])) <= 2
    return not (near and who.track.span[a] == who.track.span[b])

"""The edit of one person, frame by frame: how the mouth is formed, from which observation, how strongly."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import to_image
from lipsync_engine.plan.chin import moved_whole
from lipsync_engine.plan.dissolves import dissolved
from lipsync_engine.plan.forms import foot_of
from lipsync_engine.plan.gates import judge
from lipsync_engine.plan.holds import kept_moving
from lipsync_engine.plan.kinds import HISS, gap_asked
from lipsync_engine.plan.library import stir
from lipsync_engine.plan.parting import rows_parted
from lipsync_engine.plan.person import Person
from lipsync_engine.plan.relaxed import relaxed
from lipsync_engine.plan.select import Wanted, choose
from lipsync_engine.plan.shape import reshape
from lipsync_engine.plan.unfold import unfolded
from lipsync_engine.records import CHANNELS, BoolArray, FloatArray, MouthPlan

Array = NDArray[np.float64]
#: An opening seen in the title can be opened this much further before its teeth stretch.
_OPEN_FACTOR, _OPEN_EXTRA, _HISS_FACTOR = 1.35, 0.012, 1.08
#: Face widths by which a resting mouth may differ from the planned rest.
_CALM = 0.02
#: A bypass narrower than this is bridged.
_SHORT_S = 0.3
#: Share that is drawn of what an observation's form has besides the usual one of such a mouth.
_KEPT = 0.5
#: Range within which the finest detail of an observation's lips is scaled, so that they are as sharp as those about the
#: frame; coarser detail stays, so it is scaled by the square of what they lack.
_CRISPER = (0.4, 1.8)
#: Rows on either side of a moment that tell how sharp the lips are about it.
_ABOUT = 4


@dataclass(frozen=True, slots=True)
class Score:
    """The edit of one person; all arrays have one entry an edited frame, in order.

    Attributes:
        row: int64 [E], row of the person's track.
        frame: int64 [E], frame of the title.
        target: float32 [E, 4], the mouth vector that is drawn.
        strength: float32 [E], above 0, up to 1.
        pick: int64 [E], row of the person's track whose texture is shown; -1 draws from the frame itself.
        shown: int64 [E, 2], all rows whose texture is shown, the first also between the lips; -1 for none.
        share: float32 [E, 2], their weights, adding up to 1 where there is any.
        start: bool [E], a run of consecutive frames begins here.
        declined: frame to the reason why it is left as it is.
        portrait: bool, the mouth is drawn by deforming the frame itself, for want of observations.
        tongue: float32 [E], height of the tongue's front, 0 to 1; a portrait alone needs it; ``None``: idle.
        parted: float32 [E], how much further the rows of teeth stand apart than in the picked row, face widths;
            ``None`` for not at all.
        crisp: float32 [E], by how much the finest detail of the picked row's lips is scaled, so that they are as sharp
            as those about the frame; ``None``: not at all.
        settled: bool [E], frames in a pause that are chosen whatever lies before and after (`settled_in`): the edit can
            be divided there; ``None`` for nowhere.
    """

    row: NDArray[np.int64]
    frame: NDArray[np.int64]
    target: FloatArray
    strength: FloatArray
    pick: NDArray[np.int64]
    shown: NDArray[np.int64]
    share: FloatArray
    start: BoolArray
    declined: dict[int, str]
    portrait: bool
    tongue: FloatArray | None = None
    parted: FloatArray | None = None
    crisp: FloatArray | None = None
    settled: BoolArray | None = None


def compose_score(who: Person, plan: MouthPlan, active: BoolArray, bounds: NDArray[np.int64] | None = None) -> Score:
    """Turn a plan into an edit of one person.

    Args:
        who: the person.
        plan: planned mouth for every frame of the title.
        active: bool [T], frames at which this person is the one who speaks the dub (or may be shown silent).
        bounds: int64 [S], frames at which the title is divided; ``None``: it is not.
    """
    strength, reasons = judge(who.track)
    reasons = [why or ("occluded" if b <= 0 else "") for why, b in zip(reasons, who.bare, strict=True)]
    strength = _bridged(who.track, strength * who.bare)
    reasons = ["" if s > 0 else why for why, s in zip(reasons, strength, strict=True)]
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
    planned = _shut(plan.series.values[frame], plan.closure[frame])
    pick = np.full(len(row), -1, np.int64)
    if who.library.moves and len(row):
        pick = who.library.row[choose(_wanted(who, row, plan, start, bounds), who.library)]
        pick = kept_moving(pick, who.library.row, who.track.span, start | plan.rest[frame])
        seen = who.mouth[pick, 0]
        most = seen * _OPEN_FACTOR + _OPEN_EXTRA
        if plan.sound is not None:  # a hiss keeps its teeth together
            most = np.where((plan.sound[frame] == HISS) & who.close.inside.met[pick], seen * _HISS_FACTOR, most)
        planned[:, 0] = np.minimum(planned[:, 0], most)
    part = strength[row][:, None]
    target = (who.mouth[row] + part * (planned - who.mouth[row])).astype(np.float32)
    shown, share = dissolved(who, pick, start, plan.series.times_s[frame], plan.closure[frame], target[:, 0])
    portrait = bool((pick < 0).any())
    tongue = None if plan.tongue is None else plan.tongue[frame]
    parted = None if portrait else parting(who, plan, frame, pick, target, start) * strength[row]
    settled = settled_in(plan.rest, bounds)[frame]
    return Score(
        row,
        frame,
        target,
        strength[row],
        pick,
        shown,
        share,
        start,
        declined,
        portrait,
        tongue,
        parted,
        None if portrait else _crisper(who, row, pick),
        settled,
    )


def _bridged(track: FaceTrack, strength: FloatArray) -> FloatArray:
    """The strength without short dips: a mouth that is the source's for a moment in the middle of a word is worse.

    Args:
        track: rows of one person.
        strength: float32 [N], of each row.
    """
    from scipy.ndimage import grey_closing

    out = strength.copy()
    step = float(np.median(np.diff(track.times_s))) if len(track.times_s) > 1 else 0.04
    size = 2 * round(_SHORT_S / step / 2) + 1
    apart = (np.diff(track.frame.astype(np.int64)) != 1) | (np.diff(track.span) != 0)
    for rows in np.split(np.arange(len(out)), np.flatnonzero(apart) + 1):
        if len(rows) > size:
            ends = np.pad(strength[rows], size, mode="edge")
            out[rows] = grey_closing(ends, size)[size:-size]
    return out


def _shut(planned: FloatArray, closure: BoolArray) -> FloatArray:
    """Lips that touch leave no opening, whatever the tracker reads on this speaker's."""
    out = planned.copy()
    aperture, lip_height = CHANNELS.index("aperture"), CHANNELS.index("lip_height")
    out[closure, lip_height] -= out[closure, aperture]
    out[closure, aperture] = 0.0
    return out


def parting(
    who: Person,
    plan: MouthPlan,
    frame: NDArray[np.int64],
    pick: NDArray[np.int64],
    target: FloatArray,
    start: BoolArray,
) -> FloatArray:
    """How much further than in the picked observations the rows of teeth stand apart, face widths, float32 [E].

    Args:
        who: whose mouth it is.
        plan: of the dub.
        frame: int64 [E], frames of the title.
        pick: int64 [E], observation shown at each.
        target: float [E, C], planned mouth vectors.
        start: bool [E], first frame of an uninterrupted stretch.
    """
    if plan.sound is None or not len(frame):
        return np.zeros(len(frame), np.float32)
    asked = gap_asked(plan.sound[frame], target[:, 0])
    inside = who.close.inside
    return rows_parted(asked, inside.gap[pick], inside.teeth[pick], target[:, 0] - who.mouth[pick, 0], start)


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


def _wanted(
    who: Person, row: NDArray[np.intp], plan: MouthPlan, start: BoolArray, bounds: NDArray[np.int64] | None
) -> Wanted:
    frame = who.track.frame[row]
    return Wanted(
        vectors=plan.series.values[frame],
        pose=who.poses.angles()[row],
        scale=who.poses.scale[row].astype(np.float32),
        light=who.track.light[row],
        stir=stir(plan.series.values, plan.series.times_s, who.library.spread)[frame],
        closure=plan.closure[frame],
        start=start,
        sound=None if plan.sound is None else plan.sound[frame],
        gap=None if plan.sound is None else gap_asked(plan.sound[frame], plan.series.values[frame, 0]),
        crisp=_crisp_about(who)[row],
        settled=settled_in(plan.rest, bounds)[frame],
    )


def settled_in(rest: BoolArray, bounds: NDArray[np.int64] | None) -> BoolArray:
    """One frame of every pause in which the mouth rests, so that an edit before it changes nothing after it.

    Args:
        rest: bool [T], frames at rest.
        bounds: int64 [S], frames at which the title is divided: a pause over one of these settles there, whatever its
            length, else in its middle.

    Returns:
        bool [T].
    """
    out = np.zeros(len(rest), np.bool_)
    cuts = np.zeros(0, np.int64) if bounds is None else bounds
    edges = np.flatnonzero(np.diff(np.concatenate([[False], rest, [False]]).astype(np.int8)))
    for first, stop in edges.reshape(-1, 2).tolist():
        inside = cuts[(cuts >= first) & (cuts < stop)]
        out[inside if len(inside) else (first + stop) // 2] = True
    return out


def _crisp_about(who: Person) -> FloatArray:
    """How sharp the person's lips usually are about each row, float32 [N]: the blur of a moment is not the title's."""
    crisp = who.close.crisp
    near = np.full((2 * _ABOUT + 1, len(crisp)), np.nan, np.float32)
    for at, step in enumerate(range(-_ABOUT, _ABOUT + 1)):
        inside = slice(max(0, -step), len(crisp) - max(0, step))
        beside = slice(max(0, step), len(crisp) + min(0, step))
        near[at, inside] = np.where(who.track.span[inside] == who.track.span[beside], crisp[beside], np.nan)
    known = np.isfinite(near).any(axis=0)
    out = np.full(len(crisp), np.nan, np.float32)
    out[known] = np.nanmedian(near[:, known], axis=0)
    return out


def _crisper(who: Person, row: NDArray[np.intp], pick: NDArray[np.int64]) -> FloatArray:
    """How much finest detail the lips about each row have over its observation's, float32 [E]; 1 where not known."""
    ratio = _crisp_about(who)[row] / np.maximum(who.close.crisp[pick], 1e-3)
    return np.asarray(np.clip(np.nan_to_num(ratio, nan=1.0) ** 2, *_CRISPER), np.float32)


def faces(who: Person, score: Score, part: slice) -> Array:
    """Where every landmark lies after the edit, float64 [n, 478, 2] pixels, for a part of the score.

    Args:
        who: the person.
        score: the edit of this person.
        part: rows of the score.
    """
    row = score.row[part]
    target = moved_whole(score.target[part], who.mouth[row])
    still = who.canonical(row)
    pick = score.pick[part]
    if score.portrait:
        still = relaxed(still, target[:, 0], who.smile, who.shape, score.strength[part])
    own = reshape(still, target, who.shape)
    if (pick >= 0).all():
        formed = who.forms.of(target, foot_of(still)) + _KEPT * _steady(_peculiar(who, pick), score.start[part])
        formed = reshape(formed, target, who.shape)
        weight = (who.shape.patch[None] * score.strength[part][:, None])[..., None]
        own = own + weight * (formed - own)
    return to_image(unfolded(own, who.shape.mean), who.poses.rows(row))[:, :, :2]


def _peculiar(who: Person, pick: NDArray[np.int64]) -> Array:
    """How far observations differ from the form that the person's face has with such mouths, float64 [n, 478, 3]."""
    seen = who.canonical(pick)
    return np.asarray(seen - who.forms.of(who.mouth[pick], foot_of(seen)))


def _steady(values: Array, start: BoolArray) -> Array:
    """Without the jumps where one observation follows another."""
    from scipy.ndimage import gaussian_filter1d

    out = values.copy()
    bounds = [*np.flatnonzero(start), len(values)]
    bounds = bounds if bounds[0] == 0 else [0, *bounds]
    for a, b in pairwise(bounds):
        if b - a > 2:
            out[a:b] = gaussian_filter1d(values[a:b], 1.2, axis=0, mode="nearest")
    return out

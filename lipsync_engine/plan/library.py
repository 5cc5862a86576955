"""Observations of one speaker's mouth, taken from the title itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.appearance import thumb_places
from lipsync_engine.faces.closeups import Closeups
from lipsync_engine.faces.face_occluders import SUSPECT
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import INNER_BOTTOM, INNER_TOP, fit_poses
from lipsync_engine.faces.mouth import measured
from lipsync_engine.plan.by_sight import borne_out, opening_by_sight, opening_seen
from lipsync_engine.records import FloatArray

#: Most observations searched; more only repeat what is there.
LIMIT = 3000
#: Fewer observations than this, or fewer mouths that differ by more than a tracker's noise, and the title is treated as
#: a still.
MINIMUM, _DIFFERENT = 12, 6
#: Face widths by which the openings of a mouth that speaks differ at least (95th less 5th percentile; of thirteen
#: speakers the mumbler .066, of mouths at rest up to .02), and the share of their variance that its pictures bear out.
_SPREAD, _BORNE_OUT = 0.03, 0.4
#: Opening and width by which two mouths are different.
_APART = (0.012, 0.015)
_TEXTURES = 16

#: How far about a moment its motion counts, seconds.
_STIR_S = 0.2


@dataclass(frozen=True, slots=True)
class Library:
    """Usable mouths of one person, in order of appearance.

    Attributes:
        row: int64 [M], row of the person's own track.
        frame: int64 [M], frame of the title.
        span: int64 [M], uninterrupted appearance.
        vectors: float32 [M, 4], mouth vectors.
        velocity: float32 [M, 4], their change a frame.
        stir: float32 [M], how much the mouth moves about that moment (``stir``).
        pose: float32 [M, 3], degrees.
        scale: float32 [M], pixels for a face width.
        light: float32 [M, 3], cheek colour.
        looks: float32 [M], how far the lips stand apart at least, as pictures tell it (`by_sight.opening_seen`): a
            mouth that a tracker took for shut shows its teeth all the same.
        blur: float32 [M], 0 sharp, growing with blur (log ratio to the sharp ones).
        texture: float32 [M, <=16], principal components of the thumbnails, unit total spread.
        teeth: float32 [M], how bright it is between the lips against the cheeks: 0 dark or shut, 1 teeth.
        rows: float32 [M], share of the opening that shows teeth (`faces.interior`); NaN where that is not known.
        dark: float32 [M], share of it that is dark; NaN likewise.
        gap: float32 [M], how far the rows of teeth stand apart, face widths; NaN likewise.
        crisp: float32 [M], fine detail of the lips, levels of 255; NaN likewise.
        sound: int8 [M], the kind of sound that the title speaks there (`plan.kinds`); -1 where that is not known.
        spread: float32 [4], standard deviation of the mouth vectors.
    """

    row: NDArray[np.int64]
    frame: NDArray[np.int64]
    span: NDArray[np.int64]
    vectors: FloatArray
    velocity: FloatArray
    stir: FloatArray
    pose: FloatArray
    scale: FloatArray
    light: FloatArray
    looks: FloatArray
    blur: FloatArray
    texture: FloatArray
    teeth: FloatArray
    rows: FloatArray
    dark: FloatArray
    gap: FloatArray
    crisp: FloatArray
    sound: NDArray[np.int8]
    spread: FloatArray

    @property
    def moves(self) -> bool:
        """Whether there are enough different mouths to speak with."""
        return not self.lacks

    @property
    def lacks(self) -> str:
        """Why these mouths are too few to speak with; empty where they are enough."""
        if len(self.row) < MINIMUM:
            return f"{len(self.row)} usable frames"
        aperture = self.vectors[:, 0]
        spread = float(np.ptp(np.percentile(aperture, (5, 95))))
        if spread < _SPREAD:
            return f"its opening varies by {spread:.3f} of the face's width"
        different = len(np.unique(np.floor(self.vectors[:, :2] / _APART), axis=0))
        if different < _DIFFERENT:
            return f"{different} different mouths"
        seen = opening_by_sight(self.texture, aperture)
        if seen is not None and borne_out(seen, aperture) < _BORNE_OUT:
            return "its pictures do not bear out the openings that were measured"
        return ""


def build(
    track: FaceTrack,
    kept: NDArray[np.int64] | None = None,
    covering: FloatArray | None = None,
    close: Closeups | None = None,
) -> Library:
    """Library of the one person whose rows ``track`` holds.

    Frames are dropped that are turned far away, poorly tracked, cut by the picture's edge or partly covered.

    Args:
        track: rows of one person.
        kept: int64 [n], numbers of the frames whose pixels the analysis kept; where there are enough, only these are
            used.
        covering: float32 [N], how much there seems to be before the mouth (``face_occluders.covering``); none where not
            given.
        close: what the pixels of the N mouths tell; nothing where not given.
    """
    poses = fit_poses(track.landmarks)
    mouth = measured(track.landmarks, poses)[0] if len(track.frame) else np.zeros((0, 4), np.float32)
    angles = poses.angles()
    inside = _inside(track)
    good = (np.abs(angles[:, 0]) < 32) & (np.abs(angles[:, 1]) < 25) & (track.confidence > 0.5) & inside
    if kept is not None and (good & np.isin(track.frame, kept)).sum() >= max(MINIMUM, 0.02 * good.sum()):
        good &= np.isin(track.frame, kept)
    uncovered = good & (covering <= SUSPECT) if covering is not None else good
    if uncovered.sum() >= MINIMUM:
        good = uncovered
    rows = _prune(np.flatnonzero(good), track.sharpness)
    velocity, stirred = np.zeros_like(mouth), np.zeros(len(mouth), np.float32)
    spread = np.maximum(mouth[rows].std(axis=0), 0.004) if len(rows) else np.ones(4)
    for span in np.unique(track.span):
        at = np.flatnonzero(track.span == span)
        if len(at) > 1:
            velocity[at] = np.gradient(mouth[at], axis=0)
            stirred[at] = stir(mouth[at], track.times_s[track.frame[at]], spread)
    sharp = np.percentile(track.sharpness[rows], 80) if len(rows) else 1.0
    blur = np.maximum(0.0, np.log(sharp / np.maximum(track.sharpness[rows], 1e-3)) - 0.2)
    nothing = np.full(len(rows), np.nan, np.float32)
    texture = _components(track.thumb[rows])
    return Library(
        row=rows.astype(np.int64),
        frame=track.frame[rows].astype(np.int64),
        span=track.span[rows].astype(np.int64),
        vectors=mouth[rows],
        velocity=velocity[rows],
        stir=stirred[rows],
        pose=angles[rows],
        scale=poses.scale[rows].astype(np.float32),
        light=track.light[rows],
        looks=opening_seen(texture, mouth[rows, 0]),
        blur=blur.astype(np.float32),
        texture=texture,
        teeth=_teeth(track, mouth)[rows],
        rows=nothing if close is None else close.inside.teeth[rows],
        dark=nothing if close is None else close.inside.dark[rows],
        gap=nothing if close is None else close.inside.gap[rows],
        crisp=nothing if close is None else close.crisp[rows],
        sound=np.full(len(rows), -1, np.int8),
        spread=spread.astype(np.float32),
    )


def stir(mouth: FloatArray, times_s: NDArray[np.float64], spread: NDArray[np.floating[Any]]) -> FloatArray:
    """How much a mouth moves within 0.2 s of each moment, float32 [n], in spreads.

    It tells a mouth at rest from one that is pressed shut for a sound, which have the same opening and width.

    Args:
        mouth: float32 [n, 4], at moments without a gap.
        times_s: float64 [n].
        spread: [4], the person's standard deviation of each channel.
    """
    from scipy.ndimage import uniform_filter1d

    if len(mouth) < 2:
        return np.zeros(len(mouth), np.float32)
    window = 2 * max(1, round(_STIR_S / float(np.median(np.diff(times_s))))) + 1
    scaled = (mouth - mouth.mean(axis=0)) / spread
    mean = uniform_filter1d(scaled, window, axis=0, mode="nearest")
    square = uniform_filter1d(scaled**2, window, axis=0, mode="nearest")
    return np.asarray(np.sqrt(np.maximum(square - mean**2, 0).mean(axis=1)), np.float32)


def _inside(track: FaceTrack) -> NDArray[np.bool_]:
    from lipsync_engine.faces.mesh import LIPS

    lips = track.landmarks[:, list(LIPS), :2]
    margin = 4
    low, high = lips.min(axis=1), lips.max(axis=1)
    return np.asarray(((low > margin) & (high < track.size - margin)).all(axis=1))


def _prune(rows: NDArray[np.intp], sharpness: FloatArray) -> NDArray[np.intp]:
    """Keep the sharper half of the second-long stretches until the limit holds, so that runs stay whole."""
    if len(rows) <= LIMIT:
        return rows
    runs = np.array_split(rows, len(rows) // 25)
    ranked = sorted(runs, key=lambda run: -float(np.median(sharpness[run])))
    return np.sort(np.concatenate(ranked[: LIMIT // 25]))


def _teeth(track: FaceTrack, mouth: FloatArray) -> FloatArray:
    """Brightness of the thumbnails' middle, where the mouth opens, against the cheeks; float32 [N], 0 to 1."""
    if not len(track.frame):
        return np.zeros(0, np.float32)
    place = np.round(thumb_places(track.landmarks, (INNER_TOP, INNER_BOTTOM)).mean(axis=1)).astype(int)
    column, row = np.clip(place[:, 0], 1, 22), np.clip(place[:, 1], 0, 15)
    at = np.arange(len(row))
    bright = np.stack([track.thumb[at, row, column + i] for i in (-1, 0, 1)]).max(axis=0)
    cheeks = track.light @ np.array([0.299, 0.587, 0.114], np.float32)
    open_ = np.clip(mouth[:, 0] / 0.03, 0, 1)
    return np.asarray(np.clip(bright / np.maximum(cheeks, 16) / 0.9, 0, 1) * open_, np.float32)


def _components(thumbs: NDArray[np.uint8]) -> FloatArray:
    """Principal components of brightness-normalised thumbnails."""
    if len(thumbs) < 2:
        return np.zeros((len(thumbs), 1), np.float32)
    flat = thumbs.reshape(len(thumbs), -1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= flat.std(axis=1, keepdims=True) + 1e-6
    flat -= flat.mean(axis=0)
    _, vectors_ = np.linalg.eigh(flat.T @ flat)
    scores = flat @ vectors_[:, ::-1][:, :_TEXTURES]
    return np.asarray(scores / np.sqrt((scores**2).sum(axis=1).mean() + 1e-9), np.float32)

"""The clips and stills of a title that another system is given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.exchange.shots import Bounds, Piece, Shot, frame_step
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import fit_poses
from lipsync_engine.faces.mouth import measured
from lipsync_engine.media import video

#: Side of the square around a face, in face heights: of a clip, and of a still (with hair and shoulders).
_MARGIN, _STILL_MARGIN = 2.0, 2.6
#: Standard deviation in seconds of the smoothing of a crop's way.
_STEADY_S = 0.5
_QUALITIES = (12, 18, 24, 30)


def write_clips(
    picture: Path, track: FaceTrack, pieces: Sequence[Piece], outs: Sequence[Path], bounds: Bounds, *, whole: bool
) -> list[str]:
    """Write each piece as an MP4 without sound; for each, why it could not be (``""``: it was).

    Args:
        picture: the title.
        track: its analysis.
        pieces: in order of their first frames.
        outs: the files.
        bounds: what the system accepts.
        whole: the whole picture instead of a steady square around the face.
    """
    facts = video.probe(picture)
    outcome = [""] * len(pieces)
    waiting = list(range(len(pieces)))
    for quality in _QUALITIES:
        views = {i: _View(track, pieces[i], facts, bounds, whole) for i in waiting}
        _write(picture, facts, {i: (views[i], outs[i]) for i in waiting}, quality)
        waiting = [i for i in waiting if outs[i].stat().st_size > (bounds.picture_bytes or math.inf)]
        if not waiting:
            break
    for i in waiting:
        outcome[i] = "the clip is larger than the system takes"
    return outcome


def _write(picture: Path, facts: video.VideoFacts, work: dict[int, tuple[_View, Path]], quality: int) -> None:
    open_: dict[int, tuple[_View, video.Writer]] = {}
    last = max(view.piece.stop for view, _ in work.values())
    try:
        for frame in video.read(picture, facts):
            if frame.index >= last:
                break
            for i, (view, out) in work.items():
                if view.piece.first == frame.index:
                    open_[i] = view, video.Writer(out, view.facts, crf=quality)
                if view.piece.first <= frame.index < view.piece.stop:
                    planes = view.planes(frame)
                    for pts in view.pts(frame.index):
                        open_[i][1].write(planes, pts)
                if view.piece.stop == frame.index + 1:
                    open_.pop(i)[1].__exit__(None, None, None)
    finally:
        for _, writer in open_.values():  # only after an error: an unfinished clip is removed
            writer.__exit__(RuntimeError, None, None)


class _View:
    """What of each frame is shown in a piece's clip, and when."""

    def __init__(self, track: FaceTrack, piece: Piece, facts: video.VideoFacts, bounds: Bounds, whole: bool) -> None:
        self.piece = piece
        rate = bounds.rate or facts.rate.limit_denominator(1001)
        self._plan(track.times_s, rate)
        width, height = facts.width, facts.height
        self._box: NDArray[np.int64] | None = None
        if not whole:
            self._box, side = square(track, piece, _MARGIN)
            width = height = side
        size = fitted(width, height, bounds)
        self.facts = replace(
            facts,
            width=size[0],
            height=size[1],
            rotation=0,
            time_base=1 / rate,
            rate=rate,
            pixel_format="yuvj420p" if facts.pixel_format == "yuvj420p" else "yuv420p",
            interlaced=False,
        )
        self._side, self._depth = width, facts.depth

    def _plan(self, times_s: NDArray[np.float64], rate: Fraction) -> None:
        """Which frames of the clip show each frame of the piece: the nearest in time, the last one held."""
        piece = self.piece
        own = times_s[piece.first : piece.stop] - piece.start_s
        shown = np.arange(max(1, math.ceil(piece.length_s * rate - 1e-6))) / float(rate)
        middle = (own[1:] + own[:-1]) / 2
        self._source = piece.first + np.searchsorted(middle, shown, side="right")

    def pts(self, index: int) -> Iterator[int]:
        """The clip's frames that show frame ``index`` of the title."""
        return iter(np.flatnonzero(self._source == index).tolist())

    def planes(self, frame: video.Frame) -> video.Planes:
        """The frame as the clip shows it, 8 bit."""
        parts: list[video.Plane] = []
        for index, plane in enumerate(frame.planes):
            part = plane if self._depth == 8 else (plane >> (self._depth - 8)).astype(np.uint8)
            if self._box is not None:
                half = 2 if index else 1
                left, top = self._box[frame.index - self.piece.first] // half
                part = part[top : top + self._side // half, left : left + self._side // half]
            parts.append(part)
        return scaled((parts[0], parts[1], parts[2]), (self.facts.width, self.facts.height))


def scaled(planes: video.Planes, size: tuple[int, int]) -> video.Planes:
    """Planes at another size.

    Args:
        planes: Y [H, W], U and V [H/2, W/2], uint8 or uint16.
        size: width and height of the luma, even.
    """
    out = []
    for plane, half in zip(planes, (1, 2, 2), strict=True):
        way = cv2.INTER_AREA if plane.shape[1] > size[0] // half else cv2.INTER_CUBIC
        out.append(cv2.resize(np.ascontiguousarray(plane), (size[0] // half, size[1] // half), interpolation=way))
    return out[0], out[1], out[2]  # type: ignore[return-value]


def square(track: FaceTrack, piece: Piece, margin: float) -> tuple[NDArray[np.int64], int]:
    """A steady square around a person's face.

    Args:
        track: the analysis.
        piece: whose face, and when.
        margin: side in face heights.

    Returns:
        Left and top in each frame of the piece, even, int64 [n, 2], and the side, even; inside the picture.
    """
    from scipy.ndimage import gaussian_filter1d

    own = track.of(piece.identity)
    rows = own.rows(slice(*np.searchsorted(own.frame, [piece.first, piece.stop])))
    low, high = rows.landmarks[:, :, :2].min(axis=1), rows.landmarks[:, :, :2].max(axis=1)
    frames = np.arange(piece.first, piece.stop)
    middle = np.stack([np.interp(frames, rows.frame, ((low + high) / 2)[:, i]) for i in (0, 1)], axis=1)
    middle = gaussian_filter1d(middle, max(1.0, _STEADY_S / frame_step(track.times_s)), axis=0, mode="nearest")
    size = float(np.percentile((high - low).max(axis=1), 95))
    side = min(round(margin * size), *track.size.tolist()) // 2 * 2
    corner = np.clip(np.round(middle - side / 2), 0, track.size - side).astype(np.int64) // 2 * 2
    return corner, side


def fitted(width: int, height: int, bounds: Bounds) -> tuple[int, int]:
    """A size of the same shape within the bounds, even; the longest side counts where both cannot be kept.

    Args:
        width: pixels.
        height: pixels.
        bounds: what the system accepts.
    """
    scale = max(1.0, (bounds.shortest_side or 0) / min(width, height))
    scale = min(scale, (bounds.longest_side or math.inf) / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def best_frame(track: FaceTrack, shot: Shot) -> int:
    """The frame of a shot that shows its person best: frontal, sharp, sure, the mouth at rest."""
    own = track.of(shot.identity)
    rows = own.rows(slice(*np.searchsorted(own.frame, [shot.first, shot.stop])))
    poses = fit_poses(rows.landmarks)
    turned = np.abs(poses.angles()[:, :2]).max(axis=1) / 20
    aperture = measured(rows.landmarks, poses)[0][:, 0] / 0.03
    soft = 1 - rows.sharpness / max(float(rows.sharpness.max()), 1e-6)
    return int(rows.frame[np.argmin(turned + aperture + soft + 2 * (1 - rows.confidence))])


def write_still(picture: Path, track: FaceTrack, shot: Shot, out: Path, bounds: Bounds, *, whole: bool) -> str:
    """Write the best frame of a shot as a PNG; why it could not be, or ``""``.

    Args:
        picture: the title.
        track: its analysis.
        shot: the stretch.
        out: PNG.
        bounds: what the system accepts.
        whole: the whole picture instead of a square around the face.
    """
    number = best_frame(track, shot)
    facts = video.probe(picture)
    rgb = next(frame.rgb() for frame in video.read(picture, facts) if frame.index == number)
    if not whole:
        piece = Piece(0, shot.identity, number, number + 1, 0.0, 0.0, 0.0)
        corner, side = square(track, piece, _STILL_MARGIN)
        left, top = corner[0]
        rgb = rgb[top : top + side, left : left + side]
    size = fitted(rgb.shape[1], rgb.shape[0], bounds)
    while True:
        smaller = size[0] < rgb.shape[1]
        scaled = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
        cv2.imwrite(str(out), cv2.cvtColor(scaled, cv2.COLOR_RGB2BGR))
        if out.stat().st_size <= (bounds.picture_bytes or math.inf):
            return ""
        size = (size[0] * 4 // 5 // 2 * 2, size[1] * 4 // 5 // 2 * 2)
        if min(size) < max(bounds.shortest_side or 0, 64):
            return "the still is larger than the system takes"

"""Draw the edits of every person into decoded frames, in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from lipsync_engine import video
from lipsync_engine.blend import compose
from lipsync_engine.cavity import paint
from lipsync_engine.patches import PatchStore, crop
from lipsync_engine.score import Person, Score, faces, shares
from lipsync_engine.warp import Region, active_triangles, region_of, with_neck
from lipsync_engine.warp import field as warp_field

#: Frames whose geometry is computed together; neighbours on each side steady the shape.
_CHUNK, _MARGIN = 200, 5
#: Every so many edited frames the pixels outside the mask are compared with the source.
_CHECK_EVERY = 10


@dataclass(slots=True)
class Checks:
    """What was measured while drawing.

    Attributes:
        edited: frames with at least one changed face.
        outside_max: largest difference outside the mask before encoding; ``None`` if never measured.
        seams: gradient of the change at the patch's edge over that inside it, one value a checked frame.
    """

    edited: int = 0
    outside_max: int | None = None
    seams: list[float] = field(default_factory=list)

    @property
    def seam_ratio(self) -> float | None:
        """Median over the checked frames; ``None`` where no patch was blended."""
        return float(np.median(self.seams)) if self.seams else None


class Painter:
    """Draws what the scores ask for; a context manager, since it holds the observations' pixels."""

    def __init__(self, path: Path, facts: video.VideoFacts, scores: list[tuple[Person, Score]]) -> None:
        size = (facts.width, facts.height)
        self.checks = Checks()
        self._store = PatchStore()
        self._store.gather(path, facts, _wanted_patches(scores, size))
        self._players = [_Player(n, who, score, self._store, size) for n, (who, score) in enumerate(scores)]

    def paint(self, frames: Sequence[video.Frame]) -> list[bool]:
        """Edit consecutive frames in place; for each, whether anything was changed."""
        return [self._paint(frame) for frame in frames]

    def _paint(self, frame: video.Frame) -> bool:
        changed = any([player.draw(frame, self.checks) for player in self._players])
        self.checks.edited += changed
        return changed

    def __enter__(self) -> Painter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.__exit__(kind, error, trace)


def _wanted_patches(
    scores: list[tuple[Person, Score]], size: tuple[int, int]
) -> dict[int, list[tuple[tuple[int, int], Region]]]:
    wanted: dict[int, list[tuple[tuple[int, int], Region]]] = {}
    for number, (who, score) in enumerate(scores):
        visible = who.shape.alpha > 0
        for row in np.unique(score.pick[score.pick >= 0]):
            region = region_of(who.track.landmarks[row][visible, :2].astype(np.float64), size)
            if region is not None:
                wanted.setdefault(int(who.track.frame[row]), []).append(((number, int(row)), region))
    return wanted


class _Player:
    """Draws one person's score, frame after frame."""

    def __init__(self, number: int, who: Person, score: Score, store: PatchStore, size: tuple[int, int]) -> None:
        self._who, self._score, self._store, self._size = who, score, store, size
        self._entry = {int(f): i for i, f in enumerate(score.frame)}
        self._chunk = slice(0, 0)
        self._faces: NDArray[np.float64] = np.zeros((0, 478, 2))
        self._number = number

    def draw(self, frame: video.Frame, done: Checks) -> bool:
        """Edit this person's face in the frame; False where there is nothing to do."""
        at = self._entry.get(frame.index)
        if at is None:
            return False
        who, score = self._who, self._score
        row = int(score.row[at])
        still = who.track.landmarks[row, :, :2].astype(np.float64)
        moved, width = self._face(at), float(who.poses.scale[row] * who.shape.width)
        moved, source = with_neck(moved, still, width)
        alpha = np.zeros(len(moved))
        picks = shares(score, who, at)
        alpha[: len(who.shape.alpha)] = who.shape.alpha * float(score.strength[at]) if picks else 0.0
        triangles = active_triangles(moved, source, alpha)
        region = region_of(np.concatenate([moved, source])[np.unique(triangles)], self._size)
        if region is None:
            return False
        others = [_pad(who.track.landmarks[pick, :, :2], len(moved)) for pick, _ in picks]
        plan = warp_field(moved, [source, *others], alpha, triangles, region)
        observations = [self._store.get((self._number, pick)) for pick, _ in picks]
        check = done.edited % _CHECK_EVERY == 0
        before = frame.planes[0].copy() if check else None
        own = None if picks else crop(frame.planes, region)
        compose(frame.planes, plan, observations, [share for _, share in picks], width)
        if own is not None:
            paint(frame.planes, own, moved, source, width, region)
        if before is not None:
            done.outside_max = max(done.outside_max or 0, _outside(before, frame.planes[0], plan.inside, region))
            done.seams += _seam(before, frame.planes[0], plan.alpha, region)
        return True

    def _face(self, at: int) -> NDArray[np.float64]:
        if not self._chunk.start <= at < self._chunk.stop:
            first = at
            last = min(first + _CHUNK, len(self._score.row))
            padded = slice(max(0, first - _MARGIN), min(len(self._score.row), last + _MARGIN))
            self._faces = faces(self._who, self._score, padded)[first - padded.start :]
            self._chunk = slice(first, last)
        return self._faces[at - self._chunk.start]


def _pad(points: NDArray[np.floating], length: int) -> NDArray[np.float64]:
    """Neck points have no texture in an observation; any place will do, since their weight is 0."""
    out = np.zeros((length, 2))
    out[: len(points)] = points
    out[len(points) :] = points[152]
    return out


def _outside(before: video.Plane, after: video.Plane, inside: NDArray[np.bool_], region: Region) -> int:
    difference = np.abs(before.astype(np.int32) - after.astype(np.int32))
    view = difference[region.top : region.top + region.height, region.left : region.left + region.width]
    view[inside] = 0
    return int(difference.max())


def _seam(before: video.Plane, after: video.Plane, alpha: NDArray[np.float32], region: Region) -> list[float]:
    """Mean gradient of (result - source) where the patch fades out, over that where it is whole."""
    rows = slice(region.top, region.top + region.height)
    columns = slice(region.left, region.left + region.width)
    change = after[rows, columns].astype(np.float32) - before[rows, columns].astype(np.float32)
    down, across = np.gradient(change)
    steep = np.hypot(down, across)
    edge, whole = (alpha > 0) & (alpha < 0.5), alpha > 0.95
    return [float(steep[edge].mean() / max(float(steep[whole].mean()), 1e-3))] if edge.any() and whole.any() else []

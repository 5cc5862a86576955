"""Draw the edit: two streaming passes, one to collect the chosen mouths and one to write the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from lipsync_engine import video
from lipsync_engine.blend import compose
from lipsync_engine.cavity import paint
from lipsync_engine.patches import PatchStore, crop
from lipsync_engine.score import Person, Score, faces, shares
from lipsync_engine.track import Progress
from lipsync_engine.warp import Region, active_triangles, region_of, with_neck
from lipsync_engine.warp import field as warp_field

#: Frames whose geometry is computed together; neighbours on each side steady the shape.
_CHUNK, _MARGIN = 200, 5
#: Every so many edited frames the pixels outside the mask are compared with the source.
_CHECK_EVERY = 10


@dataclass(slots=True)
class Rendering:
    """Facts of one rendering.

    Attributes:
        frames: frames written.
        edited: frames with at least one changed face.
        outside_max: largest difference outside the mask before encoding; ``None`` if never measured.
        seams: gradient of the change at the patch's edge over that inside it, one value a checked frame.
        seconds: time spent by stage.
    """

    frames: int = 0
    edited: int = 0
    outside_max: int | None = None
    seams: list[float] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: {"decode": 0.0, "render": 0.0, "encode": 0.0})

    @property
    def seam_ratio(self) -> float | None:
        """Median over the checked frames; ``None`` where no patch was blended."""
        return float(np.median(self.seams)) if self.seams else None


def render(
    path: Path,
    out: Path,
    scores: list[tuple[Person, Score]],
    *,
    crf: int = 17,
    preset: str = "veryfast",
    progress: Progress | None = None,
) -> Rendering:
    """Write the edited picture, same frames and times as the source.

    Args:
        path: source picture.
        out: picture-only MP4, written under a temporary name and renamed.
        scores: each person and the edit of that person.
        crf: quality of the encode.
        preset: speed of the encode.
        progress: called with (share done, message).
    """
    facts = video.probe(path)
    done = Rendering()
    clock = perf_counter()
    with PatchStore() as store:
        store.gather(path, facts, _wanted_patches(scores, (facts.width, facts.height)))
        done.seconds["decode"] += perf_counter() - clock
        size = (facts.width, facts.height)
        players = [_Player(n, who, score, store, size) for n, (who, score) in enumerate(scores)]
        with video.Writer(out, facts, crf=crf, preset=preset) as writer:
            for frame in _timed(video.read(path, facts), done):
                clock = perf_counter()
                changed = [player.draw(frame, done) for player in players]
                done.edited += any(changed)
                done.seconds["render"] += perf_counter() - clock
                clock = perf_counter()
                writer.write(frame.planes, frame.pts)
                done.seconds["encode"] += perf_counter() - clock
                done.frames += 1
                if progress and done.frames % 25 == 0:
                    progress(min(1.0, done.frames / max(facts.frames, 1)), f"frame {done.frames}")
    return done


def _timed(frames: Iterator[video.Frame], done: Rendering) -> Iterator[video.Frame]:
    while True:
        clock = perf_counter()
        frame = next(frames, None)
        done.seconds["decode"] += perf_counter() - clock
        if frame is None:
            return
        yield frame


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

    def draw(self, frame: video.Frame, done: Rendering) -> bool:
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

"""Training pairs from the title itself: what the engine draws for a frame it may not look at, and that frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.draw.painter import Painter
from lipsync_engine.draw.refine import windows
from lipsync_engine.draw.refine.net import GRID, MOUTHS
from lipsync_engine.faces.geometry import LOWER_OUTER, UPPER_OUTER
from lipsync_engine.media import video
from lipsync_engine.media.window import Region
from lipsync_engine.plan.edit import Score, compose_score, faces
from lipsync_engine.plan.gates import judge
from lipsync_engine.plan.person import Person, knowing
from lipsync_engine.records import BoolArray, FloatArray, MouthPlan, MouthSeries

#: Nothing that the engine shows for a frame was filmed within this many seconds of it.
APART_S = 1.0
#: Share of the speaker's frames, the last ones, that training never sees.
HELD_OUT = 0.15
#: Parts of the rest, each drawn from the others.
_FOLDS = 4
#: In the second pass the library is thinned to this share, so that the engine must show unlike mouths.
_THINNED = 0.3
#: Most frames drawn in a pass; a long title is sampled in stretches of a second.
LIMIT = 2400
#: Fewer frames than this teach nothing.
FEWEST = 60
_BATCH = 8
_CLOSED = 0.012  # of face width: lips that a tracker sees as touching
_DISTANT = 2.0  # standard deviations of a mouth vector at which confidence falls to 1/e


@dataclass(frozen=True, slots=True)
class Samples:
    """Windows of N frames on the network's grid; consecutive rows of one run are consecutive frames.

    Attributes:
        drawn: uint8 [N, 3, G, G], YUV that the engine drew.
        true: uint8 [N, 3, G, G], YUV of the frame.
        mask: uint8 [N, 1, G, G].
        lines: uint8 [N, 1, G, G].
        lips: uint8 [N, 1, G, G], 255 inside the outer lip line.
        confidence: float32 [N].
        mouths: float32 [N, 20].
        follows: bool [N], the row before is the frame before.
    """

    drawn: NDArray[np.uint8]
    true: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    lines: NDArray[np.uint8]
    lips: NDArray[np.uint8]
    confidence: FloatArray
    mouths: FloatArray
    follows: BoolArray

    def __len__(self) -> int:
        return len(self.drawn)

    def part(self, rows: slice) -> Samples:
        """Only some rows."""
        return Samples(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass(frozen=True, slots=True)
class Scale:
    """What normalises mouth vectors, each float32 [4]."""

    middle: FloatArray
    spread: FloatArray


def scale_of(who: Person) -> Scale:
    """The speaker's own mean and spread."""
    return Scale(who.mouth.mean(axis=0), np.maximum(who.mouth.std(axis=0), 0.004).astype(np.float32))


def mouths_at(score: Score, scale: Scale) -> FloatArray:
    """Normalised mouth vectors of t-2 to t+2 for each entry of a score, float32 [E, 20]."""
    values = (score.target - scale.middle) / scale.spread
    entries = np.arange(len(values))
    run = np.cumsum(score.start)
    columns = []
    for step in range(-(MOUTHS // 2), MOUTHS // 2 + 1):
        other = np.clip(entries + step, 0, len(values) - 1)
        columns.append(values[np.where(run[other] == run, other, entries)])
    return np.asarray(np.concatenate(columns, axis=1), np.float32)


def confidence_at(who: Person, score: Score, scale: Scale) -> FloatArray:
    """1 where the shown observation has the wanted mouth, falling as it must be deformed: float32 [E].

    Args:
        who: the person.
        score: the edit of this person, E entries.
        scale: what a mouth's distance is measured by.
    """
    shown = who.mouth[np.maximum(score.pick, 0)]
    far = np.sqrt((((score.target - shown) / scale.spread) ** 2).mean(axis=1))
    return np.where(score.pick >= 0, np.exp(-far / _DISTANT), 0.0).astype(np.float32)


def training_samples(picture: Path, who: Person, out_of_time: Callable[[], bool]) -> tuple[Samples, Samples] | None:
    """Pairs to learn from and pairs to judge by; ``None`` where the title shows too little of the speaker.

    Args:
        picture: the title.
        who: the person, with the whole library.
        out_of_time: asked after every few frames; true ends the collecting of pairs to learn from.
    """
    facts = video.probe(picture)
    usable = who.track.frame[judge(who.track)[0] > 0].astype(np.int64)
    if len(usable) < FEWEST:
        return None
    times = who.track.times_s
    first_held_out = usable[int(len(usable) * (1 - HELD_OUT))]
    held_out = usable[usable >= first_held_out]
    taught = usable[times[usable] < times[first_held_out] - APART_S]
    known = np.zeros(len(times), bool)
    known[taught] = True
    judged = _drawn(picture, facts, who, _stretches(held_out, LIMIT // _FOLDS), known, 1.0, lambda: False)
    passes: list[Samples] = []
    for thinned in (1.0, _THINNED):
        for fold in np.array_split(taught, _FOLDS):
            if not len(fold) or (passes and out_of_time()):
                continue
            apart = (times < times[fold[0]] - APART_S) | (times > times[fold[-1]] + APART_S)
            frames = _stretches(fold, LIMIT // _FOLDS)
            passes.append(_drawn(picture, facts, who, frames, known & apart, thinned, out_of_time))
    learned = [p for p in passes if len(p)]
    return (_joined(learned), judged) if learned and len(judged) else None


def _stretches(frames: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Second-long stretches, evenly spread, of at most so many frames together."""
    if len(frames) <= most:
        return frames
    parts = np.array_split(frames, len(frames) // 25)
    chosen = np.unique(np.linspace(0, len(parts) - 1, max(1, most // 25)).round().astype(int))
    return np.concatenate([parts[i] for i in chosen])


def _drawn(
    picture: Path,
    facts: video.VideoFacts,
    who: Person,
    frames: NDArray[np.int64],
    known: BoolArray,
    keep: float,
    out_of_time: Callable[[], bool],
) -> Samples:
    """The engine's own mouths for ``frames`` from a library that holds only frames that are ``known``."""
    person = knowing(who, known, _spread_out(len(who.library.row), keep))
    if not person.library.moves:
        return _joined([])
    active = np.zeros(len(who.track.times_s), bool)
    active[frames] = True
    score = compose_score(person, _true_plan(who), active)
    if not len(score.row):
        return _joined([])
    pairs: list[Samples] = []
    for pair in _pairs(picture, facts, person, score, scale_of(who)):
        pairs.append(pair)
        if out_of_time():
            break
    return _joined(pairs)


def _spread_out(count: int, keep: float) -> BoolArray:
    """A repeatable choice of about a share ``keep``."""
    return np.random.default_rng(7).random(count) < keep


def _true_plan(who: Person) -> MouthPlan:
    total = len(who.track.times_s)
    values = np.zeros((total, 4), np.float32)
    values[who.track.frame] = who.mouth
    never = np.zeros(total, bool)
    series = MouthSeries(who.track.times_s, values, ~never)
    return MouthPlan(series, closure=values[:, 0] < _CLOSED, labiodental=never, rest=never, speech=~never)


def _pairs(picture: Path, facts: video.VideoFacts, who: Person, score: Score, scale: Scale) -> Iterator[Samples]:
    entry = {int(f): i for i, f in enumerate(score.frame)}
    meshes = faces(who, score, slice(0, len(score.row)))
    mouths, confidence = mouths_at(score, scale), confidence_at(who, score, scale)
    size = (facts.width, facts.height)
    last = int(score.frame[-1])
    painter = Painter(picture, facts, [(who, score)])
    batch: list[video.Frame] = []
    for frame in video.read(picture, facts):
        if frame.index in entry:
            batch.append(frame)
        if batch and (len(batch) == _BATCH or frame.index >= last):
            rows = [entry[f.index] for f in batch]
            widths = who.poses.scale[score.row[rows]] * who.shape.width
            places = [windows.window_of(meshes[r], w, size) for r, w in zip(rows, widths, strict=True)]
            true = [_grid(f.planes, p) for f, p in zip(batch, places, strict=True)]
            painter.paint(batch)
            for f, r, w, place, before in zip(batch, rows, widths, places, true, strict=True):
                if place is not None and before is not None:
                    follows = r > 0 and not score.start[r]
                    yield _sample(f.planes, before, meshes[r], w, place, confidence[r], mouths[r], follows)
            batch = []
        if frame.index >= last:
            break


def _grid(planes: video.Planes, place: Region | None) -> NDArray[np.uint8] | None:
    if place is None:
        return None
    return np.stack([_small(channel) for channel in windows.read(planes, place)])


def _small(image: FloatArray) -> NDArray[np.uint8]:
    way = cv2.INTER_AREA if image.shape[0] > GRID else cv2.INTER_LINEAR
    return np.asarray(np.rint(255 * np.clip(cv2.resize(image, (GRID, GRID), interpolation=way), 0, 1)), np.uint8)


def _sample(
    planes: video.Planes,
    true: NDArray[np.uint8],
    mesh: NDArray[np.float64],
    width_px: float,
    place: Region,
    confidence: np.float32,
    mouths: FloatArray,
    follows: bool,
) -> Samples:
    lips = np.zeros((place.height, place.width), np.float32)
    ring = mesh[[*UPPER_OUTER, *reversed(LOWER_OUTER)], :2] - (place.left, place.top)
    cv2.fillPoly(lips, [np.round(ring).astype(np.int32)], (1.0,))
    planar = (windows.mask_of(mesh, width_px, place), windows.lines_of(mesh, width_px, place), lips)
    mask, lines, inner = (_small(p)[None, None] for p in planar)
    drawn = _grid(planes, place)
    assert drawn is not None
    return Samples(
        drawn[None],
        true[None],
        mask,
        lines,
        inner,
        np.array([confidence], np.float32),
        mouths[None],
        np.array([follows]),
    )


def _joined(parts: Sequence[Samples]) -> Samples:
    if not parts:
        empty = np.zeros((0, 1, GRID, GRID), np.uint8)
        colour = np.zeros((0, 3, GRID, GRID), np.uint8)
        none = np.zeros(0, np.float32)
        return Samples(colour, colour, empty, empty, empty, none, np.zeros((0, 4 * MOUTHS), np.float32), none > 0)
    return Samples(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Samples)})

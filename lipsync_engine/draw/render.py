"""Write the edited picture: decode, paint and encode at the same time; what holds no edit is copied."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.draw.painter import Checks, Painter
from lipsync_engine.faces.track import Progress
from lipsync_engine.media import video
from lipsync_engine.media.segments import Layout, NotDivisibleError, Run, read_runs, survey
from lipsync_engine.media.splice import PartEncoder, SpliceWriter
from lipsync_engine.media.stages import Timed, ahead
from lipsync_engine.plan.edit import Person, Score
from lipsync_engine.records import BoolArray

#: Frames painted together: as many as fit these bytes, so that 4K takes no more memory than 1080p.
_BATCH_BYTES, _BATCH_LIMIT = 64 << 20, 16


@dataclass(slots=True)
class Rendering:
    """Facts of one rendering.

    Attributes:
        frames: frames written.
        copied: frames whose packets were copied.
        checks: what was measured while drawing.
        seconds: how long each stage was busy; they work at the same time.
        notes: why frames were encoded again that nothing was changed in.
        fresh: bool [T], frames that are not from an earlier render; ``None`` where there is none.
    """

    frames: int = 0
    copied: int = 0
    checks: Checks = field(default_factory=Checks)
    seconds: dict[str, float] = field(default_factory=lambda: {"decode": 0.0, "render": 0.0, "encode": 0.0})
    notes: list[str] = field(default_factory=list)
    fresh: BoolArray | None = None


class Corrections(Protocol):
    """Changes frames after they were painted."""

    def apply(self, frames: list[video.Frame]) -> None:
        """Change consecutive edited frames in place."""


@dataclass(frozen=True, slots=True)
class Task:
    """What to write.

    Attributes:
        picture: the title.
        out: picture-only MP4, written under a temporary name and renamed.
        times_s: float64 [T], presentation times of the title's frames.
        edited: bool [T], frames that are drawn into.
        crf: quality of the encode.
        preset: speed of the encode.
        prior: an earlier render, from which frames are taken outside ``fresh``.
        fresh: bool [T], frames that are rendered again where there is an earlier render.
        stop: frames from here on are not written.
        device: where the picture is computed, ``"cpu"`` or ``"cuda"``.
        corrections: what changes the painted frames, where there is anything (residual networks, other pictures).
    """

    picture: Path
    out: Path
    times_s: NDArray[np.float64]
    edited: BoolArray
    crf: int = 17
    preset: str = "veryfast"
    prior: Path | None = None
    fresh: BoolArray | None = None
    stop: int | None = None
    device: str = "cpu"
    corrections: Corrections | None = None


class _Writer(Protocol):
    """Takes frames in order."""

    def write_frame(self, frame: video.Frame) -> None: ...


def render(task: Task, scores: list[tuple[Person, Score]], progress: Progress | None = None) -> Rendering:
    """Write the edited picture, same frames and times as the source.

    Args:
        task: what to write, and where.
        scores: each person and the edit of that person.
        progress: called with (share done, message).

    Raises:
        MediaError: the picture cannot be decoded, or the earlier render is not one of this title.
    """
    clock = perf_counter()
    facts = video.probe(task.picture)
    done = Rendering()
    painter = Painter(task.picture, facts, scores, task.device)
    done.checks = painter.checks
    done.seconds["gather"] = perf_counter() - clock
    studio = _Studio(facts, painter, done, progress, task.edited, task.stop or len(task.times_s), task.corrections)
    if task.stop is not None or not _splice(task, studio):
        _whole(task, studio)
    return done


@dataclass(slots=True)
class _Studio:
    """What the two ways of writing share."""

    facts: video.VideoFacts
    painter: Painter
    done: Rendering
    progress: Progress | None
    edited: BoolArray
    total: int
    corrections: Corrections | None = None

    def run(self, frames: Iterator[video.Frame], writer: _Writer) -> None:
        """Take frames through the stages, in order."""
        decoded = Timed(batches(frames, batch_size(self.facts)))
        with closing(ahead(self._painted(ahead(decoded)))) as painted:
            for batch in painted:
                clock = perf_counter()
                for frame in batch:
                    writer.write_frame(frame)
                self.done.seconds["encode"] += perf_counter() - clock
                self.done.frames += len(batch)
                if self.progress:
                    self.progress(min(1.0, (batch[-1].index + 1) / max(self.total, 1)), f"frame {batch[-1].index + 1}")
        self.done.seconds["decode"] += decoded.seconds

    def _painted(self, batched: Generator[list[video.Frame], None, None]) -> Iterator[list[video.Frame]]:
        with closing(batched), _few_threads():
            for batch in batched:
                clock = perf_counter()
                for edited, part in groupby(batch, self._is_edited):
                    if edited:
                        frames = list(part)
                        self.painter.paint(frames)
                        if self.corrections is not None:
                            self.corrections.apply(frames)
                self.done.seconds["render"] += perf_counter() - clock
                yield batch

    def _is_edited(self, frame: video.Frame) -> bool:
        return frame.index < len(self.edited) and bool(self.edited[frame.index])


@contextmanager
def _few_threads() -> Iterator[None]:
    """Leave the processors to the encoder: the painter's images are small, and idle threads wait by spinning.

    OpenMP keeps its count by thread, so this is called in the painter's own.
    """
    import cv2
    import torch

    before = torch.get_num_threads(), cv2.getNumThreads()
    share = max(1, len(os.sched_getaffinity(0)) // 4)
    torch.set_num_threads(share)
    cv2.setNumThreads(share)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


def batch_size(facts: video.VideoFacts) -> int:
    """How many frames go through the stages together."""
    size = facts.width * facts.height * 3 // 2 * (2 if facts.depth > 8 else 1)
    return max(1, min(_BATCH_LIMIT, _BATCH_BYTES // max(size, 1)))


def batches(frames: Iterator[video.Frame], size: int) -> Generator[list[video.Frame], None, None]:
    """Consecutive frames in lists of at most ``size``; the first are shorter, so that no stage waits long to begin."""
    batch: list[video.Frame] = []
    now = max(1, size // 4)
    for frame in frames:
        if batch and (len(batch) >= now or frame.index != batch[-1].index + 1):
            yield batch
            batch, now = [], min(2 * now, size)
        batch.append(frame)
    if batch:
        yield batch


def _whole(task: Task, studio: _Studio) -> None:
    """Decode and encode every frame."""
    frames = video.read(task.picture, studio.facts)
    with video.Writer(task.out, studio.facts, crf=task.crf, preset=task.preset) as writer:
        studio.run(islice(frames, task.stop), writer)


def _splice(task: Task, studio: _Studio) -> bool:
    """Copy the segments without an edit and encode the others; False where all must be encoded."""
    base = task.prior or task.picture
    wanted = task.edited if task.prior is None or task.fresh is None else task.fresh
    try:
        facts = video.probe(base) if task.prior else studio.facts
        layout = _fitting(survey(base, facts), task.times_s, facts)
        runs = layout.touched(wanted)
        encoder = PartEncoder(facts, layout, task.crf, task.preset)
        if runs == [(0, len(layout.pts))] and not task.prior:
            if layout.open_groups:
                raise NotDivisibleError("frames around its key frames refer to others (open groups of pictures)")
            return False
    except NotDivisibleError as reason:
        if task.prior:
            raise video.MediaError(f"{base.name} cannot be rendered into: {reason}") from reason
        if not wanted.all():
            studio.done.notes.append(f"frames without an edit were encoded again: {reason}")
        return False
    with SpliceWriter(base, task.out, facts, layout, encoder, runs) as writer:
        studio.run(_frames(task, studio.facts, runs, layout), writer)
    if task.prior:
        studio.done.fresh = _inside(runs, len(layout.pts))
    studio.done.copied = len(layout.pts) - studio.done.frames
    studio.done.frames = len(layout.pts)
    return True


def _fitting(layout: Layout, times_s: NDArray[np.float64], facts: video.VideoFacts) -> Layout:
    """The layout, if its frames are those that were analysed."""
    if len(layout.pts) != len(times_s):
        raise NotDivisibleError(f"it holds {len(layout.pts)} frames where {len(times_s)} were analysed")
    if np.abs(layout.pts * float(facts.time_base) - times_s).max() > 0.002:
        raise NotDivisibleError("its frames have other times than those that were analysed")
    return layout


def _frames(task: Task, facts: video.VideoFacts, runs: list[Run], layout: Layout) -> Iterator[video.Frame]:
    """The title's frames of the runs, in order."""
    try:
        own = layout if task.prior is None else _fitting(survey(task.picture, facts), task.times_s, facts)
    except NotDivisibleError:
        inside = _inside(runs, len(layout.pts))
        return (f for f in video.read(task.picture, facts) if f.index < len(inside) and inside[f.index])
    return read_runs(task.picture, facts, own, runs)


def _inside(runs: list[Run], frames: int) -> BoolArray:
    out = np.zeros(frames, bool)
    for a, b in runs:
        out[a:b] = True
    return out

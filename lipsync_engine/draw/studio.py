"""Make the stretches of a picture: decode, paint and encode at the same time, in order, within bounds of memory."""

from __future__ import annotations

import os
from collections.abc import Collection, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from time import perf_counter

from lipsync_engine.draw.film import Film, frames_for, frames_of
from lipsync_engine.draw.painter import Checks, Painter
from lipsync_engine.draw.stretches import Stretch, finished, found, inside, kept, together
from lipsync_engine.draw.task import Rendering, Task
from lipsync_engine.faces.track import Progress
from lipsync_engine.media import video
from lipsync_engine.media.encoders import Packet
from lipsync_engine.media.segments import Run
from lipsync_engine.media.splice import SpliceWriter
from lipsync_engine.media.stages import Timed, ahead
from lipsync_engine.plan.edit import Score
from lipsync_engine.plan.person import Person

#: Frames painted together: as many as fit these bytes, so that 4K takes no more memory than 1080p.
_BATCH_BYTES, _BATCH_LIMIT = 64 << 20, 16


@dataclass(slots=True)
class Studio:
    """Makes the stretches of a picture, in order."""

    task: Task
    facts: video.VideoFacts
    scores: list[tuple[Person, Score]]
    stretches: list[Stretch]
    done: Rendering
    progress: Progress | None

    def write(self, film: Film, writer: SpliceWriter) -> None:
        """Write every stretch, found or made now."""
        shelf = self.task.shelf
        known = {stretch.first: path for stretch in self.stretches if (path := found(stretch, shelf)) is not None}
        fresh = [stretch for stretch in self.stretches if stretch.first not in known]
        self.done.found, self.done.drawn = len(known), sum(stretch.frames for stretch in fresh)
        measured: list[Checks] = []
        with closing(self._made(fresh, film)) as made:
            for stretch in self.stretches:
                path = known.get(stretch.first)
                packets, checks = next(made) if path is None else kept(path)
                writer.write(stretch.first, packets)
                measured.append(checks)
                self._tell(stretch.stop, film)
        self.done.checks = together(measured)

    def _made(self, fresh: list[Stretch], film: Film) -> Generator[tuple[list[Packet], Checks], None, None]:
        """Draw and encode some stretches; each is kept as soon as it is finished."""
        if not fresh:
            return
        clock = perf_counter()
        marked = frames_of(_joined(fresh), len(self.task.times_s))
        own = [(who, inside(score, marked)) for who, score in self.scores]
        painter = Painter(self.task.picture, self.facts, own, self.task.device)
        self.done.seconds["gather"] = perf_counter() - clock
        starts = {stretch.first for stretch in fresh}
        decoded = Timed(
            batches(frames_for(self.task, self.facts, _joined(fresh), film), batch_size(self.facts), starts)
        )
        packets: list[Packet] = []
        waiting = iter(fresh)
        stretch = next(waiting)
        with closing(ahead(self._painted(ahead(decoded), painter, fresh))) as painted:
            for batch, checks in painted:
                clock = perf_counter()
                for frame in batch:
                    packets += film.encoder.encode(frame, int(film.layout.pts[frame.index]))
                ended = batch[-1].index + 1 == stretch.stop
                if ended:
                    packets += film.encoder.finish()
                self.done.seconds["encode"] += perf_counter() - clock
                self._tell(batch[-1].index + 1, film)
                if ended:
                    self._keep(stretch, packets, checks)
                    self.done.seconds["decode"] = decoded.seconds
                    yield packets, checks
                    stretch, packets = next(waiting, stretch), []

    def _tell(self, frames: int, film: Film) -> None:
        if self.progress:
            self.progress(min(1.0, frames / max(len(film.layout.pts), 1)), f"frame {frames}")

    def _keep(self, stretch: Stretch, packets: list[Packet], checks: Checks) -> None:
        if self.task.shelf is not None:
            path = self.task.out.with_suffix(".stretch.npz")
            finished(packets, checks).save(path)
            try:
                self.task.shelf.keep(stretch.key, path)
            finally:
                path.unlink(missing_ok=True)

    def _painted(
        self, batched: Generator[list[video.Frame], None, None], painter: Painter, fresh: list[Stretch]
    ) -> Iterator[tuple[list[video.Frame], Checks]]:
        begins = {stretch.first: stretch for stretch in fresh}
        with closing(batched), _few_threads():
            for batch in batched:
                clock = perf_counter()
                if (stretch := begins.get(batch[0].index)) is not None:
                    painter.begin(stretch.scores)
                for edited, part in groupby(batch, self._is_edited):
                    if edited:
                        frames = list(part)
                        painter.paint(frames)
                        if self.task.corrections is not None:
                            self.task.corrections.apply(frames)
                self.done.seconds["render"] += perf_counter() - clock
                yield batch, painter.checks

    def _is_edited(self, frame: video.Frame) -> bool:
        return frame.index < len(self.task.edited) and bool(self.task.edited[frame.index])


def _joined(stretches: list[Stretch]) -> list[Run]:
    """Their frames, those of neighbours in one run."""
    runs: list[Run] = []
    for stretch in stretches:
        if runs and runs[-1][1] == stretch.first:
            runs[-1] = (runs[-1][0], stretch.stop)
        else:
            runs.append((stretch.first, stretch.stop))
    return runs


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


def batches(
    frames: Iterator[video.Frame], size: int, starts: Collection[int] = ()
) -> Generator[list[video.Frame], None, None]:
    """Consecutive frames in lists of at most ``size``; the first are shorter, so that no stage waits long to begin.

    Args:
        frames: in order.
        size: most frames of one list.
        starts: numbers of frames that begin a list of their own, and the shorter ones again.
    """
    batch: list[video.Frame] = []
    now = first = max(1, size // 4)
    for frame in frames:
        begins = frame.index in starts
        if batch and (len(batch) >= now or begins or frame.index != batch[-1].index + 1):
            yield batch
            batch, now = [], first if begins else min(2 * now, size)
        batch.append(frame)
    if batch:
        yield batch

"""How a picture is put together: what of it is copied, from where, and what is encoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.draw.task import Task
from lipsync_engine.media import video
from lipsync_engine.media.encoders import PartEncoder, WholeEncoder
from lipsync_engine.media.segments import Layout, NotDivisibleError, Run, read_runs, survey
from lipsync_engine.records import BoolArray


@dataclass(frozen=True, slots=True)
class Film:
    """How the picture is put together.

    Attributes:
        facts: of what is written.
        layout: of its frames.
        encoder: of what is not copied.
        runs: frames that are not copied, in order, apart from each other.
        base: what the others are copied from.
    """

    facts: video.VideoFacts
    layout: Layout
    encoder: PartEncoder | WholeEncoder
    runs: list[Run]
    base: Path | None


def film_of(task: Task, facts: video.VideoFacts, notes: list[str]) -> Film:
    """Segments without an edit are copied and the others encoded, where the picture can be divided; else all is.

    Args:
        task: what to write.
        facts: of the title's picture.
        notes: where the reason is noted why frames without an edit are encoded.

    Raises:
        MediaError: the earlier render cannot be rendered into.
    """
    base = task.prior or task.picture
    wanted = task.edited if task.prior is None or task.fresh is None else task.fresh
    if task.stop is None:
        try:
            own = video.probe(base) if task.prior else facts
            layout = _fitting(survey(base, own), task.times_s, own)
            runs = layout.touched(wanted)
            if runs != [(0, len(layout.pts))] or task.prior:
                return Film(own, layout, PartEncoder(own, layout, task.crf, task.preset), runs, base)
            if layout.open_groups:
                raise NotDivisibleError("frames around its key frames refer to others (open groups of pictures)")
        except NotDivisibleError as reason:
            if task.prior:
                raise video.MediaError(f"{base.name} cannot be rendered into: {reason}") from reason
            if not wanted.all():
                notes.append(f"frames without an edit were encoded again: {reason}")
    layout = _alone(task.times_s[: task.stop], facts)
    return Film(facts, layout, WholeEncoder(facts, task.crf, task.preset), [(0, len(layout.pts))], None)


def _alone(times_s: NDArray[np.float64], facts: video.VideoFacts) -> Layout:
    """The layout of a picture that is encoded as a whole."""
    pts = np.round(times_s / float(facts.time_base)).astype(np.int64)
    step = max(1, round(1 / (facts.rate * facts.time_base)))
    return Layout(pts, np.array([0, len(pts)], np.int64), reorder=0, tail=step, open_groups=0, sets=None)


def _fitting(layout: Layout, times_s: NDArray[np.float64], facts: video.VideoFacts) -> Layout:
    """The layout, if its frames are those that were analysed."""
    if len(layout.pts) != len(times_s):
        raise NotDivisibleError(f"it holds {len(layout.pts)} frames where {len(times_s)} were analysed")
    if np.abs(layout.pts * float(facts.time_base) - times_s).max() > 0.002:
        raise NotDivisibleError("its frames have other times than those that were analysed")
    return layout


def frames_for(task: Task, facts: video.VideoFacts, runs: list[Run], film: Film) -> Iterator[video.Frame]:
    """The title's frames of the runs, in order.

    Args:
        task: what to write.
        facts: of the title's picture.
        runs: in order, apart from each other.
        film: how it is put together.
    """
    total = len(film.layout.pts)
    if runs != [(0, total)]:
        try:
            own = film.layout if film.base == task.picture else survey(task.picture, facts)
            return read_runs(task.picture, facts, _fitting(own, task.times_s, facts), runs)
        except NotDivisibleError:
            pass
    wanted, last = frames_of(runs, total), runs[-1][1]
    read = takewhile(lambda frame: frame.index < last, video.read(task.picture, facts))
    return (frame for frame in read if wanted[frame.index])


def frames_of(runs: list[Run], frames: int) -> BoolArray:
    """Which of the title's frames lie in the runs, bool [frames]."""
    out = np.zeros(frames, bool)
    for a, b in runs:
        out[a:b] = True
    return out

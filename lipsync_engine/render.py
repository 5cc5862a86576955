"""Write the edited picture: decode, paint, encode, in one stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from time import perf_counter

from lipsync_engine import video
from lipsync_engine.painter import Checks, Painter
from lipsync_engine.score import Person, Score
from lipsync_engine.track import Progress

#: Frames that are drawn together.
_BATCH = 16


@dataclass(slots=True)
class Rendering:
    """Facts of one rendering.

    Attributes:
        frames: frames written.
        checks: what was measured while drawing.
        seconds: time spent by stage.
    """

    frames: int = 0
    checks: Checks = field(default_factory=Checks)
    seconds: dict[str, float] = field(default_factory=lambda: {"decode": 0.0, "render": 0.0, "encode": 0.0})


def render(
    path: Path,
    out: Path,
    scores: list[tuple[Person, Score]],
    *,
    crf: int = 17,
    preset: str = "veryfast",
    device: str = "cpu",
    progress: Progress | None = None,
) -> Rendering:
    """Write the edited picture, same frames and times as the source.

    Args:
        path: source picture.
        out: picture-only MP4, written under a temporary name and renamed.
        scores: each person and the edit of that person.
        crf: quality of the encode.
        preset: speed of the encode.
        device: where the picture is computed, ``"cpu"`` or ``"cuda"``.
        progress: called with (share done, message).
    """
    facts = video.probe(path)
    done = Rendering()
    clock = perf_counter()
    with Painter(path, facts, scores, device) as painter, video.Writer(out, facts, crf=crf, preset=preset) as writer:
        done.checks = painter.checks
        done.seconds["decode"] += perf_counter() - clock
        frames = _timed(video.read(path, facts), done)
        while batch := list(islice(frames, _BATCH)):
            clock = perf_counter()
            painter.paint(batch)
            done.seconds["render"] += perf_counter() - clock
            clock = perf_counter()
            for frame in batch:
                writer.write(frame.planes, frame.pts)
            done.seconds["encode"] += perf_counter() - clock
            done.frames += len(batch)
            if progress:
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

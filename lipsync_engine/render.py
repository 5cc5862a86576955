"""Write the edited picture: decode, paint and encode at the same time, in bounded batches."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from time import perf_counter

from lipsync_engine import video
from lipsync_engine.painter import Checks, Painter
from lipsync_engine.score import Person, Score
from lipsync_engine.stages import Timed, ahead
from lipsync_engine.track import Progress

#: Frames painted together: as many as fit these bytes, so that 4K takes no more memory than 1080p.
_BATCH_BYTES, _BATCH_LIMIT = 64 << 20, 16


@dataclass(slots=True)
class Rendering:
    """Facts of one rendering.

    Attributes:
        frames: frames written.
        checks: what was measured while drawing.
        seconds: how long each stage was busy; they work at the same time.
        wall_s: how long all of it took.
    """

    frames: int = 0
    checks: Checks = field(default_factory=Checks)
    seconds: dict[str, float] = field(default_factory=lambda: {"decode": 0.0, "render": 0.0, "encode": 0.0})
    wall_s: float = 0.0


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
    started = perf_counter()
    facts = video.probe(path)
    done = Rendering()
    with Painter(path, facts, scores, device) as painter, video.Writer(out, facts, crf=crf, preset=preset) as writer:
        done.checks = painter.checks
        done.seconds["gather"] = perf_counter() - started
        decoded = Timed(batches(video.read(path, facts), batch_size(facts)))
        painted = Timed(_painted(ahead(decoded), painter, done))
        with closing(ahead(painted)) as frames:
            for batch in frames:
                clock = perf_counter()
                for frame in batch:
                    writer.write_frame(frame)
                done.seconds["encode"] += perf_counter() - clock
                done.frames += len(batch)
                if progress:
                    progress(min(1.0, done.frames / max(facts.frames, 1)), f"frame {done.frames}")
        done.seconds["decode"] += decoded.seconds
    done.wall_s = perf_counter() - started
    return done


def batch_size(facts: video.VideoFacts) -> int:
    """How many frames go through the stages together."""
    size = facts.width * facts.height * 3 // 2 * (2 if facts.depth > 8 else 1)
    return max(1, min(_BATCH_LIMIT, _BATCH_BYTES // max(size, 1)))


def batches(frames: Iterator[video.Frame], size: int) -> Iterator[list[video.Frame]]:
    """Consecutive frames in lists of ``size``, the last one shorter."""
    while batch := list(islice(frames, size)):
        yield batch


def _painted(
    batched: Generator[list[video.Frame], None, None], painter: Painter, done: Rendering
) -> Iterator[list[video.Frame]]:
    with closing(batched):
        for batch in batched:
            clock = perf_counter()
            painter.paint(batch)
            done.seconds["render"] += perf_counter() - clock
            yield batch

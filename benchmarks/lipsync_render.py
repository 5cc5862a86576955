"""How long the painter takes: real frames of a title, painted over and over.

python -m benchmarks.lipsync_render VIDEO [--frames 96] [--rounds 3] [--batch 16] [--device cpu] [--analysis F.npz]

Prints CPU milliseconds a frame of the painting thread (the least of the rounds, one torch thread), frames a second,
the stages' share, and the time of one bicubic ``grid_sample`` of 300 x 260 samples, by which machines compare.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as nn

from lipsync_engine.draw import player
from lipsync_engine.draw.painter import Painter
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.mouth import series, speaker_stats
from lipsync_engine.media import video
from lipsync_engine.plan.edit import compose_score
from lipsync_engine.plan.person import person
from lipsync_engine.plan.trajectory import plan_mouth
from lipsync_engine.resync import analyse
from lipsync_engine.speech import espeak

_TEXT = "Buenos días, me llamo Jorge y vivo en Barcelona. Mamá baja la papa blanca, y me gusta mucho esta ciudad. "
_STAGES = ("flow", "load", "compose", "store")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--analysis", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        stored = options.analysis or Path(folder) / "track.npz"
        track = FaceTrack.load(stored) if stored.exists() else analyse(options.video, stored)
        _measure(options, track)


def _measure(options: argparse.Namespace, track: FaceTrack) -> None:
    facts = video.probe(options.video)
    who = person(track, track.identities[0])
    clock = thread_time()
    spoken = espeak.synthesize(_TEXT, espeak.voice_for("es"))
    plan = plan_mouth(spoken.phones, track.times_s, speaker_stats(series(track, track.identities[0])))
    score = compose_score(who, plan, np.ones(len(track.times_s), bool))
    planned = thread_time() - clock
    raw = list(islice(video.read(options.video, facts), options.frames))
    width = float(np.median(who.poses.scale * who.shape.width))
    print(f"{facts.width}x{facts.height} {facts.depth} bit, face {width:.0f} px, {options.device}")
    print(f"plan and selection  {1e3 * planned / max(len(track.times_s), 1):8.2f} ms a frame")
    spent: dict[str, float] = defaultdict(float)
    for name in _STAGES:
        setattr(player, name, _timed(getattr(player, name), name, spent))
    best, wall, count = np.inf, np.inf, 1
    painter = Painter(options.video, facts, [(who, score)], options.device)
    for _ in range(options.rounds + 1):  # the first round warms up
        frames = [_copy(frame) for frame in raw]
        spent.clear()
        began, clock = perf_counter(), thread_time()
        changed = 0
        for first in range(0, len(frames), options.batch):
            changed += sum(painter.paint(frames[first : first + options.batch]))
        if options.device == "cuda":
            torch.cuda.synchronize()
        used = thread_time() - clock
        if used < best:
            best, wall, count, stages = used, perf_counter() - began, max(changed, 1), dict(spent)
    for name in _STAGES:
        print(f"  {name:<18}{1e3 * stages.get(name, 0.0) / count:8.2f} ms a frame")
    print(f"paint               {1e3 * best / count:8.2f} ms CPU a frame, {count / wall:.0f} frames/s ({count} frames)")
    if options.device == "cuda":
        print(f"peak VRAM           {torch.cuda.max_memory_allocated() / 2**20:8.0f} MiB")
    print(f"grid_sample         {1e3 * _unit():8.2f} ms CPU for 300 x 260 bicubic")


def _copy(frame: Any) -> Any:
    """A frame with planes of its own."""
    planes = tuple(plane.copy() for plane in frame.planes)
    return _Copy(frame.index, planes)


class _Copy:
    """What the painter needs of a frame."""

    def __init__(self, index: int, planes: Any) -> None:
        self.index, self.planes = index, planes


def _timed(call: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        clock = thread_time()
        out = call(*arguments)
        spent[name] += thread_time() - clock
        return out

    return timed


def _unit() -> float:
    image, grid = torch.rand(1, 1, 260, 300), torch.rand(1, 260, 300, 2) * 2 - 1
    times = []
    for _ in range(50):
        clock = thread_time()
        nn.grid_sample(image, grid, mode="bicubic", padding_mode="border", align_corners=False)
        times.append(thread_time() - clock)
    return min(times)


if __name__ == "__main__":
    main()

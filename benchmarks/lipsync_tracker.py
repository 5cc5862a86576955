"""Speed of the face tracker's two runners on this machine, and how far their landmarks lie apart.

    python -m benchmarks.lipsync_tracker VIDEO... [--frames 150] [--device cuda]

For each video: frames a second and CPU milliseconds a frame (decoding apart) of the engine's tracker with LiteRT
and with torch; then the distance of landmarks, scaled to a picture 1080 pixels high (its shorter side): median, 99th
percentile and largest over all points and frames. Each frame is looked at around the mesh of the one before, which
makes much of little: the row "from starts 0.01 px apart" is that rule against itself, and no other implementation can
be expected to come nearer.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lipsync_engine.faces.facemesh import regions
from lipsync_engine.faces.facemesh.mesh import SIDE, FaceMesh
from lipsync_engine.faces.facemesh.models import device_named
from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.follow import Follower
from lipsync_engine.media import video

Meshes = dict[int, NDArray[np.float32]]
_CHUNK = 16


class Clip:
    """The first frames of a video."""

    def __init__(self, path: Path, limit: int) -> None:
        facts = video.probe(path)
        self.size = (facts.width, facts.height)
        self.scale = 1080 / min(self.size)
        self.pictures: list[Picture] = []
        for frame in video.read(path, facts):
            if frame.index >= limit:
                break
            self.pictures.append(Picture(frame.planes, facts.colour))


def engine(clip: Clip, mesh: FaceMesh | None, device: str = "cpu") -> Meshes:
    """The engine's follower, one face, as the network gives it (nothing steadied or smoothed)."""
    return followed_by(clip, Follower(1, device, mesh))


def followed_by(clip: Clip, follower: Follower) -> Meshes:
    """The first face of each frame, by a follower that has seen nothing yet."""
    out: Meshes = {}
    for start in range(0, len(clip.pictures), _CHUNK):
        found = follower.take(clip.pictures[start : start + _CHUNK], start)
        out |= {start + i: meshes[0] for i, meshes in enumerate(found) if meshes}
    return out


def followed(clip: Clip, start: NDArray[np.float32], mesh: FaceMesh) -> Meshes:
    """Each frame looked at around the meshes of the frame before, from ``start`` on: the follower's rule."""
    out: Meshes = {0: start}
    for index, picture in enumerate(clip.pictures[1:], 1):
        region = regions.around_landmarks(out[index - 1][None])
        points, _ = mesh(picture.crop(region[0], SIDE, steady=False)[None])
        out[index] = regions.to_picture(points, region, SIDE)[0]
    return out


def same_crops(clip: Clip, reference: Meshes, one: FaceMesh, other: FaceMesh) -> NDArray[np.float64]:
    """Distances in pixels of the crop (192 wide) of two networks on the same crops."""
    crops = [clip.pictures[i].crop(regions.around_landmarks(m[None])[0], SIDE) for i, m in reference.items()]
    a, b = one(np.stack(crops)[::5])[0], other(np.stack(crops)[::5])[0]
    return np.asarray(np.linalg.norm(a - b, axis=2))


def apart(a: Meshes, b: Meshes, scale: float) -> str:
    both = sorted(a.keys() & b.keys())
    if not both:
        return "no frame in common"
    gaps = np.linalg.norm(np.stack([a[i][:, :2] - b[i][:, :2] for i in both]), axis=2) * scale
    return summary(gaps) + f" over {len(both)} frames"


def summary(gaps: NDArray[np.floating[Any]]) -> str:
    return f"median {np.median(gaps):.4f}  p99 {np.percentile(gaps, 99):.4f}  max {gaps.max():.4f}"


def timed(name: str, clip: Clip, run: Callable[[], Meshes]) -> Meshes:
    wall, cpu = perf_counter(), process_time()
    out = run()
    wall, cpu = perf_counter() - wall, process_time() - cpu
    count = len(clip.pictures)
    print(f"  {name:34s} {count / wall:7.1f} frames/s  {1000 * cpu / count:6.2f} CPU ms/frame  {len(out)} meshes")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    device = device_named(options.device)
    if device == "cpu":
        torch.set_num_threads(1)
    for path in options.videos:
        clip = Clip(path, options.frames)
        print(f"{path.name}: {clip.size[0]}x{clip.size[1]}, {len(clip.pictures)} frames, torch on {device}")
        lite, batches = FaceMesh(), FaceMesh(device, torch_on_cpu=device == "cpu")
        single = timed("LiteRT", clip, partial(engine, clip, lite))
        batched = timed("torch, in batches", clip, partial(engine, clip, batches, device))
        print(f"  same crops, pixels of the crop:      {summary(same_crops(clip, single, lite, batches))}")
        print(f"  end to end:                          {apart(batched, single, clip.scale)}")
        if 0 in single:
            one, other = (followed(clip, single[0] + np.float32(step), lite) for step in (0, 0.01))
            print(f"  the rule from starts 0.01 px apart:  {apart(one, other, clip.scale)}")


if __name__ == "__main__":
    main()

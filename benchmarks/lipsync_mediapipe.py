"""The engine's tracker beside MediaPipe's own runner, on whole frames: how far their landmarks lie apart, and CPU time.

    python -m benchmarks.lipsync_mediapipe VIDEO... [--frames 75]

MediaPipe 0.10.21 runs in an environment of its own, which uv makes (Python 3.11, numpy 1). Both are handed the same
frames. MediaPipe follows one face; from its landmarks of each frame the engine finds the region, the crop and the
landmarks of the next, so that nothing adds up (`lipsync_tracker` shows what a followed track makes of a hundredth of a
pixel). Distances are scaled to a picture 1080 pixels high (its shorter side), over all points and frames:

- crops of RGB: as MediaPipe takes them;
- crops of YUV: as the engine takes them, of the decoded planes, rounded to 8 bits before the colours are converted;
- steady crops: as the engine takes them of a large face, four samples a pixel, on purpose (`Picture.crop`).
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.lipsync_tracker import Clip, engine, summary, timed
from lipsync_engine.faces.facemesh import regions
from lipsync_engine.faces.facemesh.mesh import SIDE, FaceMesh

_PYTHON = ["uv", "run", "--quiet", "--isolated", "--no-project", "--python", "3.11"]
_PYTHON += ["--with", "mediapipe==0.10.21", "python", "-c"]
_FOLLOW = """
import sys, time
import mediapipe, numpy
frames = numpy.load(sys.argv[1])
count, height, width, _ = frames.shape
mesh = mediapipe.solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True)
meshes = numpy.full((count, 478, 3), numpy.nan)
wall, cpu = time.perf_counter(), time.process_time()
for index, frame in enumerate(frames):
    for found in mesh.process(frame).multi_face_landmarks or ():
        meshes[index] = [(point.x * width, point.y * height, point.z * width) for point in found.landmark]
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(f"  {'MediaPipe':34s} {count / wall:7.1f} frames/s  {1000 * cpu / count:6.2f} CPU ms/frame")
numpy.save(sys.argv[2], meshes)
"""
Crop = Callable[[int, regions.Regions], NDArray[np.uint8]]


def mediapipe_meshes(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Landmarks of MediaPipe's runner, float64 [n, 478, 3] in pixels, NaN where it sees no face, for [n, H, W, 3]."""
    with tempfile.TemporaryDirectory() as folder:
        seen, found = Path(folder, "frames.npy"), Path(folder, "meshes.npy")
        np.save(seen, frames)
        done = subprocess.run([*_PYTHON, _FOLLOW, str(seen), str(found)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        print(done.stdout, end="")
        meshes: NDArray[np.float64] = np.load(found)
        return meshes


def gaps(reference: NDArray[np.float64], mesh: FaceMesh, crop: Crop) -> NDArray[np.float64]:
    """Pixels between the reference and the engine, [n, 478], each frame from the reference's landmarks before."""
    both = np.isfinite(reference[:-1, 0, 0]) & np.isfinite(reference[1:, 0, 0])
    out = []
    for index in (np.flatnonzero(both) + 1).tolist():
        region = regions.around_landmarks(reference[index - 1][None])
        points, _ = mesh(crop(index, region[0])[None])
        found = regions.to_picture(points, region, SIDE)[0]
        out.append(np.linalg.norm(found[:, :2] - reference[index][:, :2], axis=1))
    return np.array(out)


def of_rgb(frames: NDArray[np.uint8], index: int, region: regions.Regions) -> NDArray[np.uint8]:
    """The crop of a frame in RGB."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    place = regions.matrix(region, SIDE)
    crop: Any = cv2.warpAffine(frames[index], place, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop)


def of_yuv(clip: Clip, steady: bool, index: int, region: regions.Regions) -> NDArray[np.uint8]:
    """The crop of a frame as the engine takes it."""
    return clip.pictures[index].crop(region, SIDE, steady=steady)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=75)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for path in options.videos:
        clip, mesh = Clip(path, options.frames), FaceMesh()
        print(f"{path.name}: {clip.size[0]}x{clip.size[1]}, {len(clip.pictures)} frames")
        frames = np.stack([picture.warped(np.eye(2, 3), clip.size) for picture in clip.pictures])
        reference = mediapipe_meshes(frames)
        timed("engine", clip, partial(engine, clip, mesh))
        crops = {
            "crops of RGB": partial(of_rgb, frames),
            "crops of YUV": partial(of_yuv, clip, False),
            "steady crops": partial(of_yuv, clip, True),
        }
        for name, crop in crops.items():
            print(f"  {name:34s} {summary(gaps(reference, mesh, crop) * clip.scale)}")


if __name__ == "__main__":
    main()

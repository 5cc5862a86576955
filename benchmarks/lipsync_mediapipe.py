"""The engine's tracker beside MediaPipe's own runner, on whole frames: how far their landmarks lie apart, and CPU time.

    python -m benchmarks.lipsync_mediapipe VIDEO... [--frames 75] [--repeats 5]

MediaPipe 0.10.21 runs in an environment of its own, which uv makes (Python 3.11, numpy 1). Both are handed the same
frames, decoded before the clock starts, and follow one face. They take turns; each figure is the least of the repeats,
CPU time of all threads for one frame, the search in the first frame included, reading the networks not:

- MediaPipe: `FaceMesh.process` of RGB frames, which somebody has converted: crop, networks, landmarks;
- conversion: that conversion, of decoded planes to RGB by OpenCV; the engine has none, it converts its crops;
- engine, landmarks: the same job from decoded planes: search, crop (four samples a pixel of a large face), networks,
  landmarks, and whether this is a face;
- engine, all: what the engine keeps of a face besides (`Follower`): its look, its view from the front, the error of
  the mesh by the skin's texture; and the search for small faces in parts of the picture, at first and for newcomers.

Distances: from MediaPipe's landmarks of each frame the engine finds the region, the crop and the landmarks of the
next, so that nothing adds up (`lipsync_tracker` shows what a followed track makes of a hundredth of a pixel). Scaled to
a picture 1080 pixels high (its shorter side), over all points and frames:

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
from time import process_time
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.lipsync_tracker import Clip, Meshes, followed_by, summary
from lipsync_engine.faces.facemesh import regions
from lipsync_engine.faces.facemesh.detector import FaceDetector
from lipsync_engine.faces.facemesh.mesh import SIDE, FaceMesh
from lipsync_engine.faces.follow import Follower, is_face

_PYTHON = ["uv", "run", "--quiet", "--isolated", "--no-project", "--python", "3.11"]
_PYTHON += ["--with", "mediapipe==0.10.21", "python", "-c"]
_FOLLOW = """
import sys, time
import mediapipe, numpy
frames = numpy.load(sys.argv[1])
count, height, width, _ = frames.shape
for _ in sys.stdin:
    mesh = mediapipe.solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True)
    meshes = numpy.full((count, 478, 3), numpy.nan)
    cpu = time.process_time()
    found = [mesh.process(frame).multi_face_landmarks for frame in frames]
    cpu = time.process_time() - cpu
    for index, faces in enumerate(found):
        for face in faces or ():
            meshes[index] = [(point.x * width, point.y * height, point.z * width) for point in face.landmark]
    mesh.close()
    numpy.save(sys.argv[2], meshes)
    print(cpu, flush=True)
"""
Crop = Callable[[int, regions.Regions], NDArray[np.uint8]]


class MediaPipe:
    """MediaPipe's runner in a process of its own, for frames, uint8 [n, H, W, 3]."""

    def __init__(self, frames: NDArray[np.uint8], folder: Path) -> None:
        seen, self._found = folder / "frames.npy", folder / "meshes.npy"
        np.save(seen, frames)
        self._process = subprocess.Popen(
            [*_PYTHON, _FOLLOW, str(seen), str(self._found)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __call__(self) -> float:
        """Follow through the frames once; CPU seconds."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        if not said:
            raise SystemExit(f"MediaPipe's runner failed: {' '.join(_PYTHON)} ... ended with {self._process.wait()}")
        return float(said)

    def meshes(self) -> NDArray[np.float64]:
        """Its landmarks, float64 [n, 478, 3] in pixels, NaN where it saw no face."""
        found: NDArray[np.float64] = np.load(self._found)
        return found

    def close(self) -> None:
        self._process.communicate()


def landmarks(clip: Clip, mesh: FaceMesh, detector: FaceDetector) -> Meshes:
    """One face found in the first frame and followed, by the engine's networks and rules, and nothing else."""
    out: Meshes = {}
    around: regions.Regions | None = None
    for index, picture in enumerate(clip.pictures):
        if around is None:
            faces = detector.find(picture)
            if not faces:
                continue
            around = regions.around_boxes(faces[0].box[None], faces[0].eyes[None])
        points, presence = mesh(picture.crop(around[0], SIDE)[None])
        found = regions.to_picture(points, around, SIDE)
        if is_face(found[0], float(presence[0]), picture):
            out[index], around = found[0], regions.around_landmarks(found)
        else:
            around = None
    return out


def converted(clip: Clip) -> None:
    """Every frame in RGB, by OpenCV."""
    for picture in clip.pictures:
        y, u, v = (np.asarray(plane) for plane in picture.planes)
        flat = np.concatenate([y.ravel(), u.ravel(), v.ravel()]).reshape(-1, y.shape[1])
        cv2.cvtColor(flat, cv2.COLOR_YUV2RGB_I420)


def cpu_of(run: Callable[[], object]) -> float:
    """CPU seconds."""
    start = process_time()
    run()
    return process_time() - start


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


def compared(clip: Clip, folder: Path, repeats: int) -> None:
    """Print the figures of one clip."""
    mesh, detector = FaceMesh(), FaceDetector()
    frames = np.stack([picture.warped(np.eye(2, 3), clip.size) for picture in clip.pictures])
    theirs = MediaPipe(frames, folder)
    runs: dict[str, Callable[[], float]] = {
        "MediaPipe": theirs,
        "conversion to RGB": partial(cpu_of, partial(converted, clip)),
        "engine, landmarks": partial(cpu_of, partial(landmarks, clip, mesh, detector)),
        "engine, all": lambda: cpu_of(partial(followed_by, clip, Follower(1, mesh=mesh))),
    }
    turns = [{name: run() for name, run in runs.items()} for _ in range(repeats)]
    theirs.close()
    for name in runs:
        least, most = (1000 * end(turn[name] for turn in turns) / len(clip.pictures) for end in (min, max))
        print(f"  {name:34s} {least:6.2f} CPU ms/frame  (most {most:.2f})")
    crops = {
        "crops of RGB": partial(of_rgb, frames),
        "crops of YUV": partial(of_yuv, clip, False),
        "steady crops": partial(of_yuv, clip, True),
    }
    for name, crop in crops.items():
        print(f"  {name:34s} {summary(gaps(theirs.meshes(), mesh, crop) * clip.scale)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=75)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for path in options.videos:
        clip = Clip(path, options.frames)
        print(f"{path.name}: {clip.size[0]}x{clip.size[1]}, {len(clip.pictures)} frames, {options.repeats} repeats")
        with tempfile.TemporaryDirectory() as folder:
            compared(clip, Path(folder), options.repeats)


if __name__ == "__main__":
    main()

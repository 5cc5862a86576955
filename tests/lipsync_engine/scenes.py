"""Scenes put together from the test media, so that it is known who is where: crossings, late arrivals, losses, cuts."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media import video
from tests.speech_media import recording

Rgb = NDArray[np.uint8]
GRID = "lipnet-grid/evaluation/samples/GRID/{}.mpg"


def frames_of(name: str, limit: int = 75, start: int = 0) -> list[Rgb]:
    """Frames of a clip as RGB."""
    path = recording(name)
    out = []
    for frame in video.read(path, video.probe(path)):
        if frame.index >= start + limit:
            break
        if frame.index >= start:
            out.append(frame.rgb())
    return out


def write(path: Path, frames: Iterable[Rgb], rate: int = 25) -> Path:
    """A clip of RGB frames of one size, near lossless."""
    process = None
    for rgb in frames:
        if process is None:
            size = f"{rgb.shape[1]}x{rgb.shape[0]}"
            raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", str(rate), "-i", "-"]
            coded = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-pix_fmt", "yuv420p", str(path)]
            process = subprocess.Popen(["ffmpeg", "-v", "error", "-y", *raw, *coded], stdin=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write(np.ascontiguousarray(rgb).tobytes())
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait() == 0
    return path


def wall(width: int, height: int, seed: int = 0) -> Rgb:
    """A softly textured background."""
    noise = np.random.default_rng(seed).integers(60, 190, (height // 40 + 1, width // 40 + 1, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def put(scene: Rgb, sprite: Rgb, left: float, top: float) -> None:
    """Draw a sprite into the scene, cut off at its edges."""
    x, y = round(left), round(top)
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(scene.shape[1], x + sprite.shape[1]), min(scene.shape[0], y + sprite.shape[0])
    if x1 > x0 and y1 > y0:
        scene[y0:y1, x0:x1] = sprite[y0 - y : y1 - y, x0 - x : x1 - x]


def person(frame: Rgb) -> Rgb:
    """Head and shoulders out of a GRID frame."""
    return frame[40:288, 90:270]

"""Small lip-sync systems for tests: they hear only the speech, and move the mouth of what they are given by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import soundfile as sf

from lipsync_engine.faces.geometry import INNER_BOTTOM, INNER_TOP, OUTER_BOTTOM
from lipsync_engine.faces.track import MeshSource, track_faces
from lipsync_engine.media import video
from tasks.lipsync.reanimate import Limits, Takes
from tests.lipsync_engine.scenes import Rgb, write


def frames_of(path: Path) -> list[Rgb]:
    """All pictures of a clip; one of a still."""
    if path.suffix == ".png":
        return [np.asarray(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB), np.uint8)]
    return [frame.rgb() for frame in video.read(path, video.probe(path))]


def loudness(speech: Path, rate: float, frames: int) -> np.ndarray:
    """Level of each frame's sound, 0 to 1."""
    samples, hertz = sf.read(speech)
    size = hertz / rate
    parts = [samples[int(i * size) : int((i + 1) * size) + 1] for i in range(frames)]
    level = np.array([float(np.sqrt((part**2).mean())) if len(part) else 0.0 for part in parts])
    return np.asarray(np.clip(level / max(np.percentile(level, 90), 1e-4), 0, 1))


def opened(rgb: Rgb, mesh: np.ndarray, by: float) -> Rgb:
    """The picture with the lower face moved down by a share of the face's height, and a dark mouth between."""
    top, bottom, chin = mesh[INNER_TOP, :2], mesh[INNER_BOTTOM, :2], mesh[152, :2]
    height = float(np.ptp(mesh[:, 1]))
    half = float(abs(mesh[291, 0] - mesh[61, 0])) / 2
    drop = by * height
    line = (top[1] + bottom[1]) / 2
    y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]].astype(np.float32)
    across = np.clip(1 - ((x - top[0]) / (1.15 * half)) ** 2, 0, 1)
    down = np.clip((y - line) / 2 + 0.5, 0, 1) * np.clip((chin[1] + 0.25 * height - y) / (0.4 * height), 0, 1)
    moved = cv2.remap(rgb, x, y - drop * across * down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    lip = float(mesh[OUTER_BOTTOM, 1] - mesh[INNER_BOTTOM, 1])
    if drop > 0.5:
        centre = (int(16 * top[0]), int(16 * (line + drop / 2)))
        axes = (int(16 * 0.8 * half), int(16 * max(drop / 2 - 0.1 * lip, 0.3)))
        cv2.ellipse(moved, centre, axes, 0, 0, 360, (45, 16, 16), -1, cv2.LINE_AA, 4)
    return np.asarray(moved, np.uint8)


@dataclass
class Warper:
    """Opens the mouth by the loudness of the speech.

    Attributes:
        takes: what it is given.
        limits: what it accepts.
        late: frames by which what it returns is late.
        rate: frames a second of what it returns; None: as it was given.
        scale: size of what it returns.
        keep: share of the length that it returns.
        blur: standard deviation of the blur of what it returns, in pixels.
        still: an opening that it keeps, whatever it hears.
        seen: what it was given: number of frames, size, and seconds of speech.
    """

    takes: Takes = "video"
    limits: Limits = field(default_factory=Limits)
    late: int = 0
    rate: int | None = None
    scale: float = 1.0
    keep: float = 1.0
    blur: float = 0.0
    still: float | None = None

    def __post_init__(self) -> None:
        self.seen: list[tuple[int, tuple[int, int], float]] = []

    def fingerprint(self) -> str:
        return f"warper-{self}"

    def missing(self) -> list[str]:
        return []

    def cost_usd(self, seconds: float) -> float:
        return 0.1 * seconds

    def reanimate(self, picture: Path, speech: Path, out: Path, progress: object) -> None:
        frames, meshes = frames_of(picture), []
        if self.takes == "portrait":
            rate = 25.0
            mesh = MeshSource(1).find(frames[0])[0]
            frames = frames * round(sf.info(speech).duration * rate)
            meshes = [mesh] * len(frames)
        else:
            rate = float(video.probe(picture).rate)
            track = track_faces(picture, faces=1)
            meshes = [track.landmarks[int(np.abs(track.frame - i).argmin())] for i in range(len(frames))]
        self.seen.append((len(frames), (frames[0].shape[1], frames[0].shape[0]), sf.info(speech).duration))
        level = loudness(speech, rate, len(frames))
        amount = np.full(len(frames), self.still) if self.still is not None else 0.09 * level
        done = [opened(f, m, float(a)) for f, m, a in zip(frames, meshes, amount, strict=True)]
        done = done[:1] * self.late + done[: len(done) - self.late]
        done = done[: max(1, round(self.keep * len(done)))]
        if self.rate:
            count = round(len(done) / rate * self.rate)
            done = [done[min(len(done) - 1, round(i * rate / self.rate))] for i in range(count)]
        if self.blur:
            done = [cv2.GaussianBlur(f, (0, 0), self.blur) for f in done]
        if self.scale != 1:
            size = [round(side * self.scale / 2) * 2 for side in done[0].shape[1::-1]]
            done = [cv2.resize(f, size, interpolation=cv2.INTER_AREA) for f in done]
        write(out, done, self.rate or round(rate))


@dataclass
class Other:
    """Returns the clip of somebody else."""

    clip: Path
    takes: Takes = "video"
    limits: Limits = field(default_factory=Limits)

    def fingerprint(self) -> str:
        return "other-1"

    def missing(self) -> list[str]:
        return []

    def cost_usd(self, seconds: float) -> float:
        return 0.0

    def reanimate(self, picture: Path, speech: Path, out: Path, progress: object) -> None:
        out.write_bytes(self.clip.read_bytes())

"""Make a still speak: slight motion and blinks first, then the same edit as for any title."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lipsync_engine.blink import blink_landmarks, blinks, eye_triangles
from lipsync_engine.draw.player import deform
from lipsync_engine.faces.track import MeshSource, Progress
from lipsync_engine.media import video
from lipsync_engine.media.audio import load_mono
from lipsync_engine.records import Phone
from lipsync_engine.report import EngineReport
from lipsync_engine.resync import Options, analyse, resync

RATE = Fraction(25)
#: Sway of the head: amplitude in face widths and period in seconds of two incommensurate motions.
_SWAY = ((0.010, 5.3), (0.006, 3.1))
_TURN_DEGREES = 0.9
#: Where the picture no longer bends: distance from the head's middle in head sizes.
_FAR = 2.2
#: Limits of the picture's long side; larger stills are reduced to what H.264 players decode everywhere.
_LONGEST = 3840


def animate(
    image: Path,
    audio: Path,
    phones: tuple[Phone, ...],
    out: Path,
    options: Options | None = None,
    progress: Progress | None = None,
) -> EngineReport:
    """Write a picture-only MP4 of a still that speaks, as long as the audio.

    Args:
        image: photograph or drawing.
        audio: what is heard.
        phones: what is said, on its clock.
        out: appears when complete.
        options: how to edit.
        progress: called with (share done, message).

    Raises:
        MediaError: the image cannot be read, or shows no face.
        AudioError: the audio cannot be decoded.
    """
    rgb = _read(image)
    found = MeshSource(1).find(rgb, 0)
    if not found:
        raise video.MediaError(f"{image.name} shows no face that the tracker can find")
    seconds = len(load_mono(audio, 16000)) / 16000
    frames = max(1, int(np.ceil(seconds * RATE)))
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".portrait") as folder:
        moving = Path(folder) / "moving.mp4"
        _write_moving(moving, rgb, found[0][:, :2].astype(np.float64), frames)
        track = analyse(moving, Path(folder) / "track.npz", progress=progress)
        return resync(moving, audio, phones, track, out, options, progress)


def _read(image: Path) -> NDArray[np.uint8]:
    data = cv2.imread(str(image), cv2.IMREAD_COLOR)
    if data is None:
        raise video.MediaError(f"{image.name} cannot be read as an image")
    scale = min(1.0, _LONGEST / max(data.shape[:2]))
    if scale < 1:
        data = cv2.resize(data, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = (side // 2 * 2 for side in data.shape[:2])
    return np.asarray(cv2.cvtColor(data[:height, :width], cv2.COLOR_BGR2RGB), np.uint8)


def _write_moving(out: Path, rgb: NDArray[np.uint8], face: NDArray[np.float64], frames: int) -> None:
    import av

    native = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    native = native.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)
    height, width = rgb.shape[:2]
    base = Fraction(1, 25 * 512)
    facts = video.VideoFacts(width, height, 0, base, RATE, "yuv420p", (1, 1, 1, 1), frames)
    planes = video.planes_of(native, facts)
    closing = blinks(frames, float(RATE))
    sway = _Sway(face, width, height)
    with video.Writer(out, facts, crf=10) as writer:
        for index in range(frames):
            drawn = tuple(plane.copy() for plane in planes)
            if closing[index] > 0:
                moved = blink_landmarks(face, float(closing[index]))
                deform((drawn[0], drawn[1], drawn[2]), face, moved, eye_triangles())
            sway.move((drawn[0], drawn[1], drawn[2]), index / float(RATE))
            writer.write((drawn[0], drawn[1], drawn[2]), index * 512)


class _Sway:
    """Slight motion of a head: the picture is only computed again where it bends.

    Args:
        face: float64 [P, 2], the landmarks.
        width: of the picture.
        height: of the picture.
    """

    def __init__(self, face: NDArray[np.float64], width: int, height: int) -> None:
        self._unit = float(np.ptp(face[:, 0]))
        reach, left, top = _falloff(face, width, height)
        pivot = face.mean(axis=0) + np.array([0.0, 0.6 * np.ptp(face[:, 1])])
        y, x = np.mgrid[: reach.shape[0], : reach.shape[1]].astype(np.float32)
        fields = (reach, reach * (y + np.float32(top - pivot[1])), reach * (x + np.float32(left - pivot[0])))
        rows, columns = (side // 2 for side in reach.shape)
        half = tuple(cv2.resize(f, (columns, rows), interpolation=cv2.INTER_AREA) / np.float32(2) for f in fields)
        self._luma = _Bend(left, top, (x, y), fields)
        self._chroma = _Bend(left // 2, top // 2, (x[:rows, :columns], y[:rows, :columns]), half)

    def move(self, planes: video.Planes, time_s: float) -> None:
        """Bend a picture in place as the head lies at a moment."""
        (far, slow), (near, quick) = _SWAY
        shift_x = far * np.sin(2 * np.pi * time_s / slow) + near * np.sin(2 * np.pi * time_s / quick)
        shift_y = near * (np.sin(2 * np.pi * time_s / quick + 1.0) - np.sin(1.0))
        angle = np.radians(_TURN_DEGREES) * np.sin(2 * np.pi * time_s / (1.7 * slow))
        for plane, bend in zip(planes, (self._luma, self._chroma, self._chroma), strict=True):
            bend.apply(plane, self._unit * shift_x, self._unit * shift_y, angle)


@dataclass(frozen=True, slots=True)
class _Bend:
    """The part of a plane that bends, and how: its corner, its grid, and what a shift and a turn move there."""

    left: int
    top: int
    grid: tuple[NDArray[np.float32], NDArray[np.float32]]
    fields: tuple[NDArray[np.float32], ...]

    def apply(self, plane: video.Plane, shift_x: float, shift_y: float, angle: float) -> None:
        reach, below, beside = self.fields
        x, y = self.grid
        from_x = x + cv2.addWeighted(reach, -shift_x, below, angle, 0)
        from_y = y + cv2.addWeighted(reach, -shift_y, beside, -angle, 0)
        part = plane[self.top : self.top + x.shape[0], self.left : self.left + x.shape[1]]
        part[:] = cv2.remap(part.copy(), from_x, from_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _falloff(face: NDArray[np.float64], width: int, height: int) -> tuple[NDArray[np.float32], int, int]:
    """1 on the head, easing to 0 at two head sizes, so that the background hardly bends; and its (left, top).

    It covers the part of the picture that is not 0, widened to even sides.
    """
    centre = face.mean(axis=0) - np.array([0.0, 0.1 * np.ptp(face[:, 1])])
    size = np.array([np.ptp(face[:, 0]), np.ptp(face[:, 1])])
    limit = np.array([width, height])
    low = np.clip((centre - _FAR * size) // 2 * 2, 0, limit).astype(int)
    high = np.clip(-((centre + _FAR * size) // -2) * 2, 0, limit).astype(int)
    y, x = np.mgrid[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    distance = np.hypot((x - np.float32(centre[0])) / size[0], (y - np.float32(centre[1])) / size[1])
    ease = np.clip((_FAR - distance) / 1.4, 0, 1)
    return np.asarray(ease * ease * (3 - 2 * ease), np.float32), int(low[0]), int(low[1])

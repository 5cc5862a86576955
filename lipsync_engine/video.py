"""Streaming decode and encode of native YUV planes with true presentation times."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8] | NDArray[np.uint16]
Planes = tuple[Plane, Plane, Plane]
#: Players show H.264 4:2:0 everywhere; anything else is converted on decode.
_NATIVE = {"yuv420p": "yuv420p", "yuvj420p": "yuvj420p", "yuv420p10le": "yuv420p10le"}


class MediaError(ValueError):
    """The input has no decodable picture (or sound) where one is needed."""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What must be kept from the source picture.

    Attributes:
        width: displayed width in pixels (after rotation).
        height: displayed height in pixels.
        rotation: quarter turns anticlockwise that bring the stored picture upright, 0 to 3.
        time_base: seconds for one unit of presentation time.
        rate: average frames per second.
        pixel_format: of the planes handed out: 8 bit or 10 bit 4:2:0.
        colour: (primaries, transfer, matrix, range) as FFmpeg numbers them.
        frames: estimated number of frames, 0 where unknown.
    """

    width: int
    height: int
    rotation: int
    time_base: Fraction
    rate: Fraction
    pixel_format: str
    colour: tuple[int, int, int, int]
    frames: int

    @property
    def depth(self) -> int:
        """Bits a sample."""
        return 10 if "10" in self.pixel_format else 8


@dataclass(slots=True)
class Frame:
    """One decoded picture: number, presentation time (units of ``time_base``; seconds) and YUV planes."""

    index: int
    pts: int
    time_s: float
    planes: Planes
    _native: Any
    _rotation: int

    def rgb(self) -> NDArray[np.uint8]:
        """Upright 8-bit RGB copy, uint8 [H, W, 3], for the face tracker."""
        return np.ascontiguousarray(np.rot90(self._native.to_ndarray(format="rgb24"), self._rotation))


def _open(path: Path) -> tuple[Any, Any]:
    import av

    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"cannot open {path.name}: {error}") from error
    if not container.streams.video:
        container.close()
        raise MediaError(f"{path.name} has no picture stream")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return container, stream


def _pixel_format(name: str) -> str:
    import av

    if name in _NATIVE:
        return name
    deep = any(component.bits > 8 for component in av.VideoFormat(name, 16, 16).components)
    return "yuv420p10le" if deep else "yuv420p"


def probe(path: Path) -> VideoFacts:
    """Facts of the picture, from the headers and the first frame (which carries the display matrix).

    Raises:
        MediaError: no picture can be decoded.
    """
    container, stream = _open(path)
    with container:
        first = next(container.decode(stream), None)
        if first is None:
            raise MediaError(f"{path.name} has no decodable frame")
        turns = round(first.rotation / 90) % 4
        width, height = (first.height, first.width) if turns % 2 else (first.width, first.height)
        codec = stream.codec_context
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        frames = stream.frames or round(float((container.duration or 0) / 1e6) * float(rate))
        colour = (codec.color_primaries, codec.color_trc, codec.colorspace, codec.color_range)
        numbers = tuple(int(value) for value in colour)
        return VideoFacts(
            width=width,
            height=height,
            rotation=turns,
            time_base=stream.time_base,
            rate=Fraction(rate),
            pixel_format=_pixel_format(first.format.name),
            colour=(numbers[0], numbers[1], numbers[2], numbers[3]),
            frames=frames,
        )


def planes_of(frame: Any, facts: VideoFacts) -> Planes:
    """Upright copies of the planes of a decoded frame that has the facts' pixel format."""
    kind: type[np.uint8] | type[np.uint16] = np.uint16 if facts.depth > 8 else np.uint8
    out = []
    for plane in frame.planes[:3]:
        rows = np.frombuffer(plane, kind).reshape(plane.height, -1)[:, : plane.width]
        out.append(np.array(np.rot90(rows, facts.rotation)))
    return out[0], out[1], out[2]


def read(path: Path, facts: VideoFacts) -> Iterator[Frame]:
    """Decode every frame in presentation order; times start where the container starts.

    Raises:
        MediaError: the file cannot be opened.
    """
    container, stream = _open(path)
    with container:
        base = facts.time_base
        origin = round(Fraction(container.start_time or 0, 1_000_000) / base)
        step = max(1, round(1 / (facts.rate * base)))
        last = -step
        for index, native in enumerate(container.decode(stream)):
            pts = last + step if native.pts is None else max(native.pts - origin, last + 1)
            last = pts
            if native.format.name != facts.pixel_format:
                native = native.reformat(format=facts.pixel_format)
            yield Frame(index, pts, float(pts * base), planes_of(native, facts), native, facts.rotation)


class Writer:
    """Picture-only MP4 with the source's times, depth and colour tags; appears at ``path`` when closed well.

    Sizes that 4:2:0 H.264 cannot hold (odd) grow by one repeated pixel.
    """

    def __init__(self, path: Path, facts: VideoFacts, *, crf: int = 17, preset: str = "veryfast") -> None:
        import av

        self._path, self._facts = path, facts
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.part.mp4")
        self._container = av.open(str(self._temporary), "w", format="mp4")
        stream = self._container.add_stream("libx264", rate=facts.rate)
        stream.width, stream.height = facts.width + facts.width % 2, facts.height + facts.height % 2
        stream.pix_fmt = facts.pixel_format
        stream.time_base = facts.time_base
        stream.codec_context.time_base = facts.time_base
        # macroblock-tree rate control sums floats in an order that differs between runs: same input, other bytes
        stream.options = {"crf": str(crf), "preset": preset, "x264-params": "mbtree=0"}
        codec = stream.codec_context
        codec.color_primaries, codec.color_trc, codec.colorspace, codec.color_range = facts.colour
        self._stream, self._frame_size = stream, (stream.width, stream.height)

    def write(self, planes: Planes, pts: int) -> None:
        """Encode one frame at its presentation time."""
        import av

        width, height = self._frame_size
        frame = av.VideoFrame(width, height, self._facts.pixel_format)
        for plane, samples in zip(frame.planes, planes, strict=False):
            target: Any = np.frombuffer(cast(Any, plane), samples.dtype).reshape(plane.height, -1)
            rows, columns = samples.shape
            target[:rows, :columns] = samples
            target[rows:, :columns] = samples[-1:]
            target[:, columns:] = target[:, columns - 1 : columns]  # the encoder reads past the width, too
        frame.pts, frame.time_base = pts, self._facts.time_base
        frame.colorspace, frame.color_range = self._facts.colour[2:]
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
        if kind is None:
            os.replace(self._temporary, self._path)
        else:
            self._temporary.unlink(missing_ok=True)

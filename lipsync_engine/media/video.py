"""Streaming decode and encode of native YUV planes with true presentation times."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.opening import opened, picture_of
from lipsync_engine.media.staging import staged

Plane = NDArray[np.uint8] | NDArray[np.uint16]
Planes = tuple[Plane, Plane, Plane]
#: Players show H.264 4:2:0 everywhere; anything else is converted on decode.
_NATIVE = {"yuv420p": "yuv420p", "yuvj420p": "yuvj420p", "yuv420p10le": "yuv420p10le"}

#: FFmpeg's numbers of the transfer functions of HDR.
_PQ, _HLG = 16, 18
#: OpenCV's number of the instruction set (cvdef.h).
_AVX_512 = 13
#: Fixed, because the number of threads changes what x264 decides; more do not help two processors, nor hurt them.
_THREADS = 8
_X265_THREADS = "pools=4:frame-threads=2"


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
        aspect: width over height of an upright pixel.
        stored_format: pixel format of the stored picture, before any conversion.
        interlaced: the picture is stored as fields.
        mastering: HDR10's mastering display as x264 writes it; empty for none.
        light: ``MaxCLL,MaxFALL`` in cd/m2; empty for none.
    """

    width: int
    height: int
    rotation: int
    time_base: Fraction
    rate: Fraction
    pixel_format: str
    colour: tuple[int, int, int, int]
    frames: int
    aspect: Fraction = Fraction(1)
    stored_format: str = ""
    interlaced: bool = False
    mastering: str = ""
    light: str = ""

    @property
    def hdr(self) -> bool:
        """Whether it is PQ or HLG, in ten bits."""
        return self.depth > 8 and self.colour[1] in (_PQ, _HLG)

    @property
    def depth(self) -> int:
        """Bits a sample."""
        return 10 if "10" in self.pixel_format else 8


class Frame:
    """One decoded picture: number, presentation time (units of ``time_base``; seconds) and its planes.

    The planes are made when they are first asked for, upright and free to be changed: what is written there is what
    the encoder gets. A frame whose planes nobody asks for goes to the encoder as it came from the decoder.

    Args:
        index: number of the frame, from 0.
        pts: presentation time, units of the time base.
        native: the decoder's own picture.
        facts: of the picture.
    """

    __slots__ = ("_facts", "_native", "_own", "_planes", "index", "pts", "time_s")

    def __init__(self, index: int, pts: int, native: Any, facts: VideoFacts) -> None:
        self.index, self.pts = index, pts
        self.time_s = float(pts * facts.time_base)
        self._native, self._facts = native, facts
        self._own: Any = None
        self._planes: Planes | None = None

    @property
    def planes(self) -> Planes:
        """Writable Y, U and V, upright: uint8 or uint16, [H, W] and twice half of that (rounded up)."""
        if self._planes is None:
            self._own, self._planes = _own_picture(self._native, self._facts)
        return self._planes

    def rgb(self) -> NDArray[np.uint8]:
        """Upright 8-bit RGB copy of the decoded picture, uint8 [H, W, 3], for the face tracker."""
        return np.ascontiguousarray(np.rot90(self._native.to_ndarray(format="rgb24"), self._facts.rotation))

    def picture(self) -> Any:
        """The frame for an encoder, with even sides and what was written into the planes."""
        facts = self._facts
        if self._own is None:
            plain = not facts.rotation and self._native.format.name == facts.pixel_format
            if plain and not (self._native.width % 2 or self._native.height % 2):
                return self._native
            self._own, self._planes = _own_picture(self._native, facts)
        _repeat_edges(self._own, facts)
        return self._own


def _own_picture(native: Any, facts: VideoFacts) -> tuple[Any, Planes]:
    """A picture that may be changed and its upright planes: the decoder's own, copied where that still needs it."""
    if native.format.name != facts.pixel_format:
        native = native.reformat(format=facts.pixel_format)
    if not facts.rotation and not (native.width % 2 or native.height % 2):
        native.make_writable()
        return native, _views(native, facts)
    own = _blank(facts)
    planes = _views(own, facts)
    for target, rows in zip(planes, planes_of(native, facts), strict=True):
        target[:] = rows
    return own, planes


def _blank(facts: VideoFacts) -> Any:
    import av

    return av.VideoFrame(facts.width + facts.width % 2, facts.height + facts.height % 2, facts.pixel_format)


def _sizes(facts: VideoFacts) -> tuple[tuple[int, int], ...]:
    """Rows and columns of the three planes."""
    half = ((facts.height + 1) // 2, (facts.width + 1) // 2)
    return (facts.height, facts.width), half, half


def _lines(picture: Any, facts: VideoFacts) -> Planes:
    """Views of whole lines of an upright picture, padding included."""
    kind: type[np.uint8] | type[np.uint16] = np.uint16 if facts.depth > 8 else np.uint8
    y, u, v = (cast(Plane, np.frombuffer(plane, kind).reshape(plane.height, -1)) for plane in picture.planes[:3])
    return y, u, v


def _views(picture: Any, facts: VideoFacts) -> Planes:
    y, u, v = (p[:rows, :columns] for p, (rows, columns) in zip(_lines(picture, facts), _sizes(facts), strict=True))
    return y, u, v


def _repeat_edges(picture: Any, facts: VideoFacts) -> None:
    """Fill what lies beyond the facts' size, up to each line's end, with the last column and row."""
    for lines, (rows, columns) in zip(_lines(picture, facts), _sizes(facts), strict=True):
        lines[:rows, columns:] = lines[:rows, columns - 1 : columns]
        lines[rows:] = lines[rows - 1 : rows]


def open_picture(path: Path) -> tuple[Any, Any]:
    """A container and its picture stream; the caller closes the container.

    Raises:
        MediaError: the file cannot be opened, or holds no picture.
    """
    import av

    try:
        container = opened(path)
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"cannot open {path.name}: {error}") from error
    stream = picture_of(container)
    if stream is None:
        container.close()
        raise MediaError(f"{path.name} has no picture stream")
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
    container, stream = open_picture(path)
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
            aspect=_aspect(stream, turns),
            stored_format=first.format.name,
            interlaced=bool(first.interlaced_frame),
            mastering=_mastering(first),
            light=_light(first),
        )


def _mastering(frame: Any) -> str:
    """The mastering display (FFmpeg's AVMasteringDisplayMetadata: 10 fractions, then what of them is known)."""
    data = _side(frame, "MASTERING_DISPLAY_METADATA")
    if len(data) < 88:
        return ""
    numbers = struct.unpack("=22i", data[:88])
    if not (numbers[20] and numbers[21]) or 0 in numbers[1:20:2]:
        return ""
    chroma = [round(50_000 * Fraction(*numbers[at : at + 2])) for at in range(0, 16, 2)]
    low, high = (round(10_000 * Fraction(*numbers[at : at + 2])) for at in (16, 18))
    red, green, blue, white = (f"({x},{y})" for x, y in zip(chroma[::2], chroma[1::2], strict=True))
    return f"G{green}B{blue}R{red}WP{white}L({high},{low})"


def _light(frame: Any) -> str:
    data = _side(frame, "CONTENT_LIGHT_LEVEL")
    return "{},{}".format(*struct.unpack("=2I", data[:8])) if len(data) >= 8 else ""


def _side(frame: Any, kind: str) -> bytes:
    return next((bytes(side) for side in frame.side_data if side.type.name == kind), b"")


def _aspect(stream: Any, turns: int) -> Fraction:
    shape = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or Fraction(1)
    if shape <= 0:
        return Fraction(1)
    return Fraction(1 / shape if turns % 2 else shape)


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

    Packets that cannot be decoded are left out, and so is what lies behind a file's torn end.

    Raises:
        MediaError: the file cannot be opened.
    """
    container, stream = open_picture(path)
    with container:
        base = facts.time_base
        origin = round(Fraction(container.start_time or 0, 1_000_000) / base)
        step = max(1, round(1 / (facts.rate * base)))
        last = -step
        for index, native in enumerate(_decoded(container, stream)):
            pts = last + step if native.pts is None else max(native.pts - origin, last + 1)
            last = pts
            yield Frame(index, pts, native, facts)


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    import av

    demuxed = container.demux(stream)
    while True:
        try:
            packet = next(demuxed, None)
        except av.FFmpegError:
            packet = None
        try:
            yield from stream.codec_context.decode(packet if packet is not None and packet.size else None)
        except av.InvalidDataError:
            continue
        except av.EOFError:
            return
        if packet is None or not packet.size:
            return


class Writer:
    """Picture-only MP4 with the source's times, depth and colour tags; appears at ``path`` when closed well.

    H.264; PQ and HLG are HEVC, as players expect them. Sizes that 4:2:0 cannot hold (odd) grow by one repeated pixel.

    Args:
        path: MP4.
        facts: of the picture that is written.
        crf: quality of the encoder, lower is better.
        preset: speed of the encoder.
    """

    def __init__(self, path: Path, facts: VideoFacts, *, crf: int = 17, preset: str = "veryfast") -> None:
        import av

        self._facts, self._ends = facts, contextlib.ExitStack()
        temporary = self._ends.enter_context(staged(path))
        self._container = self._ends.enter_context(av.open(str(temporary), "w", format="mp4"))
        self._ends.push(self._finish)
        self._stream = self._container.add_stream("libx265" if facts.hdr else "libx264", rate=facts.rate)
        set_up = set_up_hevc if facts.hdr else set_up_encoder
        set_up(self._stream.codec_context, facts, crf, preset)
        self._stream.time_base = facts.time_base

    def write(self, planes: Planes, pts: int) -> None:
        """Encode one picture.

        Args:
            planes: Y [H, W], U and V [ceil(H/2), ceil(W/2)], uint8, or uint16 of 10 bits.
            pts: presentation time, units of the time base.
        """
        picture = _blank(self._facts)
        for target, samples in zip(_views(picture, self._facts), planes, strict=True):
            target[:] = samples
        _repeat_edges(picture, self._facts)
        self._encode(picture, pts)

    def write_frame(self, frame: Frame) -> None:
        """Encode a decoded frame, with what was drawn into its planes."""
        self._encode(frame.picture(), frame.pts)

    def _encode(self, picture: Any, pts: int) -> None:
        self._container.mux(self._stream.encode(prepared(picture, pts, self._facts)))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: Any) -> None:
        self._ends.__exit__(*error)

    def _finish(self, kind: object, *_: object) -> None:
        if kind is None:
            self._container.mux(self._stream.encode(None))


def set_up_encoder(codec: Any, facts: VideoFacts, crf: int, preset: str, *parameters: str) -> None:
    """Give an x264 context the picture's size, times, colour and shape of pixels.

    Args:
        codec: encoder context that is not open yet.
        facts: of the picture.
        crf: quality.
        preset: speed.
        parameters: further ``name=value`` for x264 itself.
    """
    import cv2

    # The macroblock tree gives few bits to what the next pictures do not use. Lips that touch for one picture are just
    # that: it smeared them so that a tracker read them open again on a face of 104 px.
    parameters = (*parameters, "mbtree=0")
    # x264's AVX-512 macroblock tree reads memory that was never written: same input, other bytes. AVX2 is as fast.
    if cv2.checkHardwareSupport(_AVX_512):
        parameters = (*parameters, "asm=AVX2")
    light = {"mastering-display": facts.mastering, "cll": facts.light}
    parameters = (*parameters, *(f"{name}={value}" for name, value in light.items() if value))
    codec.options = {"crf": str(crf), "preset": preset, "x264-params": ":".join(parameters)}
    # PyAV asks for slices, one a processor: they wait for each other at every picture.
    codec.thread_type, codec.thread_count = "FRAME", _THREADS
    _describe(codec, facts)


def set_up_hevc(codec: Any, facts: VideoFacts, crf: int, preset: str) -> None:
    """Give an x265 context the same, and HDR10's figures.

    Args:
        codec: encoder context that is not open yet.
        facts: of the picture.
        crf: quality.
        preset: speed.
    """
    light = {"master-display": facts.mastering, "max-cll": facts.light, "hdr10": "1" if facts.colour[1] == _PQ else ""}
    parameters = ["log-level=error", "repeat-headers=1", _X265_THREADS]
    parameters += [f"{name}={value}" for name, value in light.items() if value]
    codec.options = {"crf": str(crf), "preset": preset, "x265-params": ":".join(parameters)}
    codec.codec_tag = "hvc1"
    _describe(codec, facts)


def _describe(codec: Any, facts: VideoFacts) -> None:
    codec.width, codec.height = facts.width + facts.width % 2, facts.height + facts.height % 2
    codec.pix_fmt = facts.pixel_format
    codec.time_base = facts.time_base
    codec.framerate = facts.rate
    codec.color_primaries, codec.color_trc, codec.colorspace, codec.color_range = facts.colour
    codec.sample_aspect_ratio = facts.aspect


def prepared(picture: Any, pts: int, facts: VideoFacts) -> Any:
    """A picture that is ready for the encoder: its time, its colours, and no wish about its kind of frame.

    Args:
        picture: the encoder's picture; changed in place.
        pts: presentation time, units of the time base.
        facts: of the picture.
    """
    picture.pts, picture.time_base = pts, facts.time_base
    picture.pict_type = 0
    picture.colorspace, picture.color_range = facts.colour[2:]
    return picture

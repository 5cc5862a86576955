"""The closed stretches of a picture: what can be copied, or decoded, without its neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media import avc, video
from lipsync_engine.records import BoolArray

#: First frame and the one after the last.
Run = tuple[int, int]


class NotDivisibleError(ValueError):
    """The stream does not tell where it can be cut, or numbers its frames in a way that cannot be relied on."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where every frame of a stream lies.

    No packet of a segment is needed for, or shown amid, another segment: packets [a, b) are the frames [a, b).

    Attributes:
        pts: int64 [T], times of all frames in order, units of the stream's time base, on the container's clock.
        bounds: int64 [S + 1], first frame of every segment, and T.
        reorder: how many places a packet comes before its frame's turn at most.
        tail: duration of the last frame, same units.
        open_groups: key frames at which it cannot be cut, since pictures about them need others.
        sets: parameter sets of an H.264 stream, else ``None``.
    """

    pts: NDArray[np.int64]
    bounds: NDArray[np.int64]
    reorder: int
    tail: int
    open_groups: int
    sets: avc.ParameterSets | None

    def touched(self, frames: BoolArray) -> list[Run]:
        """Runs of whole segments that hold any of the marked frames, bool [T]; neighbours are joined."""
        hit = [bool(frames[a:b].any()) for a, b in pairwise(self.bounds)]
        runs: list[Run] = []
        for (a, b), on in zip(pairwise(self.bounds.tolist()), hit, strict=True):
            if on and runs and runs[-1][1] == a:
                runs[-1] = (runs[-1][0], b)
            elif on:
                runs.append((a, b))
        return runs


def survey(path: Path, facts: video.VideoFacts) -> Layout:
    """Read a stream's packets (nothing is decoded) and find where it can be divided.

    Raises:
        MediaError: the file cannot be opened.
        NotDivisibleError: with the reason.
    """
    times: list[int] = []
    keys: list[bool] = []
    marked = 0
    tail, latest = 0, None
    with opened(path) as (container, stream):
        sets = _sets(stream)
        for packet in packets(container, stream):
            if packet.pts is None or packet.is_discard or packet.is_corrupt:
                raise NotDivisibleError("some packets have no time or are not to be shown")
            keys.append(_starts_anew(packet, sets))
            marked += packet.is_keyframe
            if latest is None or packet.pts > latest:
                tail, latest = packet.duration or 0, packet.pts
            times.append(packet.pts - origin(container, facts))
    if not times or not keys[0]:
        raise NotDivisibleError("the stream does not begin with a key frame")
    decode = np.array(times, np.int64)
    shown = np.sort(decode)
    if (np.diff(shown) <= 0).any():
        raise NotDivisibleError("two frames have the same time")
    highest = np.maximum.accumulate(decode)
    lowest = np.minimum.accumulate(decode[::-1])[::-1]
    clean = np.array(keys) & (lowest == decode)
    clean[1:] &= highest[:-1] < decode[1:]
    rank = np.searchsorted(shown, decode)
    step = max(1, round(1 / (facts.rate * facts.time_base)))
    return Layout(
        pts=shown,
        bounds=np.append(np.flatnonzero(clean), len(decode)).astype(np.int64),
        reorder=int((np.arange(len(decode)) - rank).max(initial=0)),
        tail=tail or step,
        open_groups=max(0, marked - int(clean.sum())),
        sets=sets,
    )


def _sets(stream: Any) -> avc.ParameterSets | None:
    if stream.codec_context.name != "h264":
        return None
    try:
        return avc.ParameterSets.parse(stream.codec_context.extradata or b"")
    except avc.UnknownStreamError as error:
        raise NotDivisibleError(str(error)) from error


def _starts_anew(packet: Any, sets: avc.ParameterSets | None) -> bool:
    """Whether nothing after this packet needs what came before (an H.264 key frame may be less than that)."""
    if sets is None:
        return bool(packet.is_keyframe)
    try:
        nals = avc.split(bytes(packet), sets.length_size)
    except avc.UnknownStreamError as error:
        raise NotDivisibleError(str(error)) from error
    known = (*sets.sps, *sets.pps)
    if any(avc.kind(nal) in (avc.SPS, avc.PPS) and nal not in known for nal in nals):
        raise NotDivisibleError("the stream changes its parameters on the way")
    return any(avc.kind(nal) == avc.IDR for nal in nals)


class opened:
    """A container and its picture stream, closed at the end of the block."""

    def __init__(self, path: Path) -> None:
        self._container, self._stream = video.open_picture(path)

    def __enter__(self) -> tuple[Any, Any]:
        return self._container, self._stream

    def __exit__(self, *_: object) -> None:
        self._container.close()


def packets(container: Any, stream: Any) -> Iterator[Any]:
    """The stream's packets in decoding order, without the empty one at the end."""
    return (packet for packet in container.demux(stream) if packet.size)


def origin(container: Any, facts: video.VideoFacts) -> int:
    """Time at which the container starts, in units of the picture's time base."""
    return round(Fraction(container.start_time or 0, 1_000_000) / facts.time_base)


def read_runs(path: Path, facts: video.VideoFacts, layout: Layout, runs: Sequence[Run]) -> Iterator[video.Frame]:
    """Decode only the segments that hold frames of the runs; yield those frames in order.

    Args:
        path: the picture.
        facts: its facts.
        layout: its layout.
        runs: in order, apart from each other.
    """
    wanted = np.zeros(len(layout.pts), bool)
    for a, b in runs:
        wanted[a:b] = True
    parts = iter(layout.touched(wanted))
    part = next(parts, None)
    with opened(path) as (container, stream):
        zero = origin(container, facts)
        codec = stream.codec_context

        def frames(natives: list[Any]) -> Iterator[video.Frame]:
            for native in natives:
                index = int(np.searchsorted(layout.pts, native.pts - zero))
                if index < len(wanted) and wanted[index]:
                    yield video.Frame(index, int(layout.pts[index]), native, facts)

        for number, packet in enumerate(packets(container, stream)):
            if part is None:
                break
            if number < part[0]:
                continue
            yield from frames(codec.decode(packet))
            if number + 1 == part[1]:
                yield from frames(codec.decode(None))
                codec.flush_buffers()
                part = next(parts, None)


def read_run(path: Path, facts: video.VideoFacts, layout: Layout, run: Run) -> Iterator[video.Frame]:
    """Decode one run, found by its time: what lies before it is not even read.

    Args:
        path: the picture; an MP4, whose index tells where its key frames are.
        facts: its facts.
        layout: its layout.
        run: the first frame and the one after the last.
    """
    first, stop = run
    start = int(layout.bounds[np.searchsorted(layout.bounds, first, side="right") - 1])
    with opened(path) as (container, stream):
        zero, codec = origin(container, facts), stream.codec_context
        container.seek(int(layout.pts[start]) + zero, stream=stream, backward=True)
        for packet in chain(packets(container, stream), (None,)):
            for native in codec.decode(packet):
                index = int(np.searchsorted(layout.pts, native.pts - zero))
                if index >= stop:
                    return
                if index >= first:
                    yield video.Frame(index, int(layout.pts[index]), native, facts)

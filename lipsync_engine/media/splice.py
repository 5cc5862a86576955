"""Write one H.264 stream of parts that are copied and parts that are encoded.

The encoded parts get parameter sets with numbers of their own, and the header (``avcC``) holds both: every player that
can play ``avc1`` follows the numbers, so nothing is signalled inside the stream. Parts begin with an IDR picture.
Decoding times are counted again for the whole: the n-th packet is due when the n-th frame, less the reordering depth,
is shown.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lipsync_engine.media import avc, video
from lipsync_engine.media.segments import Layout, NotDivisibleError, Run, opened, origin, packets
from lipsync_engine.media.staging import staged

#: Places that x264 moves a packet ahead at most (three B-frames, one of them a reference).
_REORDER = 2
_PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high10"}


class PartEncoder:
    """Encodes one part after another; each is a stream of its own, so its bytes depend on its frames alone.

    Args:
        facts: of the picture.
        layout: of the stream that the parts go into.
        crf: x264 quality, lower is better.
        preset: x264 speed.
    """

    def __init__(self, facts: video.VideoFacts, layout: Layout, crf: int, preset: str) -> None:
        self._facts, self._crf, self._preset = facts, crf, preset
        if layout.sets is None:
            raise NotDivisibleError("the picture is not H.264")
        if facts.rotation:
            raise NotDivisibleError("the picture is stored turned")
        if facts.interlaced:
            raise NotDivisibleError("the picture is interlaced")
        if facts.stored_format != facts.pixel_format or facts.width % 2 or facts.height % 2:
            raise NotDivisibleError("the picture's format is not one that the encoder writes")
        if layout.sets.sps[0][1] not in _PROFILES:
            raise NotDivisibleError("the stream has a profile that the encoder does not write")
        self._profile = _PROFILES[layout.sets.sps[0][1]]
        self._still_order = layout.reorder == 0
        self._number, self.sets = self._numbered(layout.sets)
        self._codec: Any = None

    def _numbered(self, taken: avc.ParameterSets) -> tuple[int, avc.ParameterSets]:
        """The first number under which the encoder's sets do not clash with what is there."""
        for number in range(32):
            own = avc.ParameterSets.parse(self._open(number).extradata)
            if not own.clashes(taken):
                return number, own
        raise NotDivisibleError("every number for parameter sets is in use")

    def _open(self, number: int) -> Any:
        import av
        from av.codec.context import Flags

        codec: Any = av.CodecContext.create("libx264", "w")
        video.set_up_encoder(codec, self._facts, self._crf, self._preset, f"sps-id={number}")
        codec.options |= {"profile": self._profile}
        if self._still_order:
            codec.options |= {"bf": "0"}
        codec.flags |= Flags.global_header
        codec.open()
        return codec

    @property
    def reorder(self) -> int:
        """How many places a packet comes before its frame's turn at most."""
        return 0 if self._still_order else _REORDER

    def encode(self, frame: video.Frame, pts: int) -> Iterator[tuple[bytes, int, bool]]:
        """Packets that are ready, as (length-prefixed NAL units, time, key frame)."""
        if self._codec is None:
            self._codec = self._open(self._number)
        yield from self._packed(video.prepared(frame.picture(), pts, self._facts))

    def finish(self) -> Iterator[tuple[bytes, int, bool]]:
        """The part's last packets."""
        if self._codec is not None:
            yield from self._packed(None)
            self._codec = None

    def _packed(self, picture: Any) -> Iterator[tuple[bytes, int, bool]]:
        for packet in self._codec.encode(picture):
            yield avc.pack(avc.split(bytes(packet), 0)), packet.pts, packet.is_keyframe


class SpliceWriter:
    """An MP4 of the frames of ``runs``, encoded, and of all others, copied from ``base``; appears when complete.

    Args:
        base: picture that is copied from.
        out: MP4.
        facts: of the picture.
        layout: of ``base``.
        encoder: of the parts.
        runs: frames that are encoded, in order, apart from each other; whole segments of ``layout``.
    """

    def __init__(
        self,
        base: Path,
        out: Path,
        facts: video.VideoFacts,
        layout: Layout,
        encoder: PartEncoder,
        runs: Sequence[Run],
    ) -> None:
        import av

        self._runs = iter(runs)
        self._run: Run = (0, 0)

        self._facts, self._layout, self._encoder = facts, layout, encoder
        self._ends = contextlib.ExitStack()
        temporary = self._ends.enter_context(staged(out))
        self._ends.push(self._check)
        self._container = self._ends.enter_context(av.open(str(temporary), "w", format="mp4"))
        container, template = self._ends.enter_context(opened(base))
        self._ends.push(self._finish)
        self._zero = origin(container, facts)
        self._packets = enumerate(packets(container, template))
        self._stream: Any = self._container.add_stream_from_template(template)
        assert layout.sets is not None
        self._length_size = layout.sets.length_size
        self._stream.codec_context.extradata = layout.sets.joined(encoder.sets).configuration(facts.depth)
        self._stream.time_base = facts.time_base
        self._reorder = max(layout.reorder, encoder.reorder)
        self._step = max(1, round(1 / (facts.rate * facts.time_base)))
        self._starts = set(layout.bounds.tolist())
        self._written = 0

    def write_frame(self, frame: video.Frame) -> None:
        """Encode the next frame of the runs; what lies before its run is copied first."""
        if frame.index >= self._run[1]:
            self._next_run()
        for data, pts, key in self._encoder.encode(frame, int(self._layout.pts[frame.index])):
            self._mux(data, pts, key)

    def _next_run(self) -> None:
        for data, pts, key in self._encoder.finish():
            self._mux(data, pts, key)
        end = len(self._layout.pts)
        last, self._run = self._run, next(self._runs, (end, end))
        if self._run[0] > last[1]:
            self._copy(last[1], self._run[0])

    def _copy(self, first: int, stop: int) -> None:
        for number, packet in self._packets:
            if number >= first:
                data = avc.pack(avc.split(bytes(packet), self._length_size))
                self._mux(data, packet.pts - self._zero, number in self._starts)
            if number + 1 >= stop:
                return

    def _mux(self, data: bytes, pts: int, key: bool) -> None:
        import av

        packet = av.Packet(data)
        packet.stream, packet.time_base = self._stream, self._facts.time_base
        packet.pts, packet.dts, packet.is_keyframe = pts, self._due(self._written), key
        packet.duration = self._layout.tail if pts == self._layout.pts[-1] else self._due_after(pts) - pts
        self._container.mux(packet)
        self._written += 1

    def _due(self, number: int) -> int:
        times, place = self._layout.pts, number - self._reorder
        return int(times[place]) if place >= 0 else int(times[0]) + place * self._step

    def _due_after(self, pts: int) -> int:
        times = self._layout.pts
        return int(times[int(times.searchsorted(pts)) + 1])

    def __enter__(self) -> SpliceWriter:
        return self

    def __exit__(self, *error: Any) -> None:
        self._ends.__exit__(*error)

    def _finish(self, kind: object, *_: object) -> None:
        if kind is None:
            self._next_run()

    def _check(self, kind: object, *_: object) -> None:
        if kind is None and self._written != len(self._layout.pts):
            raise video.MediaError(f"{self._written} of {len(self._layout.pts)} frames were written")

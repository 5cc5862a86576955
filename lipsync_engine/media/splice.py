"""Write one stream of parts that are copied and parts that were encoded by themselves.

Beside copied parts, the encoded ones have parameter sets with numbers of their own, and the header (``avcC``) holds
both: every player that can play ``avc1`` follows the numbers, so nothing is signalled inside the stream. Where nothing
is copied, all parts share one header. Parts begin with an IDR picture. Decoding times are counted again for the whole:
the n-th packet is due when the n-th frame, less the reordering depth, is shown.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lipsync_engine.media import avc, video
from lipsync_engine.media.encoders import Packet, PartEncoder, WholeEncoder
from lipsync_engine.media.segments import Layout, opened, origin, packets
from lipsync_engine.media.staging import staged


class SpliceWriter:
    """An MP4 of parts that are encoded, and of all else, copied from ``base``; appears when complete.

    Args:
        out: MP4.
        facts: of the picture.
        layout: of its frames.
        encoder: that made the parts.
        base: picture that the rest is copied from, of that layout; ``None``: the parts are all there is.
    """

    def __init__(
        self,
        out: Path,
        facts: video.VideoFacts,
        layout: Layout,
        encoder: PartEncoder | WholeEncoder,
        base: Path | None = None,
    ) -> None:
        import av

        self._facts, self._layout = facts, layout
        self._ends = contextlib.ExitStack()
        temporary = self._ends.enter_context(staged(out))
        self._ends.push(self._check)
        self._container = self._ends.enter_context(av.open(str(temporary), "w", format="mp4"))
        self._base: Any = None
        if isinstance(encoder, PartEncoder):
            assert base is not None
            self._stream = self._beside(base, encoder)
        else:
            self._stream = self._alone(encoder)
        self._reorder = max(layout.reorder, encoder.reorder)
        self._step = max(1, round(1 / (facts.rate * facts.time_base)))
        self._starts = set(layout.bounds.tolist())
        self._written = 0

    def _beside(self, base: Path, encoder: PartEncoder) -> Any:
        container, template = self._ends.enter_context(opened(base))
        self._ends.push(self._finish)
        self._zero = origin(container, self._facts)
        self._base = enumerate(packets(container, template))
        stream: Any = self._container.add_stream_from_template(template)
        assert self._layout.sets is not None
        self._length_size = self._layout.sets.length_size
        sets = self._layout.sets.joined(encoder.sets)
        stream.codec_context.extradata = sets.configuration(self._facts.depth)
        stream.time_base = self._facts.time_base
        return stream

    def _alone(self, encoder: WholeEncoder) -> Any:
        stream: Any = self._container.add_stream(encoder.name, rate=self._facts.rate)
        encoder.set_up(stream.codec_context)
        stream.time_base = self._facts.time_base
        self._container.start_encoding()
        return stream

    def write(self, first: int, made: Iterable[Packet]) -> None:
        """Write the next part; what lies before it is copied first.

        Args:
            first: number of its first frame.
            made: its packets.
        """
        if self._base is not None:
            self._copy(first)
        for data, pts, key in made:
            self._mux(data, pts, key)

    def _copy(self, stop: int) -> None:
        """Copy what was not written of the frames before ``stop``."""
        first = self._written
        if first >= stop:
            return
        for number, packet in self._base:
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
            self._copy(len(self._layout.pts))

    def _check(self, kind: object, *_: object) -> None:
        if kind is None and self._written != len(self._layout.pts):
            raise video.MediaError(f"{self._written} of {len(self._layout.pts)} frames were written")

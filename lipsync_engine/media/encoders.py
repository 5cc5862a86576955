"""Encoders whose every part is a stream of its own, so that parts can be made alone and put together without loss.

A part's bytes depend on its frames and the settings alone. It begins with a picture that needs no other, and nothing
in it refers to another part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import astuple
from typing import Any, Protocol

from lipsync_engine.media import avc, video
from lipsync_engine.media.segments import Layout, NotDivisibleError

#: Data, presentation time, and whether it is a key frame.
Packet = tuple[bytes, int, bool]
#: Places that x264 and x265 move a packet ahead at most (three B-frames or more, one of them a reference).
_REORDER = 2
_PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high10"}


class Encoder(Protocol):
    """Encodes one part after another."""

    @property
    def reorder(self) -> int:
        """How many places a packet comes before its frame's turn at most."""

    @property
    def settings(self) -> str:
        """A digest of all that its bytes depend on besides the frames."""

    def encode(self, frame: video.Frame, pts: int) -> Iterator[Packet]:
        """Packets that are ready."""

    def finish(self) -> Iterator[Packet]:
        """The part's last packets."""


class PartEncoder:
    """Encodes parts that go into a stream of H.264 beside parts that are copied.

    Its parameter sets have numbers of their own there.

    Args:
        facts: of the picture.
        layout: of the stream that the parts go into.
        crf: x264 quality, lower is better.
        preset: x264 speed.

    Raises:
        NotDivisibleError: nothing that the encoder writes fits beside that stream.
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
        codec = _context("libx264")
        video.set_up_encoder(codec, self._facts, self._crf, self._preset, f"sps-id={number}")
        codec.options |= {"profile": self._profile}
        if self._still_order:
            codec.options |= {"bf": "0"}
        codec.open()
        return codec

    @property
    def reorder(self) -> int:
        """How many places a packet comes before its frame's turn at most."""
        return 0 if self._still_order else _REORDER

    @property
    def settings(self) -> str:
        """A digest of all that its bytes depend on besides the frames."""
        about = (self._crf, self._preset, self._number, self._profile, self._still_order)
        return _digest(self._facts, about, b"".join((*self.sets.sps, *self.sets.pps)))

    def encode(self, frame: video.Frame, pts: int) -> Iterator[Packet]:
        """Packets that are ready; units after lengths, as MP4 has them."""
        if self._codec is None:
            self._codec = self._open(self._number)
        yield from self._packed(video.prepared(frame.picture(), pts, self._facts))

    def finish(self) -> Iterator[Packet]:
        """The part's last packets."""
        if self._codec is not None:
            yield from self._packed(None)
            self._codec = None

    def _packed(self, picture: Any) -> Iterator[Packet]:
        for packet in self._codec.encode(picture):
            yield avc.pack(avc.split(bytes(packet), 0)), packet.pts, packet.is_keyframe


class WholeEncoder:
    """Encodes a whole picture part by part: H.264; PQ and HLG are HEVC, as players expect them.

    All parts have the same parameter sets, so one header serves them.

    Args:
        facts: of the picture.
        crf: quality of the encoder, lower is better.
        preset: speed of the encoder.
    """

    reorder = _REORDER

    def __init__(self, facts: video.VideoFacts, crf: int, preset: str) -> None:
        self._facts, self._crf, self._preset = facts, crf, preset
        self.name = "libx265" if facts.hdr else "libx264"
        self._codec: Any = None

    def set_up(self, codec: Any) -> None:
        """Give a context that is not open yet the settings of every part."""
        set_up = video.set_up_hevc if self._facts.hdr else video.set_up_encoder
        set_up(codec, self._facts, self._crf, self._preset)

    def _open(self) -> Any:
        codec = _context(self.name)
        self.set_up(codec)
        codec.open()
        return codec

    @property
    def settings(self) -> str:
        """A digest of all that its bytes depend on besides the frames."""
        return _digest(self._facts, (self._crf, self._preset, self.name), bytes(self._open().extradata or b""))

    def encode(self, frame: video.Frame, pts: int) -> Iterator[Packet]:
        """Packets that are ready; units after start codes."""
        if self._codec is None:
            self._codec = self._open()
        for packet in self._codec.encode(video.prepared(frame.picture(), pts, self._facts)):
            yield bytes(packet), packet.pts, packet.is_keyframe

    def finish(self) -> Iterator[Packet]:
        """The part's last packets."""
        if self._codec is not None:
            for packet in self._codec.encode(None):
                yield bytes(packet), packet.pts, packet.is_keyframe
            self._codec = None


def _context(name: str) -> Any:
    import av
    from av.codec.context import Flags

    codec: Any = av.CodecContext.create(name, "w")
    codec.flags |= Flags.global_header
    return codec


def _digest(facts: video.VideoFacts, about: tuple[object, ...], header: bytes) -> str:
    return hashlib.sha256(repr((astuple(facts), about)).encode() + header).hexdigest()

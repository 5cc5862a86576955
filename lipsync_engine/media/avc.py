"""What must be known of an H.264 stream to put parts of two of them into one (ITU-T H.264 7.3, 7.4; ISO 14496-15)."""

from __future__ import annotations

import re
from dataclasses import dataclass

IDR, SPS, PPS, DELIMITER, FILLER = 5, 7, 8, 9, 12
_START = re.compile(rb"\x00\x00\x01")


class UnknownStreamError(ValueError):
    """The bytes are not laid out as H.264 in MP4, Matroska or a transport stream is."""


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """The sequence and picture parameter sets of a stream, as NAL units.

    Attributes:
        sps: sequence parameter sets.
        pps: picture parameter sets.
        length_size: bytes of the length before each NAL unit in packets; 0 where start codes divide them.
    """

    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    length_size: int

    @classmethod
    def parse(cls, extradata: bytes) -> ParameterSets:
        """From codec-private data: ``avcC``, or NAL units after start codes.

        Raises:
            UnknownStreamError: neither, or a set is missing.
        """
        if extradata[:1] == b"\x01":
            sets, size = _configuration(extradata), (extradata[4] & 3) + 1
        else:
            sets, size = split(extradata, 0), 0
        sps = tuple(nal for nal in sets if kind(nal) == SPS)
        pps = tuple(nal for nal in sets if kind(nal) == PPS)
        if not sps or not pps:
            raise UnknownStreamError("no parameter sets in the stream's header")
        return cls(sps, pps, size)

    def joined(self, other: ParameterSets) -> ParameterSets:
        """The sets of both; packets are to carry lengths of four bytes."""
        return ParameterSets(
            (*self.sps, *(nal for nal in other.sps if nal not in self.sps)),
            (*self.pps, *(nal for nal in other.pps if nal not in self.pps)),
            4,
        )

    def clashes(self, other: ParameterSets) -> bool:
        """Whether the same number stands for different sets in the two."""
        for own, foreign in ((self.sps, other.sps), (self.pps, other.pps)):
            known = {number(nal): nal for nal in own}
            if any(known.get(number(nal), nal) != nal for nal in foreign):
                return True
        return False

    def configuration(self, depth: int) -> bytes:
        """``avcC`` (ISO 14496-15 5.3.3.1) for 4:2:0 of ``depth`` bits: highest profile and level of the sets."""
        profile = max(nal[1] for nal in self.sps)
        common = self.sps[0][2]
        for nal in self.sps:
            common &= nal[2]
        out = bytearray([1, profile, common, max(nal[3] for nal in self.sps), 0xFC | 3, 0xE0 | len(self.sps)])
        for nal in self.sps:
            out += len(nal).to_bytes(2, "big") + nal
        out.append(len(self.pps))
        for nal in self.pps:
            out += len(nal).to_bytes(2, "big") + nal
        if profile in (100, 110, 122, 244):
            out += bytes([0xFC | 1, 0xF8 | (depth - 8), 0xF8 | (depth - 8), 0])
        return bytes(out)


def _configuration(data: bytes) -> list[bytes]:
    out = []
    try:
        at = 5
        for mask in (0x1F, 0xFF):
            count, at = data[at] & mask, at + 1
            for _ in range(count):
                size = int.from_bytes(data[at : at + 2], "big")
                out.append(bytes(data[at + 2 : at + 2 + size]))
                at += 2 + size
    except IndexError as error:
        raise UnknownStreamError("the stream's header is cut short") from error
    return [nal for nal in out if nal]


def split(packet: bytes, length_size: int) -> list[bytes]:
    """NAL units of a packet.

    Args:
        packet: one access unit.
        length_size: bytes of the length before each unit; 0 where start codes divide them.

    Raises:
        UnknownStreamError: lengths lead past the packet's end.
    """
    if length_size:
        return _by_length(packet, length_size)
    starts = [match.end() for match in _START.finditer(packet)]
    ends = [start - 3 for start in starts[1:]] + [len(packet)]
    return [nal for a, b in zip(starts, ends, strict=True) if (nal := packet[a:b].rstrip(b"\x00"))]


def _by_length(packet: bytes, length_size: int) -> list[bytes]:
    out, at = [], 0
    while at + length_size <= len(packet):
        size = int.from_bytes(packet[at : at + length_size], "big")
        at += length_size
        if size == 0 or at + size > len(packet):
            raise UnknownStreamError("a packet's parts do not add up")
        out.append(packet[at : at + size])
        at += size
    return out


def pack(nals: list[bytes]) -> bytes:
    """A packet for MP4: units after lengths of four bytes, without parameter sets, delimiters and filler."""
    dropped = (SPS, PPS, DELIMITER, FILLER)
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals if kind(nal) not in dropped)


def kind(nal: bytes) -> int:
    """Type of a NAL unit (table 7-1)."""
    return nal[0] & 31


def number(nal: bytes) -> int:
    """The identifier of a parameter set."""
    head = nal[: 4 + 16] if kind(nal) == SPS else nal[:17]
    payload = head.replace(b"\x00\x00\x03", b"\x00\x00")  # emulation prevention
    return _first_golomb(payload[4:] if kind(nal) == SPS else payload[1:])


def _first_golomb(data: bytes) -> int:
    bits = "".join(f"{byte:08b}" for byte in data)
    zeros = len(bits) - len(bits.lstrip("0"))
    return int(bits[zeros : 2 * zeros + 1] or "0", 2) - 1

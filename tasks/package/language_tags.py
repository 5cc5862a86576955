"""BCP-47 tags that ffmpeg 5.1 cannot write: Matroska's LanguageBCP47 and MP4's ``elng`` box.

Nothing moves in the file. The muxer is given a track name with padding of exactly the size of the missing element;
afterwards name and padding are replaced by the name and that element. Offsets, indexes and the media stay as they are.
(Formats: RFC 9559 section 5.1.4.1.21, ISO/IEC 14496-12 section 8.4.6.)
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_PAD = b"~"
_NAME_ID, _BCP47_ID = b"\x53\x6e", b"\x22\xb5\x9d"
_LONGEST_NAME = 240  # bytes
_MATROSKA_HEAD = 4 << 20  # Tracks stand before the first cluster


@dataclass(frozen=True)
class TrackName:
    """A track's name and language, and the padded name that keeps room for the tag.

    Attributes:
        name: what players show; shortened to 240 bytes of UTF-8.
        language: BCP-47 tag.
    """

    name: str
    language: str

    @property
    def text(self) -> bytes:
        """The name's bytes, whole characters only, not ending like the padding."""
        return self.name.encode()[:_LONGEST_NAME].decode(errors="ignore").rstrip("~").encode()

    def padded_for_matroska(self) -> str:
        """The name to give the Matroska muxer."""
        return (self.text + _PAD * len(self._bcp47())).decode()

    def padded_for_mp4(self) -> str:
        """The handler name to give the MP4 muxer."""
        return (self.text + _PAD * len(self._elng())).decode()

    def _bcp47(self) -> bytes:
        tag = self.language.encode()
        return _BCP47_ID + _size(len(tag)) + tag

    def _elng(self) -> bytes:
        tag = self.language.encode() + b"\0"
        return struct.pack(">I4sI", 12 + len(tag), b"elng", 0) + tag


def tag_matroska(path: Path, tracks: Sequence[TrackName]) -> None:
    """Write LanguageBCP47 into the tracks of a file that was muxed with padded names.

    Raises:
        ValueError: a padded name is not there.
    """
    with path.open("r+b") as file:
        head = file.read(_MATROSKA_HEAD)
        for track in tracks:
            padded = track.padded_for_matroska().encode()
            old = _NAME_ID + _size(len(padded)) + padded
            new = _NAME_ID + _size(len(track.text), like=len(padded)) + track.text + track._bcp47()
            head = _swapped(head, old, new)
        file.seek(0)
        file.write(head)


def tag_mp4(path: Path, tracks: Sequence[TrackName]) -> None:
    """Write ``elng`` boxes into the tracks of a file that was muxed with padded handler names.

    Raises:
        ValueError: a padded name is not there.
    """
    with path.open("r+b") as file:
        start, size = movie_header(file)
        file.seek(start)
        moov = file.read(size)
        for track in tracks:
            padded = track.padded_for_mp4().encode() + b"\0"
            at = moov.find(padded)
            box = at - _HDLR_HEAD
            if at < 0 or moov[box + 4 : box + 8] != b"hdlr":
                raise ValueError(f"the track name {track.name!r} is not in {path.name}")
            fixed = moov[box + 8 : at]
            hdlr = struct.pack(">I4s", _HDLR_HEAD + len(track.text) + 1, b"hdlr") + fixed + track.text + b"\0"
            moov = moov[:box] + hdlr + track._elng() + moov[at + len(padded) :]
        if len(moov) != size:
            raise ValueError("the movie header changed its size")
        file.seek(start)
        file.write(moov)


_TOP_LEVEL = 4096  # faststart: ftyp, then moov
_HDLR_HEAD = 32  # size, type, version and flags, predefined, handler type, reserved


def movie_header(file: BinaryIO) -> tuple[int, int]:
    """Where the movie header at the front of an MP4 begins, and its length in bytes.

    Raises:
        ValueError: it is not there.
    """
    head, at = file.read(_TOP_LEVEL), 0
    while at + 8 <= len(head):
        size, kind = struct.unpack(">I4s", head[at : at + 8])
        if kind == b"moov":
            return at, size
        if size < 8:
            break
        at += size
    raise ValueError("the movie header is not at the front of the file")


def _swapped(data: bytes, old: bytes, new: bytes) -> bytes:
    if len(old) != len(new) or old not in data:
        raise ValueError("a padded track name is not in the file")
    return data.replace(old, new, 1)


def _size(length: int, like: int = 0) -> bytes:
    """An EBML size, as many bytes as that of a length ``like`` takes: one up to 126, else two."""
    if max(length, like) < 127:
        return bytes([0x80 | length])
    return (0x4000 | length).to_bytes(2, "big")

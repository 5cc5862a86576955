"""The edit lists of MP4 and MOV: which parts of a track a player shows, and how fast (ISO/IEC 14496-12, 8.6.6).

One pause before a track and one segment at normal speed are just a start and a length: these are supported. ffmpeg
ignores speeds and later pauses, and a copied video would show what lies between two segments: these are refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tasks.records.errors import BadInputError

_MOST_BOXES, _MOST_EDITS = 4096, 4096
_SHOWN_OR_HEARD = (b"vide", b"soun")
_NORMAL = 1 << 16  # the speed, a 16.16 fixed-point number


def refuse_edits(path: Path) -> None:
    """Raise `BadInputError` for an MP4 or MOV whose picture or sound is assembled from segments or changes speed.

    Other formats and broken files pass: the probe reports them.
    """
    with path.open("rb") as file:
        for edits in _lists(file):
            first = next((place for place, (at, _) in enumerate(edits) if at is not None), len(edits))
            parts = edits[first:]
            if any(at is not None and rate != _NORMAL for at, rate in parts):
                what, fix = "plays a segment at another speed", _IN_THE_EDITOR
            elif any(at is None for at, _ in parts):
                what, fix = "has a pause after the start", _IN_THE_EDITOR
            elif len(parts) > 1:
                what, fix = f"joins {len(parts)} segments", _ONCE_MORE
            else:
                continue
            raise BadInputError(f"The edit list of {path.name!r} {what}, which not all players show alike.", fix)


_IN_THE_EDITOR = "Export it again from the editing software: ffmpeg does not follow such a list."
_ONCE_MORE = (
    "Export it again from the editing software. Otherwise: `ffmpeg -i FILE -map 0:v -map 0:a NEW.mp4`, which may show "
    "two or three extra frames at each cut."
)


def _lists(file: BinaryIO) -> Iterator[list[tuple[int | None, int]]]:
    """The edit list of each video or audio track: where each edit starts (None: a pause), and its speed."""
    end = file.seek(0, 2)
    for moov in _boxes(file, 0, end, b"moov"):
        for trak in _boxes(file, *moov, b"trak"):
            if _kind(file, trak) not in _SHOWN_OR_HEARD:
                continue
            for edts in _boxes(file, *trak, b"edts"):
                for elst in _boxes(file, *edts, b"elst"):
                    yield _edits(file, *elst)


def _kind(file: BinaryIO, trak: tuple[int, int]) -> bytes:
    for mdia in _boxes(file, *trak, b"mdia"):
        for start, _ in _boxes(file, *mdia, b"hdlr"):
            file.seek(start + 8)
            return file.read(4)
    return b""


def _edits(file: BinaryIO, start: int, end: int) -> list[tuple[int | None, int]]:
    """Edits with a duration; in a fragmented file a last edit of zero length plays to the end."""
    file.seek(start)
    form = struct.Struct(">Qqi" if file.read(1) == b"\1" else ">Iii")
    file.seek(start + 4)
    data = file.read(min(end - start - 4, 4 + _MOST_EDITS * form.size))
    if len(data) < 4:
        return []
    count = min(int.from_bytes(data[:4], "big"), (len(data) - 4) // form.size)
    edits = [form.unpack_from(data, 4 + number * form.size) for number in range(count)]
    return [
        (at if at >= 0 else None, rate)
        for place, (lasts, at, rate) in enumerate(edits)
        if lasts or (at >= 0 and place == count - 1)
    ]


def _boxes(file: BinaryIO, start: int, end: int, wanted: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of the content of each box of a type."""
    for _ in range(_MOST_BOXES):
        file.seek(start)
        head = file.read(16)
        if len(head) < 8:
            return
        size, kind, body = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1:
            size, body = int.from_bytes(head[8:16], "big"), 16
        elif size == 0:
            size = end - start
        if size < body or start + size > end:
            return
        if kind == wanted:
            yield start + body, start + size
        start += size
        if start >= end:
            return

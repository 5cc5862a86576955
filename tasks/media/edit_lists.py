"""The edit lists of MP4 and MOV: which parts of a track a player shows, and how fast (ISO/IEC 14496-12, 8.6.6).

A pause before a track and one part of it, at its own speed, are a start and a length: these come through. ffmpeg knows
nothing of speeds and of pauses later on, and a copied picture shows what lies between two parts: these are refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tasks.records.errors import BadInputError

_MOST_BOXES, _MOST_EDITS = 4096, 4096
_SHOWN_OR_HEARD = (b"vide", b"soun")
_NORMAL = 1 << 16  # the speed, a number with 16 bits behind the point


def refuse_edits(path: Path) -> None:
    """`BadInputError` for an MP4 or MOV whose picture or sound is put together from parts, or changes its speed.

    A file that is none, or is broken, passes: others say so.
    """
    with path.open("rb") as file:
        for edits in _lists(file):
            first = next((place for place, (at, _) in enumerate(edits) if at is not None), len(edits))
            parts = edits[first:]
            if any(at is not None and rate != _NORMAL for at, rate in parts):
                what, fix = "plays a part of it at another speed", _IN_THE_EDITOR
            elif any(at is None for at, _ in parts):
                what, fix = "pauses after it has begun", _IN_THE_EDITOR
            elif len(parts) > 1:
                what, fix = f"puts {len(parts)} parts of it together", _ONCE_MORE
            else:
                continue
            raise BadInputError(f"The edit list of {path.name!r} {what}, which not all players do alike.", fix)


_IN_THE_EDITOR = "Render it once more where it was edited: ffmpeg does not follow such a list."
_ONCE_MORE = (
    "Render it once more where it was edited. Without that: `ffmpeg -i FILE -map 0:v -map 0:a NEW.mp4`, which may show "
    "two or three frames too many at each cut."
)


def _lists(file: BinaryIO) -> Iterator[list[tuple[int | None, int]]]:
    """The edit list of every track of picture or sound: where each edit starts (None: a pause), and its speed."""
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
    """Edits that last; one of no length plays to the end in a file of fragments, where it is the last."""
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
    """Where the contents of boxes of a kind begin and end."""
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

"""Other edit lists for MP4 files, as editors and cameras write them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

#: How long an edit lasts, where in the track it starts (None: a pause), both in seconds, and its speed.
Edit = tuple[float, float | None, float]


def with_edits(
    path: Path, out: Path, edits: Sequence[Edit], kinds: tuple[bytes, ...] = (b"vide", b"soun"), wide: bool = False
) -> Path:
    """A copy of an MP4 whose index is at its end, with an edit list for all its tracks of some kinds.

    Args:
        path: as ffmpeg writes it; what it hides before the first frame (priming, reordering) stays hidden.
        out: written.
        edits: in the order of playing.
        kinds: handlers of the tracks.
        wide: in 64 bits.
    """
    *before, (last, moov) = _boxes(path.read_bytes())
    assert last == b"moov"
    movie = struct.unpack_from(">I", _inside(moov, b"mvhd"), 20 - 8)[0]
    index = b""
    for kind, body in _boxes(moov):
        if kind == b"trak" and _inside(body, b"mdia", b"hdlr")[8:12] in kinds:
            media = struct.unpack_from(">I", _inside(body, b"mdia", b"mdhd"), 20 - 8)[0]
            base = _first(_inside(body, b"edts", b"elst"))
            rows = b"".join(
                struct.pack(
                    ">Qqi" if wide else ">Iii",
                    round(lasts * movie),
                    -1 if at is None else base + round(at * media),
                    round(rate * 65536),
                )
                for lasts, at, rate in edits
            )
            elst = struct.pack(">II", wide << 24, len(edits)) + rows
            parts = [(name, _box(b"elst", elst) if name == b"edts" else part) for name, part in _boxes(body)]
            body = b"".join(_box(name, part) for name, part in parts)
        index += _box(kind, body)
    out.write_bytes(b"".join(_box(*one) for one in before) + _box(b"moov", index))
    return out


def _first(elst: bytes) -> int:
    starts = [struct.unpack_from(">Iii", elst, 8 + at)[1] for at in range(0, len(elst) - 8, 12)]
    return next(start for start in starts if start >= 0)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + size]
        at += size


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _inside(data: bytes, *path: bytes) -> bytes:
    for kind in path:
        data = next(body for name, body in _boxes(data) if name == kind)
    return data

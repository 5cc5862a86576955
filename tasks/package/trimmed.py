"""The end of a copied picture in MP4, where frames that come later had to be copied with it."""

from __future__ import annotations

import struct
from pathlib import Path

from tasks.package.language_tags import movie_header

_HEAD = 8  # of the box `elst` after its kind: version and flags, number of edits


def end_picture(path: Path, shown_ms: int) -> None:
    """Let the edit list of the first track end after ``shown_ms``; a player shows no frame that starts then or later.

    Args:
        path: as ffmpeg writes MP4: its index in front, times of the whole file in ms, a picture as the first track.
        shown_ms: from the track's first frame.

    Raises:
        ValueError: there is no edit list.
    """
    with path.open("r+b") as file:
        start, size = movie_header(file)
        file.seek(start)
        moov = file.read(size)
        at = moov.find(b"elst") + 4
        if at < 4:
            raise ValueError(f"{path.name} has no edit list")
        form = struct.Struct(">Qqi" if moov[at] else ">Iii")
        last = at + _HEAD + form.size * (int.from_bytes(moov[at + 4 : at + _HEAD], "big") - 1)
        _, media_time, rate = form.unpack_from(moov, last)
        file.seek(start + last)
        file.write(form.pack(shown_ms, media_time, rate))

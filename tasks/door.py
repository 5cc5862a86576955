"""The one door to ffmpeg and ffprobe: what they are given to read, and how. Containers: `lipsync_engine.opening`.

File names are data: they always travel as ``file:`` plus an absolute path, so that a leading dash, a colon, a ``%`` or
a newline means nothing to ffmpeg. A file is what its content says, never what its name says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lipsync_engine.opening import RULES

_STILL_MAGIC = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"BM", b"II*\x00", b"MM\x00*")


def url(path: Path) -> str:
    """A path as ffmpeg takes it literally."""
    return f"file:{path.absolute()}"


def is_still(path: Path) -> bool:
    """Whether a file starts like a PNG, JPEG, WebP, BMP or TIFF picture."""
    with path.open("rb") as file:
        head = file.read(12)
    return head.startswith(_STILL_MAGIC) or (head[:4] == b"RIFF" and head[8:] == b"WEBP")


def rules(path: Path, form: str | None = None) -> dict[str, Any]:
    """The options that must stand before an input: no protocol but ``file``, no format that opens other files.

    Args:
        path: a single picture is opened as one, whatever its name (image2 would expand ``%d``).
        form: the only format that it may have (`srt` for subtitles that we wrote); None: media, by its content.
    """
    if form is None and is_still(path):
        return {**rules(path, "image2"), "pattern_type": "none"}
    return {**RULES, "f": form, "format_whitelist": form} if form else dict(RULES)


def asking(path: Path, *words: str) -> list[str]:
    """A command line of ffprobe about a file."""
    told = [word for name, value in rules(path).items() for word in (f"-{name}", value)]
    return ["ffprobe", "-v", "error", *told, *words, "-i", url(path)]

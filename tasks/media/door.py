"""The one door to ffmpeg and ffprobe: what they are given to read, and how. Containers: `lipsync_engine.opening`.

File names are data: they always travel as ``file:`` plus an absolute path, so that a leading dash, a colon, a ``%`` or
a newline means nothing to ffmpeg. A file is what its content says, never what its name says.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

from lipsync_engine.media.opening import RULES
from tasks.keep.digests import FRESH_NS, identity
from tasks.machine import process

#: What ffprobe said in this process: so many short answers are kept, the last ones asked for.
_KEPT, _SHORT = 512, 1 << 16
_answers: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
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


def answer(path: Path, *words: str, deadline_s: float = 120.0) -> bytes:
    """What ffprobe says about a file; asked again in this process only when the file is another or was written again.

    Raises:
        MissingBackendError, ProcessTimeoutError, ProcessFailedError: as `process.capture`; nothing of it is kept.
    """
    try:
        before = path.stat()
    except OSError:
        return process.capture(asking(path, *words), deadline_s=deadline_s)
    asked = (*identity(path.absolute(), before), *words)
    if (known := _answers.get(asked)) is not None:
        return known
    told = process.capture(asking(path, *words), deadline_s=deadline_s)
    if len(told) <= _SHORT and time.time_ns() - before.st_ctime_ns > FRESH_NS:
        _answers[asked] = told
        while len(_answers) > _KEPT:
            _answers.popitem(last=False)
    return told

"""The only way in which ffmpeg and ffprobe open files. Which containers are allowed: `lipsync_engine.opening`.

File names are data: they are always passed as ``file:`` plus an absolute path, so that a leading dash, a colon, a ``%``
or a newline has no meaning to ffmpeg. A file's type is decided by its content, never by its name.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

from lipsync_engine.media.opening import RULES
from tasks.keep.digests import FRESH_NS, identity
from tasks.machine import process

#: Size of the cache of ffprobe's answers in this process, least recently used first out.
_KEPT, _SHORT = 512, 1 << 16
_answers: OrderedDict[tuple[object, ...], bytes] = OrderedDict()
_STILL_MAGIC = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"BM", b"II*\x00", b"MM\x00*")


def url(path: Path) -> str:
    """A path as ffmpeg takes it literally."""
    return f"file:{path.absolute()}"


def is_still(path: Path) -> bool:
    """Whether a file has the signature of a PNG, JPEG, WebP, BMP or TIFF picture."""
    with path.open("rb") as file:
        head = file.read(12)
    return head.startswith(_STILL_MAGIC) or (head[:4] == b"RIFF" and head[8:] == b"WEBP")


def rules(path: Path, form: str | None = None) -> dict[str, Any]:
    """The options that must precede an input: no protocol but ``file``, no format that opens other files.

    Args:
        path: the input; a single picture is opened as one regardless of its name (image2 would expand ``%d``).
        form: the only allowed format (`srt` for subtitles that Polydub wrote); None: media, by content.
    """
    if form is None and is_still(path):
        return {**rules(path, "image2"), "pattern_type": "none"}
    return {**RULES, "f": form, "format_whitelist": form} if form else dict(RULES)


def asking(path: Path, *words: str) -> list[str]:
    """An ffprobe command line for a file."""
    output = [word for name, value in rules(path).items() for word in (f"-{name}", value)]
    return ["ffprobe", "-v", "error", *output, *words, "-i", url(path)]


def answer(path: Path, *words: str, deadline_s: float = 120.0) -> bytes:
    """The output of ffprobe for a file; cached in this process until the file changes.

    Raises:
        MissingBackendError, ProcessTimeoutError, ProcessFailedError: as `process.capture`; a failure is not cached.
    """
    try:
        before = path.stat()
    except OSError:
        return process.capture(asking(path, *words), deadline_s=deadline_s)
    asked = (*identity(path.absolute(), before), *words)
    if (known := _answers.get(asked)) is not None:
        return known
    output = process.capture(asking(path, *words), deadline_s=deadline_s)
    if len(output) <= _SHORT and time.time_ns() - before.st_ctime_ns > FRESH_NS:
        _answers[asked] = output
        while len(_answers) > _KEPT:
            _answers.popitem(last=False)
    return output

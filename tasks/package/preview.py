"""The beginning of a title, for a quick look before the whole is dubbed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from tasks import media
from tasks.keep.staging import staged
from tasks.media import door
from tasks.records.errors import ProcessFailedError

#: Demultiplexer to the muxer that takes the same streams; Matroska for others.
_MUXERS = {"mov": "mp4", "mpegts": "mpegts", "mpeg": "vob", "avi": "avi", "ogg": "ogg", "asf": "asf", "mxf": "mxf"}


def cut_beginning(video: Path, preview_ms: int, out: Path) -> tuple[str, ...]:
    """Stream-copy the first ``preview_ms`` of a video, chapters cut; nothing is decoded or encoded again.

    Args:
        video: the title.
        preview_ms: length.
        out: a file in the title's own container, written whole or not at all.

    Returns:
        Notes for the user: what is not in the cut.

    Raises:
        ProcessFailedError: not even picture and sound can be cut.
    """
    shown = "stream=codec_type,start_time,duration:stream_disposition=attached_pic"
    shown += ":format=format_name,start_time:format_tags=major_brand"
    found = json.loads(door.answer(video, "-show_entries", shown, "-of", "json"))
    muxer = _muxer(found["format"])
    preview_ms = round(min(preview_ms, _shown_ms(found)))
    try:
        _cut(video, ("V:0", "a?", "s?", "t?"), preview_ms, muxer, out)
    except ProcessFailedError:
        _cut(video, ("V:0", "a?"), preview_ms, "matroska" if muxer == "avi" else muxer, out)
    else:
        return ()
    beside = any(stream["codec_type"] in ("subtitle", "attachment") for stream in found["streams"])
    return ("The source's own subtitles and attachments are not in the preview.",) if beside else ()


def _shown_ms(found: dict[str, Any]) -> float:
    """Where the picture of an MP4 or MOV ends, whose edit list may hide more; without end in others."""
    pictures = [
        one for one in found["streams"] if one["codec_type"] == "video" and not one["disposition"]["attached_pic"]
    ]
    if not found["format"]["format_name"].startswith("mov") or not pictures or "duration" not in pictures[0]:
        return math.inf
    start_s = float(pictures[0].get("start_time", 0)) - float(found["format"].get("start_time", 0))
    return 1000 * (start_s + float(pictures[0]["duration"]))


def _muxer(container: dict[str, Any]) -> str:
    muxer = _MUXERS.get(container["format_name"].split(",")[0], "matroska")
    return "mov" if container.get("tags", {}).get("major_brand", "").strip() == "qt" else muxer


def _cut(video: Path, streams: tuple[str, ...], preview_ms: int, muxer: str, out: Path) -> None:
    whole = media.on_clock(video)
    with staged(out) as part:
        graph = media.sink([whole[one] for one in streams], part, c="copy", t=preview_ms / 1000, f=muxer)
        media.run_ffmpeg(graph)

"""A stretch of a title, for a quick look before the whole is dubbed."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

from tasks import media
from tasks.keep.staging import scratch, staged
from tasks.media import door
from tasks.media.encoding import encoded, opened
from tasks.media.probe import probe
from tasks.records.errors import ProcessFailedError

#: Demultiplexer to the muxer that takes the same streams; Matroska for others.
_MUXERS = {"mov": "mp4", "mpegts": "mpegts", "mpeg": "vob", "avi": "avi", "ogg": "ogg", "asf": "asf", "mxf": "mxf"}
#: Of the last frames of a copy; more than the frames that any encoder reorders.
_LAST = 24


def cut_stretch(video: Path, start_ms: int, length_ms: int, out: Path) -> tuple[str, ...]:
    """Cut a stretch out of a video, chapters cut.

    What begins with the title is stream-copied, where a copy ends as it should: a copy cuts in the order in which
    frames are stored, and may lack some of the last that are shown. Otherwise the picture is encoded again; what begins
    later has its sound as FLAC, in Matroska.

    Args:
        video: the title.
        start_ms: where it begins.
        length_ms: how long it is.
        out: a file in the title's own container, or Matroska, written whole or not at all.

    Returns:
        Notes for the user: what is not in the cut, or is not the title's own.

    Raises:
        ProcessFailedError: not even picture and sound can be cut.
    """
    shown = "stream=codec_type,start_time,duration:stream_disposition=attached_pic"
    shown += ":format=format_name,start_time:format_tags=major_brand"
    found = json.loads(door.answer(video, "-show_entries", shown, "-of", "json"))
    if not _pictures(found):
        return _sound(video, start_ms, length_ms, out)
    length_ms = round(min(length_ms, _shown_ms(found) - start_ms))
    beside = any(stream["codec_type"] in ("subtitle", "attachment") for stream in found["streams"])
    with scratch(out, out.suffix) as copied:
        if not start_ms:
            notes = _copied(video, length_ms, _muxer(found["format"]), beside, copied)
            if _is_whole(copied, length_ms):
                with staged(out) as part:
                    copied.rename(part)
                return notes
    return _encoded(video, start_ms, length_ms, _muxer(found["format"]), beside, out)


def _shown_ms(found: dict[str, Any]) -> float:
    """Where the picture of an MP4 or MOV ends, whose edit list may hide more; without end in others."""
    pictures = _pictures(found)
    if not found["format"]["format_name"].startswith("mov") or not pictures or "duration" not in pictures[0]:
        return math.inf
    start_s = float(pictures[0].get("start_time", 0)) - float(found["format"].get("start_time", 0))
    return 1000 * (start_s + float(pictures[0]["duration"]))


def _pictures(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in found["streams"] if one["codec_type"] == "video" and not one["disposition"]["attached_pic"]]


def _sound(video: Path, start_ms: int, length_ms: int, out: Path) -> tuple[str, ...]:
    """The stretch of a title without a picture, as FLAC in Matroska."""
    late = {"ss": start_ms / 1000} if start_ms else {}
    with staged(out) as part:
        whole = media.on_clock(video, **late)
        media.run_ffmpeg(media.sink([whole["a"]], part, **{"c:a": "flac"}, t=length_ms / 1000, f="matroska"))
    return ("The preview is FLAC in Matroska, without cover art, and so is the kind of its masters.",)


def _muxer(container: dict[str, Any]) -> str:
    muxer = _MUXERS.get(container["format_name"].split(",")[0], "matroska")
    return "mov" if container.get("tags", {}).get("major_brand", "").strip() == "qt" else muxer


def _copied(video: Path, length_ms: int, muxer: str, beside: bool, out: Path) -> tuple[str, ...]:
    whole = media.on_clock(video)

    def cut(streams: tuple[str, ...], form: str) -> None:
        media.run_ffmpeg(media.sink([whole[one] for one in streams], out, c="copy", t=length_ms / 1000, f=form))

    try:
        cut(("V:0", "a?", "s?", "t?"), muxer)
    except ProcessFailedError:
        cut(("V:0", "a?"), "matroska" if muxer == "avi" else muxer)
        return _without(beside)
    return ()


def _is_whole(cut: Path, length_ms: int) -> bool:
    """Whether every frame up to the end is there, and none beyond it."""
    asked = ("-select_streams", "V:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0")
    said = door.answer(cut, *asked).decode().replace(",", "\n").split()
    times = sorted(float(one) for one in said if one != "N/A")[-_LAST:]
    if len(times) < 3:
        return True
    steps = sorted(after - before for before, after in itertools.pairwise(times))
    usual = steps[len(steps) // 2]
    return steps[-1] < 1.5 * usual and _ends_ms(cut) <= length_ms + 1500 * usual


def _ends_ms(cut: Path) -> int:
    picture = probe(cut).picture
    return picture.start_ms + picture.duration_ms if picture else 0


def _encoded(video: Path, start_ms: int, length_ms: int, muxer: str, beside: bool, out: Path) -> tuple[str, ...]:
    facts = probe(video)
    assert facts.picture is not None
    late = {"ss": start_ms / 1000} if start_ms else {}
    form = "matroska" if start_ms or muxer not in ("mp4", "mov") else muxer
    whole = media.on_clock(video, **late, **opened(facts.picture))
    picture, options, made = encoded(whole[str(facts.picture.index)], facts.picture)
    options |= {"vsync": "passthrough", "enc_time_base": -1, "t": length_ms / 1000, "f": form}
    options |= {"c:a": "flac" if start_ms else "copy", "c:s": "copy", "c:t": "copy"}
    streams = [picture, *(whole[str(track.index)] for track in facts.audio)]
    notes = [f"The preview's picture is encoded again, so that it begins and ends where it should: {made}."]
    with staged(out) as part:
        try:
            media.run_ffmpeg(media.sink([*streams, whole["s?"], whole["t?"]], part, **options))
        except ProcessFailedError:
            media.run_ffmpeg(media.sink(streams, part, **options))
            notes += _without(beside)
    return tuple(notes)


def _without(beside: bool) -> tuple[str, ...]:
    return ("The source's own subtitles and attachments are not in the preview.",) if beside else ()

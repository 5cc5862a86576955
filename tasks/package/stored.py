"""How a picture lies in its file: which stream it is, and when its frames are shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import dropwhile, pairwise
from pathlib import Path

from tasks.media import door

_JSON = ("-of", "json")
_LOOK = 120  # packets; far more than pictures are reordered by


@dataclass(frozen=True)
class Stored:
    """The first real picture of a file.

    Attributes:
        index: of its stream.
        codec: as ffmpeg names it.
        start_s: when its first frame is shown after the container's start, once missing times are filled in.
        timed: whether its packets say when they are shown, or it follows from their order.
        hidden_s: how much before its first frame an edit list hides.
        packets: after so many, in the order of decoding, all frames that are shown have come; None: after all of them.
        behind: how many of these are shown after the last frame that an edit list shows: others are made from them.
    """

    index: int
    codec: str
    start_s: float
    timed: bool
    hidden_s: float = 0.0
    packets: int | None = None
    behind: int = 0


def stored_picture(path: Path, *, trimmed: bool = False) -> Stored:
    """Look at the first packets of a file's picture; reads nothing else, unless its end may be ``trimmed``.

    AVI numbers packets in the order of decoding. Where pictures are reordered the order of showing follows for MPEG-4
    Part 2, whose packets tell their kind, and not for H.264: there the start alone is known, to a frame.
    """
    shown = "stream=index,codec_name,has_b_frames:stream_disposition=attached_pic:format=start_time"
    answer = json.loads(door.answer(path, *_JSON, "-select_streams", "v", "-show_entries", shown))
    stream = next(one for one in answer["streams"] if not one.get("disposition", {}).get("attached_pic"))
    index, start = str(stream["index"]), float(answer["format"].get("start_time", 0))
    asked = ("-select_streams", index, "-read_intervals", f"%+#{_LOOK}", "-show_entries", "packet=pts_time,flags")
    plain = _times(_packets(path, *asked))
    packets = _packets(path, "-fflags", "+genpts", *asked)
    filled = _times(packets)
    known = [time for time in filled if time is not None]
    in_order = all(early < late for early, late in pairwise(known))
    guessed = sum(time is None for time in plain) > 0.1 * len(plain)
    ends, behind = _end(path, index) if trimmed else (None, 0)
    return Stored(
        index=stream["index"],
        codec=stream["codec_name"],
        start_s=min(known, default=start) - start,
        hidden_s=min(known, default=start)
        - min((float(one["pts_time"]) for one in packets if "pts_time" in one), default=start),
        packets=ends,
        behind=behind,
        timed=len(known) == len(filled) and not (guessed and in_order and stream.get("has_b_frames", 0)),
    )


def _end(path: Path, index: str) -> tuple[int | None, int]:
    """How many packets to copy, from the first key frame on, and how many of them are shown after the end."""
    every = _packets(path, "-select_streams", index, "-show_entries", "packet=pts_time,flags")
    every = list(dropwhile(lambda packet: "K" not in packet.get("flags", ""), every))
    times = [None if "D" in packet.get("flags", "") else float(packet.get("pts_time", 0)) for packet in every]
    shown = [place for place, time in enumerate(times) if time is not None]
    if not shown:
        return None, 0
    last = max(time for time in times if time is not None)
    ends = shown[-1] + 1
    return ends if ends < len(every) else None, sum(
        float(packet.get("pts_time", last)) > last for packet in every[:ends]
    )


def _packets(path: Path, *asked: str) -> list[dict[str, str]]:
    found = json.loads(door.answer(path, *_JSON, *asked))
    return list(found.get("packets", []))


def _times(packets: list[dict[str, str]]) -> list[float | None]:
    """When packets are shown, seconds, in the order of decoding; those that an edit list hides are left out."""
    seen = [packet for packet in packets if "D" not in packet.get("flags", "")]
    return [float(packet["pts_time"]) if "pts_time" in packet else None for packet in seen]

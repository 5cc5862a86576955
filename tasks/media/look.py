"""How a picture is displayed: rotation, mirroring, fields, transparency, pixel aspect, Dolby Vision."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from tasks import media
from tasks.machine import process
from tasks.records.errors import ProcessFailedError

Fields = Literal["progressive", "tff", "bff"]
#: Which field is shown first, by ffmpeg's names (the second letter; the first is the order of coding).
_ORDERS: dict[str, Fields] = {"tt": "tff", "bt": "tff", "bb": "bff", "tb": "bff", "progressive": "progressive"}
#: Heights and rates at which television is interlaced.
_TELEVISION = {480, 486, 512, 576, 608, 1080, 1088}
_TELEVISION_RATES = {25, 30}
_FILM_ON_TELEVISION = 30  # frames a second of film after 3:2 pulldown, two frames in five combed
_EXAMINED = 60  # frames
_ALPHA = ("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8a")


def turn_of(stream: Mapping[str, Any], frame: Mapping[str, Any]) -> tuple[int, bool]:
    """Rotation for display in degrees clockwise (0, 90, 180, 270), and whether it is then mirrored."""
    for side in (*stream.get("side_data_list", []), *frame.get("side_data_list", [])):
        if "displaymatrix" in side:
            return _turn(side)
    turn = float(stream.get("tags", {}).get("rotate", 0))
    return 0 if math.isnan(turn) else round(turn / 90) * 90 % 360, False


def _turn(side: Mapping[str, Any]) -> tuple[int, bool]:
    rows = [line.split(":")[1].split() for line in side["displaymatrix"].strip().splitlines()]
    (a, b), (c, d) = ((int(value) for value in row[:2]) for row in rows[:2])
    mirrored = a * d - b * c < 0
    if not (a or b):
        return 0, False  # a matrix of zeros, which players ignore
    turn = math.degrees(math.atan2(b, -a)) if mirrored else math.degrees(math.atan2(b, a))
    return round(turn / 90) * 90 % 360, mirrored


def dolby_vision_of(stream: Mapping[str, Any]) -> int:
    """The Dolby Vision profile; 0 for none."""
    return next((int(side["dv_profile"]) for side in stream.get("side_data_list", []) if "dv_profile" in side), 0)


def has_alpha(stream: Mapping[str, Any]) -> bool:
    """Whether the picture has an alpha channel; WebM keeps it beside VP8 and VP9, and a tag says so."""
    tags = {name.lower(): value for name, value in stream.get("tags", {}).items()}
    return str(stream.get("pix_fmt", "")).startswith(_ALPHA) or tags.get("alpha_mode") == "1"


def aspect_of(stream: Mapping[str, Any]) -> Fraction:
    """Pixel aspect ratio, width over height; 1 if the file does not state it."""
    width, _, height = str(stream.get("sample_aspect_ratio") or "1:1").partition(":")
    try:
        aspect = Fraction(int(width), int(height))
    except (ValueError, ZeroDivisionError):
        return Fraction(1)
    return aspect if aspect > 0 else Fraction(1)


def fields_of(
    path: Path, stream: Mapping[str, Any], frame: Mapping[str, Any], rate: Fraction, duration_ms: int
) -> tuple[Fields, tuple[str, ...]]:
    """The field order of a picture, and notes on how it was decided.

    The stream and its first frame decide. Some frames from the middle are examined to verify the field order, which is
    often wrong, and, at television sizes and rates, to find interlacing that is not flagged. If the file says
    progressive, nearly all of them must be combed, because fine lines in a drawing look the same.

    Args:
        path: the title.
        stream: the video stream as ffprobe prints it.
        frame: its first frame, likewise.
        rate: frames per second.
        duration_ms: length of the title, milliseconds.
    """
    said = _ORDERS.get(str(stream.get("field_order")))
    if frame.get("interlaced_frame") and said in (None, "progressive"):
        said = "tff" if frame.get("top_field_first") else "bff"
    television = int(stream.get("height", 0)) in _TELEVISION and round(rate) in _TELEVISION_RATES
    if said == "progressive" and not television:
        return "progressive", ()
    if said is None and not television and not frame.get("interlaced_frame"):
        return "progressive", ()
    seen = _looked_at(path, stream["index"], duration_ms)
    found: Fields = "tff" if seen["tff"] >= seen["bff"] else "bff"
    combed, clear = seen["tff"] + seen["bff"], seen["progressive"]
    if said in ("tff", "bff"):
        sure = combed >= 10 and max(seen["tff"], seen["bff"]) > 0.9 * combed
        if sure and found != said:
            return found, (f"The file says {_WORDS[said]}, but its frames are {_WORDS[found]}: this is used.",)
        return said, ()
    needed = 0.97 if said == "progressive" else 0.8
    if combed >= 20 and combed >= needed * (combed + clear):
        return found, (f"The picture is not flagged as interlaced, but its frames are: {_WORDS[found]}.",)
    if round(rate) == _FILM_ON_TELEVISION and 0.25 * (combed + clear) < combed < 0.6 * (combed + clear):
        return "progressive", ("Some frames are combed, as in telecined film: they are left as they are.",)
    return "progressive", ()


_WORDS = {"tff": "top field first", "bff": "bottom field first"}


def _looked_at(path: Path, index: int, duration_ms: int) -> dict[str, float]:
    """Frames that ffmpeg's idet finds combed (by field order) and progressive."""
    seek = {"ss": duration_ms / 3000} if duration_ms > 6000 else {}
    looked = media.source(path, **seek)[str(index)].filter("idet").filter("metadata", mode="print", file="-")
    seen = {"tff": 0.0, "bff": 0.0, "progressive": 0.0}
    try:
        output = process.capture(media.arguments(looked.output("-", f="null", vframes=_EXAMINED)), deadline_s=300.0)
    except ProcessFailedError:
        return seen
    for line in output.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition("=")
        what = name.removeprefix("lavfi.idet.multiple.")
        if what != name and what in seen:
            seen[what] = float(value)
    return seen

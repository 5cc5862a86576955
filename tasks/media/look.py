"""How a picture is to be shown: turned, mirrored, in fields, in which colours, for which display."""

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
_FILM_ON_TELEVISION = 30  # frames a second to which film is stretched by 3:2, two frames in five combed
_LOOKED_AT = 60  # frames
_ALPHA = ("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8a")


def turn_of(stream: Mapping[str, Any], frame: Mapping[str, Any]) -> tuple[int, bool]:
    """Degrees clockwise for display (0, 90, 180, 270), and whether left and right then change places."""
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


def has_alpha(pixel_format: str) -> bool:
    """Whether the picture has a channel of transparency."""
    return pixel_format.startswith(_ALPHA)


def aspect_of(stream: Mapping[str, Any]) -> Fraction:
    """Width over height of a stored pixel; 1 where the file does not say."""
    width, _, height = str(stream.get("sample_aspect_ratio") or "1:1").partition(":")
    try:
        aspect = Fraction(int(width), int(height))
    except (ValueError, ZeroDivisionError):
        return Fraction(1)
    return aspect if aspect > 0 else Fraction(1)


def fields_of(
    path: Path, stream: Mapping[str, Any], frame: Mapping[str, Any], rate: Fraction, duration_ms: int
) -> tuple[Fields, tuple[str, ...]]:
    """Whether the picture is made of fields and which is shown first, and what to tell of it.

    What stream and first frame say counts. Some frames of the middle are looked at for the order of fields, which may
    be wrong, and at the sizes and rates of television for fields that nobody speaks of. Where the file says progressive
    all of them must be combed: fine lines in a drawing look so, too.

    Args:
        path: the title.
        stream: as ffprobe shows it.
        frame: its first frame.
        rate: frames per second.
        duration_ms: of the title.
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
            return found, (f"The file says {_WORDS[said]}, its frames show {_WORDS[found]}: that is taken.",)
        return said, ()
    needed = 0.97 if said == "progressive" else 0.8
    if combed >= 20 and combed >= needed * (combed + clear):
        return found, (f"The file does not say that its picture is interlaced; its frames are: {_WORDS[found]}.",)
    if round(rate) == _FILM_ON_TELEVISION and 0.25 * (combed + clear) < combed < 0.6 * (combed + clear):
        return "progressive", ("Some frames are combed, as of film on television (telecine): they are left so.",)
    return "progressive", ()


_WORDS = {"tff": "top field first", "bff": "bottom field first"}


def _looked_at(path: Path, index: int, duration_ms: int) -> dict[str, float]:
    """Frames that ffmpeg's idet finds combed (by order) and clear."""
    seek = {"ss": duration_ms / 3000} if duration_ms > 6000 else {}
    looked = media.source(path, **seek)[str(index)].filter("idet").filter("metadata", mode="print", file="-")
    seen = {"tff": 0.0, "bff": 0.0, "progressive": 0.0}
    try:
        told = process.capture(media.arguments(looked.output("-", f="null", vframes=_LOOKED_AT)), deadline_s=300.0)
    except ProcessFailedError:
        return seen
    for line in told.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition("=")
        what = name.removeprefix("lavfi.idet.multiple.")
        if what != name and what in seen:
            seen[what] = float(value)
    return seen

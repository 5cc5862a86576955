"""Colour metadata of a video file: primaries, transfer, matrix, range and HDR10 figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from tasks.media import door
from tasks.records.errors import ProcessFailedError
from tasks.records.facts import Colour


def first_frame(path: Path, index: int | str) -> dict[str, Any]:
    """The fields and side data of a stream's first frame; empty if it cannot be read."""
    shown = ("-select_streams", str(index), "-read_intervals", "%+#1", "-show_frames", "-of", "json")
    try:
        frames = json.loads(door.answer(path, *shown, deadline_s=300.0)).get("frames", [])
    except (ProcessFailedError, ValueError):
        return {}
    return dict(frames[0]) if frames else {}


def colour_of(stream: Mapping[str, Any], frame: Mapping[str, Any]) -> Colour:
    """Colours as the stream states them, else its first frame; HDR10's figures from either."""
    known = {
        name: value
        for name, key in _NAMES.items()
        if (value := stream.get(key) or frame.get(key)) and value not in ("unknown", "reserved")
    }
    sides = [*stream.get("side_data_list", []), *frame.get("side_data_list", [])]
    mastering = next((text for side in sides if "red_x" in side and (text := _mastering(side))), "")
    light = next((f"{side['max_content']},{side['max_average']}" for side in sides if "max_content" in side), "")
    return Colour(**known, mastering=mastering, light=light)


_NAMES = {"primaries": "color_primaries", "transfer": "color_transfer", "matrix": "color_space", "range": "color_range"}


def _mastering(side: Mapping[str, Any]) -> str:
    def number(name: str, unit: int) -> int:
        return round(Fraction(side[name]) * unit)

    try:
        points = "".join(
            f"{letter}({number(f'{name}_x', 50_000)},{number(f'{name}_y', 50_000)})"
            for letter, name in (("G", "green"), ("B", "blue"), ("R", "red"), ("WP", "white_point"))
        )
        return f"{points}L({number('max_luminance', 10_000)},{number('min_luminance', 10_000)})"
    except (KeyError, ValueError, ZeroDivisionError):
        return ""

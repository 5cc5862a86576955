"""Whether a file's sound carries a watermark of synthetic speech. No Prefect."""

from __future__ import annotations

import json
from pathlib import Path

from tasks.media import door
from tasks.records.errors import PolydubError
from tasks.records.made import Watermark

_TRACKS = 16


def listened_to(path: Path) -> Watermark:
    """What is heard in the sound tracks of a file: the surest of them; it never raises for what a file holds."""
    from tasks.watermark.detection import detect

    heard = [detect(path, f"a:{number}") for number in range(_sounds(path))]
    if not heard:
        return Watermark(verdict="not measured", note="There is no sound in it.")
    return max(heard, key=lambda one: (one.verdict == "found", one.score or 0.0))


def _sounds(path: Path) -> int:
    asked = ("-select_streams", "a", "-show_entries", "stream=index", "-of", "json")
    try:
        return min(len(json.loads(door.answer(path, *asked))["streams"]), _TRACKS)
    except (PolydubError, OSError, ValueError, KeyError, TypeError):
        return 0

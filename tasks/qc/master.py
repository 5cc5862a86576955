"""Times of a delivered master, as its container says."""

from __future__ import annotations

from pathlib import Path

from lipsync_engine.media.opening import opened
from tasks.qc.evidence import MasterTimes, Measured


def master_times(path: Path) -> MasterTimes | None:
    """Read start and length of the first picture and sound streams; None where one of them is missing."""
    with opened(path) as container:
        if not container.streams.video or not container.streams.audio:
            return None
        picture, sound = container.streams.video[0], container.streams.audio[0]
        return MasterTimes(*_times(picture), *_times(sound))


def _times(stream: object) -> tuple[float, float]:
    base = float(getattr(stream, "time_base", None) or 0) * 1000
    start = float(getattr(stream, "start_time", None) or 0) * base
    length = float(getattr(stream, "duration", None) or 0) * base
    return round(start, 3), round(length, 3)


def sound_offset(master: MasterTimes | None, picture_start_ms: int) -> tuple[Measured, Measured]:
    """How many milliseconds the sound starts before, and after, where the picture's start says that it should."""
    if master is None:
        missing = Measured(None, "the master has no picture or no sound, or was not probed")
        return missing, missing
    late = round(master.audio_start_ms - (master.picture_start_ms - picture_start_ms), 1)
    return Measured(max(0.0, -late)), Measured(max(0.0, late))

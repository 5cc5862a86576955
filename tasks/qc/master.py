"""Times of a delivered master, as its container says."""

from __future__ import annotations

from pathlib import Path

from lipsync_engine.media.opening import opened, picture_of
from tasks.qc.evidence import NO_PICTURE, MasterTimes, Measured


def master_times(path: Path) -> MasterTimes | None:
    """Read start and length of the first picture and sound streams; None where there is no sound.

    Without a picture (cover art is none) its start and length are None.
    """
    with opened(path) as container:
        if not container.streams.audio:
            return None
        picture, sound = picture_of(container), container.streams.audio[0]
        shown = _times(picture) if picture else (None, None)
        return MasterTimes(shown[0], shown[1], *_times(sound))


def _times(stream: object) -> tuple[float, float]:
    base = float(getattr(stream, "time_base", None) or 0) * 1000
    start = float(getattr(stream, "start_time", None) or 0) * base
    length = float(getattr(stream, "duration", None) or 0) * base
    return round(start, 3), round(length, 3)


def sound_offset(master: MasterTimes | None, picture_start_ms: int) -> tuple[Measured, Measured]:
    """How many milliseconds the sound starts before, and after, where the picture's start says that it should."""
    if master is None or master.picture_start_ms is None:
        missing = NO_PICTURE if master else Measured(None, "the master has no sound, or was not probed")
        return missing, missing
    late = round(master.audio_start_ms - (master.picture_start_ms - picture_start_ms), 1)
    return Measured(max(0.0, -late)), Measured(max(0.0, late))

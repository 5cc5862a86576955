"""A look at a client's M&E before anything is separated: what can only be the wrong file is not laid at all."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from configs.gates import gate_rules
from configs.sound import IngestSettings
from tasks import media
from tasks.records.errors import BadInputError
from tasks.records.facts import MediaFacts

#: Peaks below this are silence, however loud the title is.
_SILENT_DBFS = -70.0
_WINDOWS, _WINDOW_S = 8, 4.0
_PEAK = re.compile(r"max_volume: (-?[\d.]+|-inf) dB")


def refuse_coarse(
    bed: Path, given: MediaFacts, video: Path, title: MediaFacts, settings: IngestSettings, waived: Collection[str]
) -> None:
    """Refuse a bed that is too short for the title at any speed, silent, or split into files' worth of tracks.

    Args:
        bed: the client's file.
        given: what it holds.
        video: the title.
        title: what that holds.
        settings: how far a recording's speed may be from the title's.
        waived: gates whose failure is accepted.

    Raises:
        BadInputError: with what is wrong.
    """
    if len(given.audio) > 1 and all(track.channels == 1 for track in given.audio):
        raise BadInputError(
            f"The bed {bed.name!r} has {len(given.audio)} tracks of one channel each: only one would be heard.",
            "Give one track with all channels.",
        )
    _refuse_short(bed, given, video, title, settings, waived)
    if "bed_missing_ms" not in waived and title.audio and _is_silent(bed, given.duration_ms / 1000):
        raise BadInputError(
            f"The bed {bed.name!r} is silent.",
            "Give the client's music and effects, or accept it with a waiver of bed_missing_ms in the profile.",
        )


def _refuse_short(
    bed: Path, given: MediaFacts, video: Path, title: MediaFacts, settings: IngestSettings, waived: Collection[str]
) -> None:
    most_ms = gate_rules()["bed_length_ms"].fail
    slowed_ms = given.duration_ms * (1 + max(settings.speed, 0.01))
    if most_ms is None or "bed_length_ms" in waived or slowed_ms + most_ms >= title.duration_ms:
        return
    if not title.audio or _peak_dbfs(video, slowed_ms / 1000, None) < _SILENT_DBFS:
        return
    raise BadInputError(
        f"The bed {bed.name!r} lasts {given.duration_ms / 1000:.2f} s, the title {title.duration_ms / 1000:.2f} s: the "
        "rest of the title, which sounds, would be without music and effects.",
        "Give M&E of the whole title, or accept it with a waiver of bed_length_ms in the profile.",
    )


def _is_silent(path: Path, length_s: float) -> bool:
    """Whether nothing is heard in it; a few windows tell at once of almost every file that something is."""
    for number in range(_WINDOWS if length_s > _WINDOWS * _WINDOW_S else 0):
        if _peak_dbfs(path, length_s * (number + 0.5) / _WINDOWS, _WINDOW_S) >= _SILENT_DBFS:
            return False
    return _peak_dbfs(path, 0.0, None) < _SILENT_DBFS


def _peak_dbfs(path: Path, start_s: float, length_s: float | None) -> float:
    """The highest peak of a stretch of the first audio track; -inf where it has no sample."""
    until = {} if length_s is None else {"t": f"{length_s:.3f}"}
    sound = media.source(path, ss=f"{start_s:.3f}", **until)["a:0"].filter("volumedetect")
    argv = media.arguments(sound.output("pipe:", f="null"))
    found = _PEAK.search(media.run_ffmpeg(["info" if part == "error" else part for part in argv]))
    return float(found[1]) if found else float("-inf")

"""When the shots of a picture change, by the same finder that lip sync uses."""

from __future__ import annotations

from pathlib import Path

from tasks.records.errors import UnsupportedError
from tasks.records.progress import Progress, silent


def cuts_of(video: Path, progress: Progress = silent) -> tuple[int, ...]:
    """Milliseconds of the player's clock at which a new shot begins, in order; the first begins without one.

    Args:
        video: a file with a picture.
        progress: called with the share that is done.

    Raises:
        UnsupportedError: the picture cannot be read.
    """
    from lipsync_engine.faces.facemesh.picture import Picture
    from lipsync_engine.faces.shots import CutFinder
    from lipsync_engine.media.video import MediaError, probe, read

    try:
        facts = probe(video)
        finder, times, decided = CutFinder(float(facts.rate)), [], []
        for frame in read(video, facts):
            times.append(frame.time_s)
            decided += finder.see(Picture(frame.planes, facts.colour))
            if facts.frames:
                progress(min(1.0, len(times) / facts.frames))
        decided += finder.end()
    except MediaError as error:
        raise UnsupportedError(f"The changes of shot cannot be found: {error}") from error
    return tuple(round(1000 * time) for time, cut in zip(times, decided, strict=True) if cut)

"""The client's music and effects instead of a separated bed."""

from __future__ import annotations

from pathlib import Path

from tasks import media
from tasks.media.probe import probe
from tasks.separate.surround import is_surround


def client_bed(given: Path, duration_ms: int, out: Path) -> None:
    """A sound file as 48 kHz 24-bit WAV, stereo or (from six channels on) 5.1, padded or cut to the title's length.

    Args:
        given: any media file with sound, on the title's clock: its time 0 is the title's time 0.
        duration_ms: length of the title, milliseconds.
        out: written atomically.
    """
    facts = probe(given).model_copy(update={"duration_ms": duration_ms})
    media.extract_audio(given, facts, None, out, layout="5.1" if is_surround(facts) else "stereo")

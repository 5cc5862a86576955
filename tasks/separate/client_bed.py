"""The client's music and effects instead of a separated bed."""

from __future__ import annotations

from pathlib import Path

from tasks import media
from tasks.probe.probe import probe
from tasks.separate.surround import CHANNELS, is_surround


def client_bed(given: Path, duration_ms: int, out: Path) -> None:
    """A sound file as 48 kHz 24-bit WAV, stereo or (from six channels on) 5.1, padded or cut to the picture's length.

    Args:
        given: any media file with sound; its first sample belongs to the first frame.
        duration_ms: of the title.
        out: written whole or not at all.
    """
    surround = is_surround(probe(given))
    layout = "5.1" if surround else "stereo"
    sound = media.source(given).audio.filter("aresample", media.SAMPLE_RATE).filter("aformat", channel_layouts=layout)
    with media.staged(out) as part:
        media.run_ffmpeg(media.wav(media.exactly(sound, duration_ms), part, channels=CHANNELS if surround else 2))

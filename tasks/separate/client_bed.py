"""The client's music and effects instead of a separated bed."""

from __future__ import annotations

from pathlib import Path

from tasks import media


def client_bed(given: Path, duration_ms: int, out: Path) -> None:
    """A sound file as 48 kHz stereo 24-bit WAV, padded or cut to the picture's length.

    Args:
        given: any media file with sound; its first sample belongs to the first frame.
        duration_ms: of the title.
        out: written whole or not at all.
    """
    sound = media.source(given).audio.filter("aresample", media.SAMPLE_RATE).filter("aformat", channel_layouts="stereo")
    with media.staged(out) as part:
        media.run_ffmpeg(media.wav(media.exactly(sound, duration_ms), part))

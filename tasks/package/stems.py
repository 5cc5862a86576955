"""The stems as they are delivered: 24 bit at 48 kHz, WAV or FLAC."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import soundfile

from tasks import media
from tasks.keep.assets import path_of
from tasks.keep.staging import staged
from tasks.records.record import Asset


def stem(made: Asset, kind: Literal["wav", "flac"], folder: Path, role: str) -> Path | Asset:
    """A stem in its delivery format; itself where it has that already.

    Args:
        made: WAV, mono, stereo or 5.1.
        kind: of the delivery.
        folder: where a file is written.
        role: the file's name, without its ending.
    """
    facts = soundfile.info(str(path_of(made)))
    if kind == "wav" and (facts.subtype, facts.samplerate) == ("PCM_24", media.SAMPLE_RATE):
        return made
    out = folder / f"{role}.{kind}"
    sound = media.source(path_of(made)).audio
    lossless = {"f": "flac", "acodec": "flac", "ar": media.SAMPLE_RATE, "sample_fmt": "s32", "bits_per_raw_sample": 24}
    with staged(out) as part:
        graph = media.wav(sound, part, facts.channels) if kind == "wav" else media.sink(sound, part, **lossless)
        media.run_ffmpeg(graph)
    return out

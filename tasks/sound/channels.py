"""Stereo and 5.1 as the graphs of ffmpeg take them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import soundfile

from tasks import media

#: Channels of a surround mix: L R C LFE Ls Rs.
SURROUND = 6
_LAYOUTS = {2: "stereo", SURROUND: "5.1"}


def channels_of(path: Path) -> int:
    """Channels of a WAV: 6 for a surround bed, else 2 whatever it has."""
    return SURROUND if soundfile.info(str(path)).channels == SURROUND else 2


def layout_of(channels: int) -> str:
    """Ffmpeg's name of a mix's channels."""
    return _LAYOUTS[channels]


def stereo(path: Path, **options: Any) -> Any:
    """A WAV as stereo float at 48 kHz; mono goes to both sides at full level (``aformat`` alone takes off 3 dB).

    ``thread_queue_size`` of another value makes another input of the same file: silent stems may be one blob.
    """
    sound = media.source(path, **options).audio
    if soundfile.info(str(path)).channels == 1:
        sound = sound.filter("channelmap", map="0|0", channel_layout="stereo")
    return sound.filter("aformat", sample_fmts="fltp", sample_rates=media.SAMPLE_RATE, channel_layouts="stereo")


def programme(path: Path) -> Any:
    """A WAV as float at 48 kHz with the channels of a mix."""
    if channels_of(path) == 2:
        return stereo(path)
    sound = media.source(path).audio.filter("channelmap", map="0|1|2|3|4|5", channel_layout="5.1")
    return sound.filter("aformat", sample_fmts="fltp", sample_rates=media.SAMPLE_RATE, channel_layouts="5.1")

"""The graph of a mix: voice over bed, in stereo or 5.1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg
import soundfile

from tasks.records.made import BedMode
from tasks.sound.channels import channels_of, programme, stereo
from tasks.sound.loudness import SILENCE_LUFS

#: The bed sinks by (1 - 1/ratio) x depth under speech of average level: 9 dB, the whole original under a lector 14 dB.
_DUCK: dict[BedMode, dict[str, Any]] = {
    "ducked": {"ratio": 2.5, "attack": 20, "release": 300, "knee": 4, "detection": "rms"},
    "voice_over": {"ratio": 6, "attack": 40, "release": 600, "knee": 4, "detection": "rms"},
}
_DEPTH_DB: dict[BedMode, float] = {"ducked": 15.0, "voice_over": 17.0}


@dataclass(frozen=True)
class Stems:
    """What is mixed; WAV files at 48 kHz on one clock.

    Attributes:
        voice: the dub, mono or stereo.
        bed: stereo, or 5.1 as L R C LFE Ls Rs: the mix has its channels.
        original: the original dialogue, stereo; heard only in a voice-over.
        kept: what stays of the original dialogue, stereo; None: nothing.
    """

    voice: Path
    bed: Path
    original: Path
    kept: Path | None = None


def blended(stems: Stems, mode: BedMode, voice_db: float, voice_lufs: float) -> Any:
    """The sum, as long as the bed, before its level is set.

    A voice goes to the centre of a surround mix and to both sides of a stereo one, at the same power.

    Args:
        stems: what is mixed.
        mode: what happens under speech.
        voice_db: gain of the voice.
        voice_lufs: loudness of the voice after that, as a stereo programme.
    """
    channels = channels_of(stems.bed)
    voice = stereo(stems.voice, thread_queue_size=64).filter("volume", f"{voice_db:.3f}dB", precision="double")
    under = programme(stems.bed)
    if mode == "voice_over":
        under = _added([under, _spread(stereo(stems.original, thread_queue_size=65), channels)])
    if mode != "untouched" and voice_lufs > SILENCE_LUFS:
        split = voice.filter_multi_output("asplit")
        threshold = max(0.000977, min(1.0, 10 ** ((voice_lufs - _DEPTH_DB[mode]) / 20)))
        key = split[0].filter("apad", whole_len=soundfile.info(str(stems.bed)).frames)
        under = ffmpeg.filter([under, key], "sidechaincompress", threshold=f"{threshold:.6f}", **_DUCK[mode])
        voice = split[1]
    parts = [under, _spread(voice, channels)]
    if stems.kept is not None and mode != "voice_over":
        parts.append(_spread(stereo(stems.kept, thread_queue_size=66), channels))
    return _added(parts)


def _spread(sound: Any, channels: int) -> Any:
    return sound if channels == 2 else sound.filter("pan", "5.1|FC<c0+c1")


def _added(parts: list[Any]) -> Any:
    return ffmpeg.filter(parts, "amix", inputs=len(parts), duration="first", normalize=0)

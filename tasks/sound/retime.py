"""A recording brought onto the title's clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile

from tasks import media
from tasks.keep.staging import scratch, staged
from tasks.sound.channels import SURROUND, channels_of, programme
from tasks.sound.clock import Clock

_BLOCK = 1 << 17


def retime(recording: Path, clock: Clock, pitch: Literal["keep", "follow"], duration_ms: int, out: Path) -> None:
    """Undo a recording's shift and speed: 48 kHz 24-bit WAV, exactly as long as the title, its channels kept.

    Args:
        recording: stereo or 5.1 WAV at 48 kHz.
        clock: the recording's.
        pitch: ``keep`` stretches time by Rubber Band, ``follow`` resamples: the pitch moves with the speed.
        duration_ms: of the title.
        out: written whole or not at all.
    """
    channels, late_ms = channels_of(recording), clock.shift_ms / clock.slowness
    if pitch == "follow" and clock.slowness != 1.0:
        with scratch(out) as resampled:
            _resample(recording, clock.slowness, resampled)
            _place(_sound(resampled), late_ms, duration_ms, channels, out)
        return
    sound = _sound(recording)
    if clock.slowness != 1.0:
        sound = sound.filter("rubberband", tempo=f"{clock.slowness:.9f}", formant="preserved", pitchq="quality")
    _place(sound, late_ms, duration_ms, channels, out)


def _sound(path: Path) -> Any:
    return programme(path) if channels_of(path) == SURROUND else media.source(path).audio


def _place(sound: Any, late_ms: float, duration_ms: int, channels: int, out: Path) -> None:
    """Cut what is before the title's start, or put silence there; then the title's length."""
    stream = sound
    moved = round(late_ms * media.PER_MS)
    if moved > 0:
        stream = stream.filter("atrim", start_sample=moved).filter("asetpts", "N/SR/TB")
    elif moved < 0:
        stream = stream.filter("adelay", f"{-moved}S", all=1)
    with staged(out) as part:
        media.run_ffmpeg(media.wav(media.exactly(stream, duration_ms), part, channels), duration_ms=duration_ms)


def _resample(recording: Path, slowness: float, out: Path) -> None:
    import soxr

    with (
        soundfile.SoundFile(recording) as source,
        soundfile.SoundFile(out, "w", media.SAMPLE_RATE, source.channels, subtype="FLOAT", format="RF64") as target,
    ):
        stream = soxr.ResampleStream(
            source.samplerate * slowness, source.samplerate, source.channels, dtype="float32", quality="VHQ"
        )
        for block in source.blocks(_BLOCK, dtype="float32", always_2d=True):
            target.write(stream.resample_chunk(block))
        target.write(stream.resample_chunk(np.zeros((0, source.channels), np.float32), last=True))

"""Processing of every voice's audio: trimming silence, levelling, and atomic writing.

Audio from services is decoded with the same restrictions as all media (`lipsync_engine.opening`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from lipsync_engine.media.audio import load_mono, sample_rate_of
from tasks.keep.staging import scratch, staged

_WINDOW_MS = 10
_QUIET_DB = -45.0  # below the loudest window: silence
_KEEP_MS = 15  # left around the speech, so that no onset is cut
_SPEECH_DBFS = -23.0
_PEAK = 0.89  # -1 dBFS
_RATES_HZ = (16_000, 48_000)  # sample rates in between are kept


def trim_bounds(samples: NDArray[np.float32], rate_hz: int) -> tuple[int, int]:
    """First and last sample (exclusive) of the sound between leading and trailing silence.

    Silence is more than 45 dB below the loudest 10 ms; 15 ms are kept around the sound. ``(0, 0)`` if all is silent.

    Args:
        samples: float32 [N], mono.
        rate_hz: sample rate.
    """
    levels = _window_power(samples, rate_hz)
    if not len(levels) or levels.max() < 1e-9:
        return 0, 0
    loud = np.flatnonzero(levels > levels.max() * 10 ** (_QUIET_DB / 10))
    window = _window(rate_hz)
    keep = rate_hz * _KEEP_MS // 1000
    return max(0, int(loud[0]) * window - keep), min(len(samples), (int(loud[-1]) + 1) * window + keep)


def levelled(samples: NDArray[np.float32], rate_hz: int, louder_db: float = 0.0) -> NDArray[np.float32]:
    """The samples normalised to -23 dBFS RMS over their speech, with peaks below -1 dBFS.

    Windows of 10 ms more than 25 dB below the loudest do not count, so that pauses do not raise the level.

    Args:
        samples: float32 [N], mono.
        rate_hz: sample rate.
        louder_db: gain above that level, as far as the peaks allow.
    """
    levels = _window_power(samples, rate_hz)
    if not len(levels) or levels.max() < 1e-9:
        return samples
    rms = float(np.sqrt(levels[levels > levels.max() * 10**-2.5].mean()))
    gain = min(10 ** ((_SPEECH_DBFS + louder_db) / 20) / rms, _PEAK / float(np.abs(samples).max()))
    return (samples * np.float32(gain)).astype(np.float32)


def write_wav(out: Path, samples: NDArray[np.float32], rate_hz: int) -> None:
    """Write a 16-bit mono WAV atomically.

    Args:
        out: the file.
        samples: float32 [N], mono.
        rate_hz: sample rate.
    """
    with staged(out) as part:
        soundfile.write(part, samples, rate_hz, subtype="PCM_16", format="WAV")


def _window(rate_hz: int) -> int:
    return max(1, rate_hz * _WINDOW_MS // 1000)


def _window_power(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float64]:
    window = _window(rate_hz)
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % window))
    power: NDArray[np.float64] = (padded.reshape(-1, window) ** 2).mean(axis=1)
    return power


def decoded(sound: bytes, beside: Path, longest_s: float, rate_hz: int = 0) -> tuple[NDArray[np.float32], int]:
    """Decode audio in any supported container: float32 [N], mono, and its sample rate.

    Args:
        sound: a complete file.
        beside: path in whose folder it is stored while it is read.
        longest_s: maximum length, seconds.
        rate_hz: requested sample rate; 0 to keep it, between 16 and 48 kHz.

    Raises:
        lipsync_engine.audio.AudioError: no audio, broken, or too long.
    """
    with scratch(beside, ".sound") as file:
        file.write_bytes(sound)
        rate_hz = rate_hz or min(max(sample_rate_of(file), _RATES_HZ[0]), _RATES_HZ[1])
        return load_mono(file, rate_hz, longest_s), rate_hz

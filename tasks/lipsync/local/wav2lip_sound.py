"""Wav2Lip's audio features: 80 mel bands of 16 kHz sound every 12.5 ms, as its authors compute them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_RATE, _SIZE, _HOP, _BANDS = 16_000, 800, 200, 80
_LOWEST_HZ, _HIGHEST_HZ = 55, 7600
_EMPHASIS = 0.97
#: Reference level and minimum level, decibels; range of the result.
_FULL_DB, _QUIET_DB, _END = 20.0, -100.0, 4.0
#: Steps for one frame, and steps per second.
STEPS, _STEPS_PER_S = 16, _RATE / _HOP


def mel(speech: Path) -> NDArray[np.float32]:
    """The mel spectrogram of a file, float32 [80, steps], from -4 (silence) to 4."""
    import librosa
    from scipy.signal import lfilter

    samples, _ = librosa.load(speech, sr=_RATE)
    emphasised = lfilter([1, -_EMPHASIS], [1], samples)
    # Mirrored ends: the default of librosa at that time.
    spectrum = np.abs(librosa.stft(emphasised, n_fft=_SIZE, hop_length=_HOP, win_length=_SIZE, pad_mode="reflect"))
    bands = librosa.filters.mel(sr=_RATE, n_fft=_SIZE, n_mels=_BANDS, fmin=_LOWEST_HZ, fmax=_HIGHEST_HZ)
    level = 20 * np.log10(np.maximum(10 ** (_QUIET_DB / 20), bands @ spectrum)) - _FULL_DB
    scaled = 2 * _END * (level - _QUIET_DB) / -_QUIET_DB - _END
    return np.asarray(np.clip(scaled, -_END, _END), np.float32)


def windows(sound: NDArray[np.float32], frames: int, rate: float) -> NDArray[np.float32]:
    """The audio window of each frame: 0.2 s from its time, the last complete window beyond the end.

    Args:
        sound: float32 [80, steps].
        frames: number of frames.
        rate: frames per second.

    Returns:
        float32 [frames, 1, 80, 16].
    """
    lacking = max(0, STEPS - sound.shape[1])
    sound = np.pad(sound, ((0, 0), (0, lacking)), constant_values=-_END)
    starts = np.minimum((np.arange(frames) * (_STEPS_PER_S / rate)).astype(int), sound.shape[1] - STEPS)
    return np.asarray(np.stack([sound[:, start : start + STEPS] for start in starts])[:, None])

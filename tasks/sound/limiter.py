"""A programme's gain, with its true peaks held under a ceiling by a limiter that looks ahead and links all channels.

ffmpeg's ``alimiter`` (5.1) clips 5.1 sound and noise instead of turning it down; hence this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks import media
from tasks.sound.blocks import blocks_with_context

_BLOCK = 1 << 18
#: Times 48 kHz, the oversampling that BS.1770-4 annex 2 asks of a true-peak meter.
_OVERSAMPLING = 4
#: The gain falls and rises within so many samples (5 ms), and stays down after a peak for so many (40 ms).
_RAMP, _HOLD = 5 * media.PER_MS, 40 * media.PER_MS
#: So far does a peak tell upon the gain.
_REACH = 2 * _RAMP + _HOLD
_CONTEXT = _REACH + 64
#: No peak between samples is further above the samples around it than this (the sum of the filter's taps, 2.24).
_BETWEEN = 2.25


def write_gained(source: Path, out: Path, gain_db: float, ceiling_dbtp: float | None) -> None:
    """Write a programme turned up or down by one gain, as 24-bit WAV.

    Args:
        source: WAV at 48 kHz, any number of channels.
        out: written over; of the same length.
        gain_db: of the whole programme.
        ceiling_dbtp: that its true peaks do not pass; None: no limiter.
    """
    factor = np.float32(10 ** (gain_db / 20))
    with (
        soundfile.SoundFile(source) as file,
        soundfile.SoundFile(
            out, "w", file.samplerate, file.channels, subtype="PCM_24", format=_format(file.frames, file.channels)
        ) as target,
    ):
        for _, before, samples in blocks_with_context(source, _BLOCK, _CONTEXT):
            samples *= factor
            if ceiling_dbtp is not None:
                samples *= limiting_gain(samples, 10 ** (ceiling_dbtp / 20))[:, None]
            target.write(samples[before : before + _BLOCK])


def limiting_gain(samples: NDArray[np.float32], limit: float) -> NDArray[np.float32]:
    """The gain at each sample that holds true peaks under a limit, the same for all channels.

    Args:
        samples: float32 [N, C] at 48 kHz.
        limit: as a factor of full scale.

    Returns:
        float32 [N], 1 where nothing is limited.
    """
    from scipy.ndimage import convolve1d, minimum_filter1d

    wanted, gain = np.ones(len(samples), np.float32), np.ones(len(samples), np.float32)
    channels = np.ascontiguousarray(samples.T)
    for part in _around(np.abs(channels).max(axis=0, initial=0.0) * _BETWEEN > limit):
        wanted[part] = limit / np.maximum(_peaks(channels[:, part]), limit)
    ramp = np.hanning(2 * _RAMP + 1)
    for part in _around(wanted < 1):
        # at every sample the lowest gain of the peaks from a ramp after it to a ramp and a hold before it
        lowest = minimum_filter1d(wanted[part], 2 * _RAMP + _HOLD + 1, origin=_HOLD // 2, mode="nearest")
        gain[part] = convolve1d(lowest, ramp / ramp.sum(), mode="nearest")
    return gain


def _around(marked: NDArray[np.bool_]) -> Iterator[slice]:
    """The stretches of sound that marked samples tell upon, in order, apart."""
    at = np.flatnonzero(marked)
    for group in np.split(at, np.flatnonzero(np.diff(at) > 2 * _REACH) + 1):
        if len(group):
            yield slice(max(0, group[0] - _REACH), group[-1] + _REACH + 1)


def _peaks(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The true peak at each sample, of all channels."""
    from scipy.signal import resample_poly

    fine = np.abs(resample_poly(channels, _OVERSAMPLING, 1, axis=1)).max(axis=0)
    peaks: NDArray[np.float32] = fine.reshape(-1, _OVERSAMPLING).max(axis=1)
    return peaks


def _format(frames: int, channels: int) -> str:
    """RF64 where a WAV would pass 4 GiB; WAVEX names the channels of 5.1."""
    if frames * channels * 3 >= 0xFFFF0000:
        return "RF64"
    return "WAVEX" if channels > 2 else "WAV"

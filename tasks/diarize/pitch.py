"""Pitch of a voice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.sound.speech_activity import SAMPLE_RATE_HZ

_LOWEST_HZ, _HIGHEST_HZ = 60.0, 420.0  # speech of men to children


def median_pitch_hz(samples: NDArray[np.float32]) -> float:
    """Median fundamental frequency of the voiced frames, 0 where nothing is voiced.

    By probabilistic YIN (Mauch & Dixon, ICASSP 2014) as in librosa.

    Args:
        samples: float32 [N], mono, 16 kHz.
    """
    import librosa

    if len(samples) < 2048:
        return 0.0
    hertz, voiced, _ = librosa.pyin(
        samples.astype(np.float64),
        fmin=_LOWEST_HZ,
        fmax=_HIGHEST_HZ,
        sr=SAMPLE_RATE_HZ,
        frame_length=1024,
        resolution=0.2,
    )
    return round(float(np.median(hertz[voiced])), 1) if voiced.any() else 0.0

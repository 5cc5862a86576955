"""The demo's music bed: soft chords and light percussion, computed; the same samples every time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000
_BEATS_PER_MINUTE = 84
_BEATS_A_CHORD = 4
# MIDI notes: C major seventh, A minor seventh, F major seventh, G suspended fourth.
_CHORDS = ((48, 55, 64, 71), (45, 52, 60, 67), (41, 53, 60, 64), (43, 50, 60, 65))
_FADE_S = 1.2

Sound = NDArray[np.float32]


def music_bed(duration_s: float) -> Sound:
    """Compose a bed.

    Args:
        duration_s: length in seconds.

    Returns:
        float32 [N, 2] at 48 kHz, peak 0.5, faded out at the end.
    """
    count = round(duration_s * RATE_HZ)
    bed = np.zeros((count + RATE_HZ, 2))
    beat = 60 / _BEATS_PER_MINUTE
    chord_s = beat * _BEATS_A_CHORD
    for index in range(int(duration_s / chord_s) + 1):
        for voice, note in enumerate(_CHORDS[index % len(_CHORDS)]):
            _add(bed, index * chord_s, _pad(note, chord_s * 1.1), pan=0.2 + 0.2 * voice)
    random = np.random.default_rng(84)
    for step in range(int(duration_s / beat * 2)):
        if step % 4 == 0:
            _add(bed, step * beat / 2, _drum(), pan=0.5)
        _add(bed, step * beat / 2, _shaker(random, soft=step % 2 == 0), pan=0.65)
    bed = bed[:count]
    fade = min(count, round(_FADE_S * RATE_HZ))
    bed[count - fade :] *= np.linspace(1, 0, fade)[:, None]
    return np.asarray(0.5 * bed / max(1e-9, np.abs(bed).max()), np.float32)


def _add(bed: NDArray[np.float64], at_s: float, sound: NDArray[np.float64], pan: float) -> None:
    """Lay a mono sound into the stereo bed by equal-power panning; what runs past the end is dropped."""
    start = round(at_s * RATE_HZ)
    sound = sound[: max(0, len(bed) - start)]
    gains = np.array([np.cos(pan * np.pi / 2), np.sin(pan * np.pi / 2)])
    bed[start : start + len(sound)] += sound[:, None] * gains


def _pad(note: int, length_s: float) -> NDArray[np.float64]:
    """A chord tone: two detuned oscillators with a few falling harmonics, slow to come and go."""
    time = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    pitch = 440 * 2 ** ((note - 69) / 12)
    tone = sum(
        np.sin(2 * np.pi * pitch * cents * harmonic * time) / harmonic**2.2
        for cents in (0.9985, 1.0015)
        for harmonic in (1, 2, 3, 4)
    )
    envelope = np.minimum(1, time / 0.35) * np.minimum(1, (length_s - time) / 0.5)
    return np.asarray(0.16 * np.asarray(tone) * envelope)


def _drum() -> NDArray[np.float64]:
    time = np.arange(round(0.3 * RATE_HZ)) / RATE_HZ
    sweep = 2 * np.pi * (48 * time + 60 / 28 * (1 - np.exp(-28 * time)))
    return np.asarray(0.55 * np.sin(sweep) * np.exp(-14 * time) * np.minimum(1, time / 0.004))


def _shaker(random: np.random.Generator, *, soft: bool) -> NDArray[np.float64]:
    time = np.arange(round(0.09 * RATE_HZ)) / RATE_HZ
    noise = np.diff(random.standard_normal(len(time) + 1))
    return np.asarray((0.02 if soft else 0.045) * noise * np.exp(-55 * time) * np.minimum(1, time / 0.006))

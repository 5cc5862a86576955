"""How much of the original voice is left in the bed.

During source speech, the part of the bed that follows the original dialogue linearly is the voice that was left in.
A gain a band of 190 Hz is fitted by least squares over all speech frames; its power ``|S_db|^2 / S_dd`` is the
coherent power (Bendat and Piersol, Random Data, section 6.1). Chance coherence of unrelated signals, ``incoherent
power / (samples - 1)``, is taken off. The residual is that power relative to the dialogue's, in dB: a bed holding the
voice at one tenth of its level measures -20 dB. With stems separated from one mix it is indicative only: what a mask
leaves is no linear copy, and bed that leaked into the dialogue counts too (within 4 dB of the truth on trial mixes). A
voice that was moved by more than 2 ms, or that rings longer, measures lower than it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from tasks.keep.known import known
from tasks.sound.loudness import Spans

FLOOR_DB = -60.0
_WINDOW = 1024  # 21 ms at 48 kHz
_HOP = _WINDOW // 2
_BAND = 4  # bins of 47 Hz that share one gain: four times the samples against chance
_BLOCK_FRAMES = 512  # 5 s at a time
_MIN_FRAMES = 50
_BELOW_CHANCE = 4  # what the scatter of the chance power leaves to be seen, found on music and noise
_AUDIBLE_DBFS, _RELATIVE_DB, _JUDGE_MS = -50.0, -35.0, 100

Spectra = npt.NDArray[np.complex64]
Bands = npt.NDArray[np.float64]
Gains = npt.NDArray[np.complex128]


@dataclass(frozen=True)
class Residual:
    """The voice left in the bed.

    Attributes:
        relative_db: its power relative to the original dialogue during speech, not below `FLOOR_DB`.
        audible: above -50 dBFS and above -35 dB relative in two consecutive 100 ms windows.
        bound: the remainder is too small to tell it from chance in so much speech: `relative_db` is its upper bound.
    """

    relative_db: float
    audible: bool
    bound: bool = False


@known("supplied-bed-residual", 1, Residual | None)
def supplied_bed_residual(original: Path, bed: Path, speech: Spans, pauses: Spans) -> Residual | None:
    """The same of a bed that was not separated: the voice is what the original holds besides the bed.

    A gain a band is fitted where nobody speaks, and the bed taken off the original by it. Nothing that leaked from the
    bed into a separated dialogue counts; a bed that differs from the original's own does.

    Args:
        original: the whole sound, WAV.
        bed: the bed, same rate and clock.
        speech: where the original speaks.
        pauses: where it does not.

    Returns:
        None where there is too little speech, too little else, or none is audible.
    """
    bed_power, cross, _, frames = _spectra(bed, original, pauses, None)
    if frames < _MIN_FRAMES or float(bed_power.sum()) <= frames * 1e-9:
        return None
    gain = np.conj(cross) / np.maximum(bed_power, 1e-12)
    return _residual(original, bed, speech, np.concatenate([[0.0], np.repeat(gain, _BAND)]))


@known("bed-residual", 1, Residual | None)
def bed_residual(dialogue: Path, bed: Path, speech: Spans) -> Residual | None:
    """Measure the original dialogue's remainder in a bed; streams both files twice.

    Args:
        dialogue: original dialogue stem, WAV or FLAC.
        bed: the bed, same rate and clock.
        speech: where the original speaks.

    Returns:
        None where there is too little speech (half a second) or none is audible.

    Raises:
        ValueError: the two files differ in sample rate.
    """
    return _residual(dialogue, bed, speech, None)


def _residual(dialogue: Path, bed: Path, speech: Spans, taken_off: Gains | None) -> Residual | None:
    voice_power, cross, bed_power, frames = _spectra(dialogue, bed, speech, taken_off)
    voice = float(voice_power.sum())
    if frames < _MIN_FRAMES or voice <= frames * 1e-6:
        return None
    coherent = np.abs(cross) ** 2 / np.maximum(voice_power, 1e-12)
    chance = np.maximum(bed_power - coherent, 0.0) / (frames * _BAND - 1)
    share, limit = float((coherent - chance).sum()) / voice, float(chance.sum()) / _BELOW_CHANCE / voice
    relative_db = round(max(FLOOR_DB, 10 * np.log10(max(share, limit, 1e-12))), 1)
    if share <= limit:
        return Residual(relative_db, audible=False, bound=True)
    trust = np.sqrt(np.clip(1 - chance / np.maximum(coherent, 1e-20), 0.0, 1.0))
    gain = trust * np.abs(cross) / np.maximum(voice_power, 1e-12)
    return Residual(relative_db, _audible(dialogue, bed, speech, taken_off, gain))


def _spectra(
    dialogue: Path, bed: Path, speech: Spans, taken_off: Gains | None
) -> tuple[Bands, npt.NDArray[np.complex128], Bands, int]:
    """Power of the dialogue, cross power and power of the bed, each [bands], summed over speech; and the frames."""
    bands = _WINDOW // 2 // _BAND
    voice_power, bed_power = np.zeros(bands), np.zeros(bands)
    cross = np.zeros(bands, np.complex128)
    frames = 0
    for voice, background in _frames(dialogue, bed, speech, taken_off):
        voice_power += _banded(np.abs(voice) ** 2).sum(axis=0)
        bed_power += _banded(np.abs(background) ** 2).sum(axis=0)
        cross += _banded(voice * np.conj(background)).sum(axis=0)
        frames += len(voice)
    return voice_power, cross, bed_power, frames


def _banded(spectra: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """[frames, bins] -> [frames, bands], neighbouring bins added; without the mean."""
    return np.asarray(spectra[:, 1:].reshape(len(spectra), -1, _BAND).sum(axis=2))


def _audible(dialogue: Path, bed: Path, speech: Spans, taken_off: Gains | None, gain: Bands) -> bool:
    """Whether the predicted remainder passes both limits in two consecutive 100 ms windows."""
    with soundfile.SoundFile(dialogue) as file:
        per_window = max(1, round(file.samplerate * _JUDGE_MS / 1000 / _HOP))
    run = 0
    for voice, _ in _frames(dialogue, bed, speech, taken_off):
        power = _banded(np.abs(voice) ** 2)
        left, whole = (power * gain**2).sum(axis=1), power.sum(axis=1)
        for start in range(0, len(voice) - per_window + 1, per_window):
            part, all_of_it = left[start : start + per_window].mean(), whole[start : start + per_window].mean()
            loud = part > 10 ** (_AUDIBLE_DBFS / 10) and part > all_of_it * 10 ** (_RELATIVE_DB / 10)
            run = run + 1 if loud else 0
            if run == 2:
                return True
    return False


def _frames(dialogue: Path, bed: Path, speech: Spans, taken_off: Gains | None) -> Iterator[tuple[Spectra, Spectra]]:
    """Spectra [frames, bins] of dialogue and bed during speech, scaled so that their power sums to mean square.

    ``taken_off``: by which the bed is subtracted from the dialogue, [bins]; None: it does not hold the bed.
    """
    with soundfile.SoundFile(dialogue) as voice_file, soundfile.SoundFile(bed) as bed_file:
        rate = voice_file.samplerate
        if bed_file.samplerate != rate:
            raise ValueError(f"dialogue is at {rate} Hz, bed at {bed_file.samplerate} Hz")
        end = min(voice_file.frames, bed_file.frames)
        for start_ms, end_ms in speech:
            first, last = start_ms * rate // 1000, min(end_ms * rate // 1000, end)
            for block in range(first, last - _WINDOW, _BLOCK_FRAMES * _HOP):
                count = min(_BLOCK_FRAMES * _HOP + _HOP, last - block)
                voice, background = _spectrum(voice_file, block, count), _spectrum(bed_file, block, count)
                yield voice if taken_off is None else (voice - taken_off * background).astype(np.complex64), background


def _spectrum(file: soundfile.SoundFile, first: int, count: int) -> Spectra:
    file.seek(first)
    samples = _folded(file.read(count, dtype="float32", always_2d=True))
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    taper = np.hanning(_WINDOW).astype(np.float32)
    scale = np.sqrt(2.0 / (_WINDOW * float((taper**2).sum())))
    spectra: Spectra = np.fft.rfft(windows * taper, axis=1).astype(np.complex64) * np.float32(scale)
    return spectra


def _folded(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """One channel: the mean of a stereo file; of 5.1 the centre, and the sides as a separated dialogue has them."""
    if samples.shape[1] != 6:
        return np.asarray(samples.mean(axis=1))
    left, right, centre, _, left_back, right_back = samples.T
    return np.asarray(centre + (left + right + left_back + right_back) * np.float32(np.sqrt(0.5)), np.float32)

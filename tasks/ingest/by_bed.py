"""The clock of a print master from its music and effects: they are the title's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks.ingest.clock import Clock, Fitted, fit_clock

RATE_HZ = 16_000
_HOP = 160  # 10 ms
_FFT = 512
_BANDS = 12
_WINDOW_S = 8.0
_WINDOWS = 24
_SPEED_STEP = 0.005
#: A window is looked for again where its features correlate so much with the recording's; chance gives 0.1.
_ALIKE = 0.2
#: The recording holds the bed where this share of the windows lies on one clock; by chance two do.
_AGREED = 0.35
_FEWEST = 4
_ON_LINE_MS = 60.0
_NARROW_MS = 250.0
#: Waveforms that correlate so much were resampled, not stretched.
_SAME_WAVE = 0.25
_WAVE_S = 2.0

Features = NDArray[np.float64]  # [frames of 10 ms, bands]


@dataclass(frozen=True)
class BedMatch:
    """The bed found in a recording.

    Attributes:
        fitted: the recording's clock; its anchors are windows of the bed.
        pitch_moved: the recording's pitch moved with its speed (None: its speed is the title's).
    """

    fitted: Fitted
    pitch_moved: bool | None


def clock_by_bed(bed16k: Path, recording16k: Path, furthest_ms: float, speed: float) -> BedMatch | None:
    """Find the title's bed in a recording.

    Windows of the bed are looked for by the changes of level in twelve bands, which neither dialogue over them nor a
    change of speed hides; those that lie on one line give the clock.

    Args:
        bed16k: the title's bed, mono WAV at 16 kHz.
        recording16k: likewise.
        furthest_ms: largest shift that is tried.
        speed: largest departure from the title's speed that is tried.

    Returns:
        None where the recording does not hold the bed.
    """
    bed, heard = _features(bed16k), _features(recording16k)
    starts = _lively(bed)
    if len(starts) < _FEWEST or len(heard) < _WINDOW_S * 100:
        return None
    count = int(np.ceil(speed / _SPEED_STEP))
    tried = [1 + speed * number / max(1, count) for number in range(-count, count + 1)]
    found = [_found(bed, heard, start, tried, 0.0, furthest_ms, speed) for start in starts]
    alike = [one for one in found if one is not None]
    line = _on_one_line(np.array(alike).reshape(-1, 2), speed, furthest_ms)
    if line is None or len(line[1]) < max(_FEWEST, _AGREED * len(starts)):
        return None
    clock = line[0]
    exact = [_found(bed, heard, start, [clock.slowness], clock.shift_ms, _NARROW_MS, 0.0) for start in starts]
    anchors = np.array([one for one in exact if one is not None]).reshape(-1, 2)
    if len(anchors) < _FEWEST:
        return None
    fitted = fit_clock(anchors)
    moved = None if fitted.clock.slowness == 1.0 else _same_wave(bed16k, recording16k, starts, fitted.clock)
    return BedMatch(Fitted(fitted.clock, fitted.scatter_ms, fitted.error_ms, fitted.agreed, len(starts)), moved)


def _features(path: Path) -> Features:
    """Rises and falls of level in bands of 100 Hz to 6 kHz, each 10 ms."""
    edges = np.geomspace(100, 6000, _BANDS + 1) * _FFT / RATE_HZ
    bins = np.round(edges).astype(int)
    bins = np.maximum.accumulate(np.maximum(bins, np.arange(len(bins)) + bins[0]))
    window = np.hanning(_FFT)
    levels: list[NDArray[np.float64]] = []
    with soundfile.SoundFile(path) as file:
        overlap = np.zeros(_FFT - _HOP, np.float32)
        while len(block := file.read(_HOP * 3000, dtype="float32")):
            sound = np.concatenate([overlap, block])
            overlap = sound[len(sound) - (_FFT - _HOP) :]
            if len(sound) < _FFT:
                break
            frames = np.lib.stride_tricks.sliding_window_view(sound, _FFT)[::_HOP]
            power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
            bands = np.add.reduceat(power, bins[:-1], axis=1)
            levels.append(np.log10(bands + 1e-4))
    if not levels:
        return np.zeros((0, _BANDS))
    level = np.concatenate(levels)
    smooth = np.apply_along_axis(lambda band: np.convolve(band, np.ones(3) / 3, "same"), 0, level)
    return np.asarray(np.diff(smooth, axis=0, prepend=smooth[:1]))


def _lively(bed: Features) -> list[int]:
    """Where windows of the bed start that something happens in, spread over the title."""
    length = int(_WINDOW_S * 100)
    last = len(bed) - length
    if last < 0:
        return []
    starts = np.unique(np.linspace(0, last, min(_WINDOWS, last // 100 + 1)).astype(int))
    change = [float(np.mean(bed[start : start + length] ** 2)) for start in starts]
    return [int(start) for start, moves in zip(starts, change, strict=True) if moves > 1e-4]


def _found(
    bed: Features, heard: Features, start: int, tried: list[float], shift_ms: float, reach_ms: float, speed: float
) -> tuple[float, float] | None:
    """A window's middle on both clocks in milliseconds; None where it is not heard."""
    length = int(_WINDOW_S * 100)
    middle = start + length / 2
    longest = int(length * max(tried)) + 1
    centre = tried[0] * middle + shift_ms / 10 if speed == 0 else middle
    reach = reach_ms / 10 + speed * middle
    first = max(0, int(centre - longest / 2 - reach))
    part = heard[first : int(centre + longest / 2 + reach)]
    if len(part) < longest:
        return None
    size = 1 << (len(part) + longest).bit_length()
    spectrum = np.fft.rfft(part, size, axis=0)
    power = np.concatenate([[0.0], np.cumsum(np.sum(part**2, axis=1))])
    best: tuple[float, float] | None = None  # likeness, recording frame of the middle
    for slowness in tried:
        piece = _stretched(bed[start : start + length], int(length * slowness))
        alike = _likeness(spectrum, power, piece - piece.mean(axis=0), size)
        at = int(np.argmax(alike))
        if best is None or alike[at] > best[0]:
            best = float(alike[at]), first + at + _vertex(alike, at) + len(piece) / 2
    if best is None or best[0] < _ALIKE:
        return None
    return middle * 10, best[1] * 10


def _stretched(features: Features, size: int) -> Features:
    at = np.linspace(0, len(features) - 1, size)
    return np.stack([np.interp(at, np.arange(len(features)), band) for band in features.T], axis=1)


def _likeness(
    spectrum: NDArray[np.complex128], power: NDArray[np.float64], piece: Features, size: int
) -> NDArray[np.float64]:
    """Normalised correlation of a piece at every place of a part, over all bands together.

    Args:
        spectrum: of the part, padded to ``size``.
        power: of the part, summed up to each frame.
        piece: what is looked for.
        size: of the transforms.
    """
    together = np.fft.irfft((spectrum * np.conj(np.fft.rfft(piece, size, axis=0))).sum(axis=1), size)
    places = len(power) - len(piece)
    there = power[len(piece) :] - power[:places]
    return np.asarray(together[:places] / np.sqrt(np.maximum(there, 1e-9) * max(float(np.sum(piece**2)), 1e-9)))


def _vertex(values: NDArray[np.float64], at: int) -> float:
    """How far the top of the parabola through a peak is from it."""
    if not 0 < at < len(values) - 1:
        return 0.0
    left, top, right = values[at - 1 : at + 2]
    curve = left - 2 * top + right
    return float(0.5 * (left - right) / curve) if curve < 0 else 0.0


def _on_one_line(
    anchors: NDArray[np.float64], speed: float, furthest_ms: float
) -> tuple[Clock, NDArray[np.float64]] | None:
    """The line that most anchors lie on, of all through two of them (at most 24 anchors: 276 lines)."""
    best: tuple[Clock, NDArray[np.float64]] | None = None
    for one in range(len(anchors)):
        for other in range(one + 1, len(anchors)):
            apart = anchors[other, 0] - anchors[one, 0]
            if apart < 1500:
                continue
            slope = (anchors[other, 1] - anchors[one, 1]) / apart
            slope = 1.0 if apart < 10_000 and abs(slope - 1) < 0.02 else slope
            shift = float(np.mean(anchors[[one, other], 1] - slope * anchors[[one, other], 0]))
            if abs(slope - 1) > speed * 1.05 or abs(shift) > furthest_ms * 1.05:
                continue
            agreed = anchors[np.abs(anchors[:, 1] - slope * anchors[:, 0] - shift) <= _ON_LINE_MS]
            if best is None or len(agreed) > len(best[1]):
                best = Clock(float(slope), shift), agreed
    return best


def _same_wave(bed16k: Path, recording16k: Path, starts: list[int], clock: Clock) -> bool:
    """Whether the recording, played at the title's speed with its pitch, is the bed sample by sample."""
    import soxr

    size = int(_WAVE_S * RATE_HZ)
    alike = []
    with soundfile.SoundFile(bed16k) as bed, soundfile.SoundFile(recording16k) as heard:
        for start in starts[:: max(1, len(starts) // 8)]:
            title_ms = start * 10 + 2000
            bed.seek(min(bed.frames, title_ms * RATE_HZ // 1000))
            wave = bed.read(size, dtype="float32")
            at = int(clock.recording_ms(title_ms - 100) * RATE_HZ / 1000)
            if len(wave) < size or at < 0 or at >= heard.frames:
                continue
            heard.seek(at)
            piece = heard.read(int((_WAVE_S + 0.2) * clock.slowness * RATE_HZ), dtype="float32")
            piece = soxr.resample(piece, RATE_HZ * clock.slowness, RATE_HZ)
            if len(piece) <= size or not np.any(wave):
                continue
            length = 1 << (len(piece) + size).bit_length()
            spectrum = np.fft.rfft(piece[:, None], length, axis=0)
            power = np.concatenate([[0.0], np.cumsum(piece.astype(np.float64) ** 2)])
            alike.append(float(_likeness(spectrum, power, wave[:, None].astype(np.float64), length).max()))
    return bool(alike) and float(np.median(alike)) >= _SAME_WAVE

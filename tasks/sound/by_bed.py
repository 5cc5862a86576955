"""The clock of a recording from its music and effects: they are the title's own (a print master, a client's M&E)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks.sound.clock import Clock, Fitted, fit_clock

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
_WAVE_EARLIER_MS = 100
#: A window that is less alike by this at its own place than elsewhere is at its own place.
_AS_GOOD = 0.05

Features = NDArray[np.float64]  # [frames of 10 ms, bands]


@dataclass(frozen=True)
class BedMatch:
    """The bed found in a recording.

    Attributes:
        fitted: the recording's clock; its anchors are windows of the bed.
        pitch_moved: the recording's pitch moved with its speed (None: its speed is the title's).
        late_ms: how much later than that clock the waveform lies; 0 where it is not the bed's sample by sample.
    """

    fitted: Fitted
    pitch_moved: bool | None
    late_ms: float = 0.0


@dataclass(frozen=True)
class Part:
    """A window of the bed, looked for near its place; times on the title's clock.

    Attributes:
        start_ms: of the window.
        end_ms: likewise.
        late_ms: how much later it is heard in the recording; None where it is not heard.
    """

    start_ms: int
    end_ms: int
    late_ms: float | None


def parts_heard(bed16k: Path, recording16k: Path, reach_ms: float, window_s: float) -> list[Part]:
    """Where windows of the bed, spread over the title, are heard in a recording that should run with it.

    Where a window fits as well at its own place as anywhere (music repeats itself), it is heard there.

    Args:
        bed16k: the title's bed, mono WAV at 16 kHz; windows in which nothing happens are left out.
        recording16k: likewise, on the title's clock.
        reach_ms: how far from its place a window is looked for.
        window_s: length of a window.
    """
    bed, heard = _features(bed16k), _features(recording16k)
    size = int(window_s * 100)
    parts = []
    for start in _lively(bed, size):
        middle = (start + size / 2) * 10
        near = _found(bed, heard, start, size, [1.0], 0.0, _ON_LINE_MS, 0.0)
        far = _found(bed, heard, start, size, [1.0], 0.0, reach_ms, 0.0)
        best = near if near is not None and (far is None or near.alike >= far.alike - _AS_GOOD) else far
        parts.append(Part(start * 10, (start + size) * 10, None if best is None else best.at_ms - middle))
    return parts


def clock_by_bed(
    bed16k: Path, recording16k: Path, furthest_ms: float, speed: float, window_s: float = _WINDOW_S
) -> BedMatch | None:
    """Find the title's bed in a recording.

    Windows of the bed are looked for by the changes of level in twelve bands, which neither dialogue over them nor a
    change of speed hides; those that lie on one line give the clock.

    Args:
        bed16k: the title's bed, mono WAV at 16 kHz.
        recording16k: likewise.
        furthest_ms: largest shift that is tried.
        speed: largest departure from the title's speed that is tried.
        window_s: length of a window; shorter ones have to be more alike.

    Returns:
        None where the recording does not hold the bed.
    """
    bed, heard = _features(bed16k), _features(recording16k)
    size = int(window_s * 100)
    starts = _lively(bed, size)
    if len(starts) < _FEWEST or len(heard) < size:
        return None
    count = int(np.ceil(speed / _SPEED_STEP))
    tried = [1 + speed * number / max(1, count) for number in range(-count, count + 1)]
    found = [_found(bed, heard, start, size, tried, 0.0, furthest_ms, speed) for start in starts]
    alike = [(one.middle_ms, one.at_ms) for one in found if one is not None]
    line = _on_one_line(np.array(alike).reshape(-1, 2), speed, furthest_ms)
    if line is None or len(line[1]) < max(_FEWEST, _AGREED * len(starts)):
        return None
    clock = line[0]
    exact = [_found(bed, heard, start, size, [clock.slowness], clock.shift_ms, _NARROW_MS, 0.0) for start in starts]
    anchors = np.array([(one.middle_ms, one.at_ms) for one in exact if one is not None]).reshape(-1, 2)
    if len(anchors) < _FEWEST:
        return None
    fitted = fit_clock(anchors)
    late_ms = None if fitted.clock.same else _wave_late(bed16k, recording16k, starts, size, fitted.clock)
    moved = None if fitted.clock.slowness == 1.0 else late_ms is not None
    fitted = Fitted(fitted.clock, fitted.scatter_ms, fitted.error_ms, fitted.agreed, len(starts))
    return BedMatch(fitted, moved, late_ms or 0.0)


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


def _lively(bed: Features, length: int) -> list[int]:
    """Where windows of so many frames start that something happens in, spread over the title."""
    last = len(bed) - length
    if last < 0:
        return []
    starts = np.unique(np.linspace(0, last, min(_WINDOWS, last // 100 + 1)).astype(int))
    change = [float(np.mean(bed[start : start + length] ** 2)) for start in starts]
    return [int(start) for start, moves in zip(starts, change, strict=True) if moves > 1e-4]


class _Heard(NamedTuple):
    """A window's middle on both clocks in milliseconds, and how alike it is there."""

    middle_ms: float
    at_ms: float
    alike: float


def _found(
    bed: Features,
    heard: Features,
    start: int,
    length: int,
    tried: list[float],
    shift_ms: float,
    reach_ms: float,
    speed: float,
) -> _Heard | None:
    """Where a window is heard; None where it is not."""
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
    if best is None or best[0] < _ALIKE * np.sqrt(_WINDOW_S * 100 / length):
        return None
    return _Heard(middle * 10, best[1] * 10, best[0])


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


def _wave_late(bed16k: Path, recording16k: Path, starts: list[int], length: int, clock: Clock) -> float | None:
    """How many milliseconds the recording's waveform, played at the title's speed with its pitch, is behind the bed's.

    Returns:
        None where it is not the bed sample by sample.
    """
    import soxr

    seconds = min(_WAVE_S, length / 200)
    size = int(seconds * RATE_HZ)
    alike, late = [], []
    with soundfile.SoundFile(bed16k) as bed, soundfile.SoundFile(recording16k) as heard:
        for start in starts[:: max(1, len(starts) // 8)]:
            title_ms = start * 10 + length * 10 // 4
            bed.seek(min(bed.frames, title_ms * RATE_HZ // 1000))
            wave = bed.read(size, dtype="float32")
            sought = clock.recording_ms(title_ms - _WAVE_EARLIER_MS) * RATE_HZ / 1000
            at = int(sought)
            if len(wave) < size or at < 0 or at >= heard.frames:
                continue
            heard.seek(at)
            piece = heard.read(int((seconds + 2 * _WAVE_EARLIER_MS / 1000) * clock.slowness * RATE_HZ), dtype="float32")
            piece = soxr.resample(piece, RATE_HZ * clock.slowness, RATE_HZ)
            if len(piece) <= size or not np.any(wave):
                continue
            padded = 1 << (len(piece) + size).bit_length()
            spectrum = np.fft.rfft(piece[:, None], padded, axis=0)
            power = np.concatenate([[0.0], np.cumsum(piece.astype(np.float64) ** 2)])
            likeness = _likeness(spectrum, power, wave[:, None].astype(np.float64), padded)
            best = int(np.argmax(likeness))
            alike.append(float(likeness[best]))
            there = best + _vertex(likeness, best) - (sought - at) / clock.slowness
            late.append(there / (RATE_HZ / 1000) - _WAVE_EARLIER_MS)
    if not alike or float(np.median(alike)) < _SAME_WAVE:
        return None
    return float(np.median([ms for ms, share in zip(late, alike, strict=True) if share >= _SAME_WAVE]))

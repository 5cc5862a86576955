"""The clock of a recorded dub from its speech: its speech times against the starts of the script's lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks.sound.clock import Anchors, Clock, Fitted, fit_clock

Span = tuple[int, int]

_HOP_MS = 20
#: Speeds are tried so closely that a line at the far end moves by no more than this.
_BLUR_MS = 150.0
_FINEST, _COARSEST = 1e-4, 4e-3
#: Peaks of the correlation that are followed up.
_CANDIDATES = 12
#: A line's onset is looked for this far from where the clock says, closer each time.
_WINDOWS_MS = (700.0, 350.0, 180.0)
_FRAME_MS = 5
_BELOW_PEAK_DB = 30.0
_ABOVE_FLOOR_DB = 12.0


def clock_by_speech(
    lines: Sequence[Span], spans: Sequence[Span], onsets: Sequence[float], furthest_ms: float, speed: float
) -> Fitted:
    """The clock at which the recording's speech matches the script's lines.

    Speech activity is correlated with the lines' slots at every speed and shift within the bounds; the best are
    followed up by the onsets of speech next to each line's start.

    Args:
        lines: slots of the script on the title's clock, milliseconds.
        spans: speech in the recording.
        onsets: of the spans, as exactly as they are heard.
        furthest_ms: largest shift that is tried.
        speed: largest departure from the title's speed that is tried.

    Returns:
        The clock that most lines agree with; ``anchors`` is the number of lines.
    """
    starts = np.array([start for start, _ in lines], np.float64)
    heard = np.array(sorted(onsets), np.float64)
    if not len(starts) or not len(heard):
        return Fitted(Clock(), 0.0, 0.0, 0, len(starts))
    best: tuple[float, Fitted] | None = None
    for slowness, shift_ms in _candidates(lines, spans, furthest_ms, speed):
        fitted = _followed(starts, heard, Clock(slowness, shift_ms))
        merit = fitted.agreed - fitted.scatter_ms / 100 - abs(fitted.clock.slowness - 1)
        if best is None or merit > best[0]:
            best = merit, fitted
    assert best is not None
    found = best[1]
    return Fitted(found.clock, found.scatter_ms, found.error_ms, found.agreed, len(starts))


def speech_onsets(audio16k: Path, spans: Sequence[Span]) -> list[float]:
    """When each span of speech sets in: the first 5 ms near its start within 30 dB of its loudest, above the noise."""
    onsets = []
    with soundfile.SoundFile(audio16k) as file:
        rate = file.samplerate
        hop = rate * _FRAME_MS // 1000
        before = 0
        for start, end in spans:
            first = max(before, start - 200)
            file.seek(min(first * rate // 1000, file.frames))
            sound = file.read(max(0, min(end, start + 500) - first) * rate // 1000, dtype="float32")
            frames = sound[: len(sound) // hop * hop].reshape(-1, hop).astype(np.float64)
            level = 10 * np.log10((frames**2).mean(axis=1) + 1e-12) if len(frames) else np.zeros(0)
            before = end
            if not len(level):
                onsets.append(float(start))
                continue
            floor = float(np.percentile(level[: max(1, (start - first) // _FRAME_MS)], 20))
            threshold = max(level.max() - _BELOW_PEAK_DB, min(floor + _ABOVE_FLOOR_DB, level.max() - 10))
            onsets.append(first + float(np.flatnonzero(level >= threshold)[0]) * _FRAME_MS)
    return onsets


def _followed(starts: NDArray[np.float64], heard: NDArray[np.float64], clock: Clock) -> Fitted:
    """Refine a coarse clock by the speech onsets near it."""
    fitted = Fitted(clock, 0.0, 0.0, 0, 0)
    for window in _WINDOWS_MS:
        anchors = _paired(starts, heard, clock, window)
        if not len(anchors):
            return fitted
        fitted = fit_clock(anchors)
        clock = _through(anchors, fitted)
    return fitted


def _through(anchors: Anchors, fitted: Fitted) -> Clock:
    """The fitted clock even where it is too near the title's to be believed, to go on looking from."""
    if not fitted.clock.same:
        return fitted.clock
    return Clock(1.0, float(np.median(anchors[:, 1] - anchors[:, 0])))


def _paired(starts: NDArray[np.float64], heard: NDArray[np.float64], clock: Clock, window: float) -> Anchors:
    """Each line's start with the onset nearest to where it should be heard; an onset belongs to one line."""
    expected = clock.slowness * starts + clock.shift_ms
    right = np.clip(np.searchsorted(heard, expected), 0, len(heard) - 1)
    left = np.clip(right - 1, 0, len(heard) - 1)
    nearest = np.where(np.abs(heard[left] - expected) < np.abs(heard[right] - expected), left, right)
    away = np.abs(heard[nearest] - expected)
    taken: dict[int, int] = {}
    for number in np.argsort(away, kind="stable").tolist():
        if away[number] <= window:
            taken.setdefault(int(nearest[number]), number)
    pairs = sorted((starts[number], heard[onset]) for onset, number in taken.items())
    return np.array(pairs, np.float64).reshape(-1, 2)


def _candidates(
    lines: Sequence[Span], spans: Sequence[Span], furthest_ms: float, speed: float
) -> Iterator[tuple[float, float]]:
    """The title's own clock, and the peaks of the correlation over speeds and shifts."""
    yield 1.0, 0.0
    reach_ms = max(lines[-1][1], spans[-1][1], 1)
    step = min(_COARSEST, max(_FINEST, _BLUR_MS / reach_ms))
    count = int(np.ceil(speed / step))
    size = int((reach_ms / (1 - speed) + furthest_ms) // _HOP_MS) + 2
    length = 1 << (2 * size - 1).bit_length()
    script = np.fft.rfft(_activity(lines, size, 1.0), length)
    furthest = int(furthest_ms // _HOP_MS)
    peaks: list[tuple[float, float, float]] = []
    for number in range(-count, count + 1):
        slowness = 1 + number * step
        if abs(slowness - 1) > speed:
            continue
        spoken = _activity(spans, size, slowness)
        together = np.fft.irfft(np.fft.rfft(spoken, length) * np.conj(script), length)
        lags = np.concatenate([together[-furthest:], together[: furthest + 1]]) if furthest else together[:1]
        for at in _highest(lags, 3):
            lag_ms = (at - furthest) * _HOP_MS
            peaks.append((float(lags[at]) / np.sqrt(max(1.0, float(np.sum(spoken**2)))), slowness, lag_ms * slowness))
    peaks.sort(reverse=True)
    for _, slowness, shift in peaks[:_CANDIDATES]:
        yield slowness, shift


def _highest(values: NDArray[np.float64], count: int) -> list[int]:
    """The highest values that are a second apart."""
    left = values.copy()
    found = []
    for _ in range(count):
        at = int(np.argmax(left))
        found.append(at)
        left[max(0, at - 1000 // _HOP_MS) : at + 1000 // _HOP_MS] = -np.inf
    return found


def _activity(spans: Sequence[Span], size: int, slowness: float) -> NDArray[np.float64]:
    """1 in a span and 0 elsewhere, a value each 20 ms, its beginnings counted double; without its mean."""
    active = np.zeros(size)
    for start, end in spans:
        first, last = int(start / slowness // _HOP_MS), int(end / slowness // _HOP_MS) + 1
        active[max(0, first) : max(0, last)] = 1.0
        active[max(0, first - 2) : max(0, first + 5)] += 1.0
    return np.asarray(active - active.mean())

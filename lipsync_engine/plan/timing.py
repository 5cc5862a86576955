"""When the mouth moves against when the sounds ask it to: lag, its drift, and agreement with the sound itself."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.audio import Samples, band_level_db
from lipsync_engine.plan.trajectory import plan_mouth
from lipsync_engine.records import BoolArray, MouthSeries, Phone, SpeakerStats
from lipsync_engine.speech.gestures import gestures_of
from lipsync_engine.speech.title_speech import within

Curve = NDArray[np.float64]

_STEP_S = 0.01
_REACH = 30  # steps looked at, either way
_CHANNEL_SHARE = (1.0, 0.5, 0.5)  # of aperture, lip width and jaw in the agreement
_FEWEST_FRAMES = 20
_WINDOW_S, _WINDOW_R = 2.5, 0.5  # of local lags, and the agreement from which one counts
_DRIFT_ERROR = 0.25  # frames in 60 s: standard error up to which a drift is reported
_OPEN_BAND_HZ = (500.0, 1500.0)  # first formants of open vowels: follows the aperture better than all of the sound
_FLOOR_DB, _SMOOTH_HOPS, _SOUND_LAGS = 45.0, 7, 3


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a mouth runs behind what is asked, and how well it agrees there (-1 to 1)."""

    seconds: float
    agreement: float


@dataclass(frozen=True, slots=True)
class Asked:
    """The mouth that a timeline asks for at the very time of its sounds, on a 100 Hz clock.

    Attributes:
        clock: float64 [G], seconds.
        values: float64 [G, 4].
        spans: spoken spans in seconds.
    """

    clock: Curve
    values: Curve
    spans: tuple[tuple[float, float], ...]

    def spoken(self, times_s: Curve) -> BoolArray:
        """Moments at which a sound is being spoken, bool [T]."""
        return within(times_s, self.spans)

    def delayed(self, times_s: Curve, lags_s: Curve, channel: int) -> Curve:
        """What is asked of a channel at moments that lie some lags (whole hops) later, float64 [L, T].

        Args:
            times_s: float64 [T], seconds.
            lags_s: float64 [L], seconds.
            channel: of the mouth, as in ``CHANNELS``.
        """
        place = (times_s - self.clock[0]) / _STEP_S
        hop = np.floor(place).astype(np.intp)
        share = place - hop
        rows = hop[None] - np.round(lags_s / _STEP_S).astype(np.intp)[:, None]
        curve = self.values[:, channel]
        low, high = (curve[np.clip(rows + side, 0, len(curve) - 1)] for side in (0, 1))
        return np.asarray(low + share * (high - low), np.float64)


def asked_of(phones: Sequence[Phone], stats: SpeakerStats, first_s: float, last_s: float) -> Asked:
    """What the phones ask of this speaker between two moments and a second around them.

    Args:
        phones: what is said.
        stats: the speaker.
        first_s: the first moment.
        last_s: the last one.
    """
    clock = np.asarray(first_s - 1.0 + _STEP_S * np.arange(int((last_s - first_s + 2.0) / _STEP_S)), np.float64)
    values = plan_mouth(phones, clock, stats, lead_ms=0.0).series.values.astype(np.float64)
    return Asked(clock, values, tuple((g.start_s, g.end_s) for g in gestures_of(phones)))


@dataclass(frozen=True)
class Heard:
    """What mouths are measured against; what follows from it is worked out once for all of them.

    Attributes:
        phones: what is said, on the sound's clock.
        samples: float32 [N] mono.
        rate_hz: samples a second.
        stats: the speaker, of whom the sounds ask it.
    """

    phones: Sequence[Phone]
    samples: Samples
    rate_hz: int
    stats: SpeakerStats
    _asked: dict[tuple[float, float], Asked] = field(default_factory=dict, repr=False)

    def asked(self, times_s: Curve) -> Asked:
        """What the phones ask of the speaker at some moments, float64 [T], in order."""
        ends = float(times_s[0]), float(times_s[-1])
        if ends not in self._asked:
            self._asked[ends] = asked_of(self.phones, self.stats, *ends)
        return self._asked[ends]

    @functools.cached_property
    def level(self) -> Curve:
        """How loud open vowels would be heard, in dB, each 10 ms: float64 [hops]."""
        from scipy.ndimage import uniform_filter1d

        level = band_level_db(self.samples, self.rate_hz, *_OPEN_BAND_HZ)
        return np.asarray(uniform_filter1d(np.maximum(level, level.max() - _FLOOR_DB), _SMOOTH_HOPS), np.float64)


def lag_behind(series: MouthSeries, shown: BoolArray, asked: Asked, around_s: float = 0.0) -> Lag | None:
    """The lag at which aperture, width and jaw agree best with what is asked.

    Args:
        series: the mouth.
        shown: bool [T], frames to look at.
        asked: what the sounds ask for.
        around_s: middle of the lags searched, 0.3 s either way.

    Returns:
        ``None`` where fewer than 20 frames are shown or nothing moves.
    """
    if shown.sum() < _FEWEST_FRAMES:
        return None
    times, values = series.times_s[shown], series.values[shown].astype(np.float64)
    lags = np.asarray((round(around_s / _STEP_S) + np.arange(-_REACH, _REACH + 1)) * _STEP_S, np.float64)
    total, share_sum = np.zeros(len(lags)), 0.0
    for channel, share in enumerate(_CHANNEL_SHARE):
        scores = _correlations(asked.delayed(times, lags, channel), values[:, channel])
        if scores is not None:
            total, share_sum = total + share * scores, share_sum + share
    if share_sum == 0.0:
        return None
    best = int(total.argmax())
    return Lag(float(lags[best] + _STEP_S * _vertex(total, best)), float(total[best] / share_sum))


def agreement_at(series: MouthSeries, shown: BoolArray, asked: Asked, lag_s: float) -> float | None:
    """Agreement of aperture, width and jaw with what is asked at one lag, -1 to 1.

    Args:
        series: the mouth.
        shown: bool [T], frames to look at.
        asked: what the sounds ask for.
        lag_s: how far the mouth runs behind.

    Returns:
        ``None`` where fewer than 20 frames are shown or nothing moves.
    """
    if shown.sum() < _FEWEST_FRAMES:
        return None
    times, values = series.times_s[shown], series.values[shown].astype(np.float64)
    total, share_sum = 0.0, 0.0
    for channel, share in enumerate(_CHANNEL_SHARE):
        scores = _correlations(asked.delayed(times, np.array([lag_s]), channel), values[:, channel])
        if scores is not None:
            total, share_sum = total + share * float(scores[0]), share_sum + share
    return total / share_sum if share_sum else None


def _correlations(rows: Curve, values: Curve) -> Curve | None:
    """Pearson's r of each row with the values; ``None`` where either does not vary beyond rounding."""
    rows, values = rows - rows.mean(axis=1, keepdims=True), values - values.mean()
    if values.std() < 1e-6 or rows.std(axis=1).min() < 1e-9:
        return None
    return np.asarray(rows @ values / (np.linalg.norm(rows, axis=1) * np.linalg.norm(values)))


def _vertex(curve: Curve, at: int) -> float:
    """Where the parabola through a peak and its neighbours is highest, in steps from the peak."""
    if not 0 < at < len(curve) - 1:
        return 0.0
    before, here, after = curve[at - 1 : at + 2]
    bend = before - 2 * here + after
    return float(0.5 * (before - after) / bend) if bend < 0 else 0.0


def third_of_speech(shown: BoolArray, number: int) -> BoolArray:
    """The first (0), middle (1) or last (2) third of the frames shown, bool [T]."""
    out = np.zeros(len(shown), np.bool_)
    out[np.array_split(np.flatnonzero(shown), 3)[number]] = True
    return out


def drift_s_per_s(series: MouthSeries, shown: BoolArray, asked: Asked, whole: Lag) -> float | None:
    """Slope of the local lag about the ``whole`` one over time, seconds a second; ``None`` in too short a clip.

    Lags of windows of 2.5 s of speech are fitted by a line. It counts where its standard error is at most a quarter of
    a frame in 60 s.

    Args:
        series: the mouth.
        shown: bool [T], frames to look at.
        asked: what the sounds ask for.
        whole: the lag over all frames.
    """
    frame_s = float(np.median(np.diff(series.times_s)))
    frames = np.flatnonzero(shown)
    size = max(_FEWEST_FRAMES, round(_WINDOW_S / frame_s))
    points = []
    for first in range(0, len(frames) - size + 1, size):
        part = np.zeros(len(shown), np.bool_)
        part[frames[first : first + size]] = True
        lag = lag_behind(series, part, asked, whole.seconds)
        if lag is not None and lag.agreement >= _WINDOW_R:
            points.append((float(series.times_s[part].mean()), lag.seconds))
    if len(points) < 4:
        return None
    at, lags = np.array(points).T
    at = at - at.mean()
    slope = float(at @ lags / (at @ at))
    left = lags - lags.mean() - slope * at
    error = float(np.sqrt(left @ left / (len(at) - 2) / (at @ at)))
    return slope if error * 60.0 / frame_s <= _DRIFT_ERROR else None


def sound_agreement(series: MouthSeries, heard: Heard) -> float | None:
    """Correlation of the aperture with the level between 500 and 1500 Hz, the best within three frames of lag.

    Args:
        series: the mouth.
        heard: the sound.
    """
    shown = series.valid
    if len(heard.samples) == 0 or shown.sum() < _FEWEST_FRAMES:
        return None
    level = heard.level
    clock = (np.arange(len(level)) + 0.5) * _STEP_S
    frame_s = float(np.median(np.diff(series.times_s)))
    times = series.times_s[shown]
    moved = [np.interp(times - n * frame_s, clock, level) for n in range(-_SOUND_LAGS, _SOUND_LAGS + 1)]
    scores = _correlations(np.stack(moved), series.values[shown, 0].astype(np.float64))
    return None if scores is None else float(scores.max())

"""How well a mouth speaks the words: figures from the mouth's path, the phones and the sound.

Definitions follow the measurable part of the lip-sync literature (closure of bilabials, open-to-closed ratio,
audio-visual correlation); each is None where the material does not define it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.articulation import Target, segments, target
from lipsync_engine.audio import loudness_db
from lipsync_engine.gestures import gestures_of, rests_of
from lipsync_engine.records import BoolArray, FloatArray, MouthPlan, MouthSeries, Phone, SpeakerStats
from lipsync_engine.trajectory import plan_mouth

APERTURE, WIDTH = 0, 1
_BEFORE_S, _AFTER_S = 0.08, 0.02  # a closure may be seen this much before and after its phone
_CLOSED = 0.012  # of face width: lips that a tracker sees as touching
_CLOSED_SHARE, _TEETH_SHARE = 0.10, 0.20  # of the speaker's own range, where that is more
_CLOSED_FLOOR = 0.0025  # of face width: below the tracker's noise, so that the ratio stays finite
_MOVING_SPEED, _MOVING_OPEN = 0.3, 0.03  # face widths a second; face widths beyond the rest pose
_LAGS = 10
_FLOOR_DB = 45.0  # loudness counts down to this far below the loudest
_FEWEST_FRAMES = 20

Measures = dict[str, float | None]


def speech_measures(
    series: MouthSeries,
    phones: Sequence[Phone],
    audio: FloatArray,
    sample_rate_hz: int,
    *,
    stats: SpeakerStats,
    plan: MouthPlan | None = None,
    source: MouthSeries | None = None,
) -> Measures:
    """Measure a mouth against the speech that it should be speaking.

    Args:
        series: the mouth as seen in the picture (or planned), T frames.
        phones: the timeline on the audio's clock.
        audio: float32 [N] mono.
        sample_rate_hz: samples a second.
        stats: the speaker's own range in the source.
        plan: what was asked for; gives ``plan_correlation`` and, with ``source``,
            ``source_partial_correlation``.
        source: the mouth of the source picture, to see how much of it leaks through.

    Returns:
        closure_rate: share of bilabials at which the lips are seen to close (1 is best).
        labiodental_rate: share of /f v/ at which the lips come near enough for lip and teeth to touch.
        open_closed_ratio: mean peak aperture on open vowels over mean least aperture on bilabials (real:
            about 4).
        rounding_separation: mean lip width on spread sounds over that on rounded ones (above 1).
        articulation_ratio: spread of the aperture in speech over the speaker's own (1 is best).
        silence_motion: share of frames in pauses in which the mouth moves or is open (0 is best).
        offset_frames: lag of the mouth behind the sound with the best correlation; negative: the mouth leads.
            Coarse: on real clips of a few seconds it strays by several frames.
        av_correlation: correlation of aperture and loudness at that lag.
        phone_offset_frames: the same lag against the mouth that the phones ask for: a sharper peak, to be
            trusted where ``phone_correlation`` is above about 0.5.
        phone_correlation: correlation of the aperture with it, in speech.
        plan_correlation: correlation of seen and planned aperture in speech.
        source_partial_correlation: correlation with the source's aperture beyond what the plan explains (0
            is best).
        bilabials, open_vowels: how many were in view. Each figure is None where it is not defined.
    """
    closures = _least_apertures(series, phones, "closure")
    teeth = _least_apertures(series, phones, "labiodental")
    peaks = _open_peaks(series, phones)
    reach = float(stats.open[APERTURE] - stats.closed[APERTURE])
    shut = max(_CLOSED, float(stats.closed[APERTURE]) + _CLOSED_SHARE * reach)
    touching = max(_CLOSED, float(stats.closed[APERTURE]) + _TEETH_SHARE * reach)
    offset, agreement = _sound_offset(series, audio, sample_rate_hz)
    phone_offset, phone_agreement = _phone_offset(series, phones, stats)
    return {
        "closure_rate": _share(closures <= shut),
        "labiodental_rate": _share(teeth <= touching),
        "open_closed_ratio": _open_closed(peaks, closures),
        "rounding_separation": _rounding(series, phones),
        "articulation_ratio": _articulation(series, phones, stats),
        "silence_motion": _silence_motion(series, phones, stats),
        "offset_frames": offset,
        "av_correlation": agreement,
        "phone_offset_frames": phone_offset,
        "phone_correlation": phone_agreement,
        "plan_correlation": _plan_correlation(series, plan),
        "source_partial_correlation": _leak(series, plan, source),
        "bilabials": float(len(closures)),
        "open_vowels": float(len(peaks)),
    }


def _share(flags: BoolArray) -> float | None:
    return float(flags.mean()) if len(flags) else None


def _seen(series: MouthSeries, start_s: float, end_s: float, channel: int) -> NDArray[np.float64]:
    """Valid values of a channel within a span."""
    inside = (series.times_s >= start_s) & (series.times_s <= end_s) & series.valid
    return series.values[inside, channel].astype(np.float64)


def _least_apertures(series: MouthSeries, phones: Sequence[Phone], contact: str) -> NDArray[np.float64]:
    """The least aperture about each sound with this contact, for those in view."""
    found = [
        seen.min()
        for g in gestures_of(phones)
        if g.goal.contact == contact and len(seen := _seen(series, g.start_s - _BEFORE_S, g.end_s + _AFTER_S, APERTURE))
    ]
    return np.array(found, np.float64)


def _open_peaks(series: MouthSeries, phones: Sequence[Phone]) -> NDArray[np.float64]:
    """The greatest aperture on each open vowel in view."""
    found = [
        seen.max()
        for p in phones
        if any(s.place == "vowel" and s.height >= 0.8 for s in segments(p.ipa))
        and len(seen := _seen(series, p.start_ms / 1000 - _BEFORE_S, p.end_ms / 1000, APERTURE))
    ]
    return np.array(found, np.float64)


def _open_closed(peaks: NDArray[np.float64], closures: NDArray[np.float64]) -> float | None:
    if not len(peaks) or not len(closures):
        return None
    return float(peaks.mean() / max(closures.mean(), _CLOSED_FLOOR))


def _rounding(series: MouthSeries, phones: Sequence[Phone]) -> float | None:
    """Lip width on spread sounds over lip width on rounded ones."""

    def mean_width(wanted: list[tuple[Phone, Target]]) -> float | None:
        seen = [_seen(series, p.start_ms / 1000 - 0.04, p.end_ms / 1000 - 0.02, WIDTH) for p, _ in wanted]
        kept = [s.mean() for s in seen if len(s)]
        return float(np.mean(kept)) if kept else None

    single = [(p, target(s[0])) for p in phones if len(s := segments(p.ipa)) == 1]
    spread = mean_width([pair for pair in single if pair[1].width >= 0.2])
    rounded = mean_width([pair for pair in single if pair[1].rounding >= 0.6])
    return spread / rounded if spread and rounded else None


def _speaking(series: MouthSeries, phones: Sequence[Phone]) -> BoolArray:
    """Valid frames at which some phone is being spoken."""
    flags = np.zeros(len(series.times_s), np.bool_)
    for phone in phones:
        if segments(phone.ipa):
            flags |= (series.times_s * 1000 >= phone.start_ms) & (series.times_s * 1000 < phone.end_ms)
    return flags & series.valid


def _articulation(series: MouthSeries, phones: Sequence[Phone], stats: SpeakerStats) -> float | None:
    spoken = series.values[_speaking(series, phones), APERTURE]
    own = float(stats.std[APERTURE])
    return float(spoken.std() / own) if len(spoken) >= _FEWEST_FRAMES and own > 0 else None


def _silence_motion(series: MouthSeries, phones: Sequence[Phone], stats: SpeakerStats) -> float | None:
    """Share of resting frames that are open, or move faster than a still mouth that is being tracked."""
    resting = np.zeros(len(series.times_s), np.bool_)
    for start, end in rests_of(phones, float(series.times_s[-1]) if len(series.times_s) else 0.0):
        resting |= (series.times_s >= start) & (series.times_s <= end)
    resting &= series.valid
    if not resting.any():
        return None
    aperture = series.values[:, APERTURE].astype(np.float64)
    speed = np.abs(np.diff(aperture) / np.diff(series.times_s))
    within = resting[1:] & resting[:-1]
    moving = np.zeros(len(resting), np.bool_)
    moving[1:] = within & (np.nan_to_num(speed) > _MOVING_SPEED)
    gaping = aperture > float(stats.rest[APERTURE]) + _MOVING_OPEN
    return float((moving | gaping)[resting].mean())


def _sound_offset(series: MouthSeries, audio: FloatArray, rate: int) -> tuple[float | None, float | None]:
    """Lag of the aperture behind the loudness, and the correlation there."""
    if len(audio) == 0:
        return None, None
    level = loudness_db(audio, rate)
    level = np.maximum(level, level.max() - _FLOOR_DB)
    return _best_lag(series, series.valid, (np.arange(len(level)) + 0.5) * 0.01, level)


def _phone_offset(
    series: MouthSeries, phones: Sequence[Phone], stats: SpeakerStats
) -> tuple[float | None, float | None]:
    """Lag of the aperture behind what the phones ask of it at their very time, and the correlation there."""
    if len(series.times_s) < _FEWEST_FRAMES:
        return None, None
    first, last = series.times_s[0] - 1.0, series.times_s[-1] + 1.0
    clock = first + 0.01 * np.arange(int((last - first) / 0.01))
    asked = plan_mouth(phones, clock, stats, lead_ms=0.0).series.values[:, APERTURE]
    return _best_lag(series, _speaking(series, phones), clock, asked.astype(np.float64))


def _best_lag(
    series: MouthSeries, shown: BoolArray, clock: NDArray[np.float64], curve: NDArray[np.float64]
) -> tuple[float | None, float | None]:
    """The lag (frames) behind ``curve`` at which the aperture agrees with it best, and how well."""
    if shown.sum() < _FEWEST_FRAMES:
        return None, None
    frame_s = float(np.median(np.diff(series.times_s)))
    times, aperture = series.times_s[shown], series.values[shown, APERTURE]
    scores = [
        (score, lag)
        for lag in range(-_LAGS, _LAGS + 1)
        if (score := correlation(aperture, np.interp(times - lag * frame_s, clock, curve))) is not None
    ]
    if not scores:
        return None, None
    best, lag = max(scores, key=lambda pair: (pair[0], -abs(pair[1])))
    return float(lag), best


def _plan_correlation(series: MouthSeries, plan: MouthPlan | None) -> float | None:
    if plan is None:
        return None
    wanted = np.interp(series.times_s, plan.series.times_s, plan.series.values[:, APERTURE])
    spoken = np.interp(series.times_s, plan.series.times_s, plan.speech.astype(np.float64)) > 0.5
    shown = spoken & series.valid
    if shown.sum() < _FEWEST_FRAMES:
        return None
    return correlation(series.values[shown, APERTURE], wanted[shown])


def _leak(series: MouthSeries, plan: MouthPlan | None, source: MouthSeries | None) -> float | None:
    """Partial correlation of seen and source aperture, the plan's aperture held constant."""
    if plan is None or source is None or source.valid.sum() < _FEWEST_FRAMES:
        return None
    times = series.times_s
    old = np.interp(times, source.times_s[source.valid], source.values[source.valid, APERTURE])
    nearest = np.clip(np.searchsorted(source.times_s, times - 1e-6), 0, len(source.times_s) - 1)
    wanted = np.interp(times, plan.series.times_s, plan.series.values[:, APERTURE])
    shown = series.valid & source.valid[nearest]
    if shown.sum() < _FEWEST_FRAMES:
        return None
    basis = np.stack([np.ones(int(shown.sum())), wanted[shown]], axis=1)

    def unexplained(values: NDArray[np.float64]) -> NDArray[np.float64]:
        fitted = basis @ np.linalg.lstsq(basis, values, rcond=None)[0]
        return np.asarray(values - fitted, np.float64)

    seen = series.values[shown, APERTURE].astype(np.float64)
    return correlation(unexplained(seen), unexplained(old[shown]))


def correlation(a: NDArray[np.floating], b: NDArray[np.floating]) -> float | None:
    """Pearson's r; None where either side does not vary beyond rounding."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    spread = a.std() * b.std()
    if a.std() < 1e-6 or b.std() < 1e-9:
        return None
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread)

"""How well a mouth speaks the words: figures from the mouth's path, the phones and the sound.

Definitions follow the measurable part of the lip-sync literature (closure of bilabials, open-to-closed ratio,
audio-visual correlation); each is None where the material does not define it. `controls` gives the same figures for
mouths that are known to be right or wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.measure.source_residue import source_leak
from lipsync_engine.plan.agreement import AFTER_S, BEFORE_S, between, phone_agreement, shut_aperture, teeth_aperture
from lipsync_engine.plan.timing import Heard, drift_s_per_s, lag_behind, sound_agreement, third_of_speech
from lipsync_engine.records import BoolArray, MouthPlan, MouthSeries, Phone, SpeakerStats
from lipsync_engine.speech.articulation import Target, segments, target
from lipsync_engine.speech.gestures import gestures_of, rests_of
from lipsync_engine.speech.title_speech import within

APERTURE, WIDTH = 0, 1
_CLOSED_FLOOR = 0.0025  # of face width: below the tracker's noise, so that the ratio stays finite
_MOVING_SPEED, _MOVING_OPEN = 0.3, 0.03  # face widths a second; face widths beyond the rest pose
_FEWEST_FRAMES = 20

Measures = dict[str, float | None]


def speech_measures(
    series: MouthSeries,
    heard: Heard,
    *,
    plan: MouthPlan | None = None,
    source: MouthSeries | None = None,
    brief: bool = False,
) -> Measures:
    """Measure a mouth against the speech that it should be speaking.

    Args:
        series: the mouth as seen in the picture (or planned), T frames.
        heard: the speech, and the speaker's own range in the source.
        plan: what was asked for; gives ``plan_correlation`` and, with ``source``, the leak.
        source: the mouth of the source picture, to see how much of it leaks through.
        brief: leave out the thirds and the drift.

    Returns:
        phone_agreement: share of sounds whose frames show the right class of mouth.
        closure_rate: share of bilabials at which the lips are seen to close (1 is best).
        labiodental_rate: share of /f v/ at which the lips come near enough for lip and teeth to touch.
        open_closed_ratio: mean peak aperture on open vowels over mean least aperture on bilabials (real:
            about 4).
        rounding_separation: mean lip width on spread sounds over that on rounded ones (above 1).
        articulation_ratio: spread of the aperture in speech over the speaker's own (1 is best).
        silence_motion: share of frames in pauses in which the mouth moves or is open (0 is best).
        silence_opening: median opening in pauses, face widths: lips that touch read up to .018.
        offset_frames: lag of the mouth behind what the phones ask for at their very time; negative: the mouth leads.
            To be trusted where ``phone_correlation`` is above about 0.5.
        offset_first_third, offset_last_third: the same in the first and the last third of the speech.
        drift_frames_60s: change of the lag in 60 s; None where the material is too short to tell it.
        phone_correlation: agreement of aperture, width and jaw with what the phones ask for, at that lag.
        av_correlation: correlation of aperture and the level of the sound between 500 and 1500 Hz, within 3 frames.
        plan_correlation: correlation of seen and planned aperture in speech.
        source_partial_correlation: correlation with the source's aperture beyond what the plan explains (0
            is best), source_leak_noise: its standard deviation for sources that cannot have leaked, and
            source_leak_share: the share of the source's motion still seen.
        bilabials, open_vowels: how many were in view. Each figure is None where it is not defined.
    """
    phones, stats = heard.phones, heard.stats
    closures = _least_apertures(series, phones, "closure")
    teeth = _least_apertures(series, phones, "labiodental")
    peaks = _open_peaks(series, phones)
    leak = source_leak(series, plan, source) if plan is not None and source is not None else None
    figures: Measures = {
        "phone_agreement": phone_agreement(series, phones, stats)[0],
        "closure_rate": _share(closures <= shut_aperture(stats)),
        "labiodental_rate": _share(teeth <= teeth_aperture(stats)),
        "open_closed_ratio": _open_closed(peaks, closures),
        "rounding_separation": _rounding(series, phones),
        "articulation_ratio": _articulation(series, phones, stats),
        "silence_motion": silence_motion(series, _resting(series, phones), stats),
        "silence_opening": silence_opening(series, _resting(series, phones)),
    }
    figures |= _timing(series, heard, brief)
    figures |= {
        "av_correlation": sound_agreement(series, heard),
        "plan_correlation": _plan_correlation(series, plan),
        "source_partial_correlation": leak.correlation if leak else None,
        "source_leak_share": leak.share if leak else None,
        "source_leak_noise": leak.noise if leak else None,
        "bilabials": float(len(closures)),
        "open_vowels": float(len(peaks)),
    }
    return figures


def _timing(series: MouthSeries, heard: Heard, brief: bool) -> Measures:
    """Lags in frames, of the whole and of the outer thirds, their drift, and the agreement at the lag."""
    figures: Measures = dict.fromkeys(
        ("offset_frames", "offset_first_third", "offset_last_third", "drift_frames_60s", "phone_correlation")
    )
    if len(series.times_s) < _FEWEST_FRAMES:
        return figures
    frame_s = float(np.median(np.diff(series.times_s)))
    asked = heard.asked(series.times_s)
    shown = series.valid & asked.spoken(series.times_s)
    whole = lag_behind(series, shown, asked)
    if whole is None:
        return figures
    figures |= {"offset_frames": whole.seconds / frame_s, "phone_correlation": whole.agreement}
    if brief:
        return figures
    for name, number in (("offset_first_third", 0), ("offset_last_third", 2)):
        part = lag_behind(series, third_of_speech(shown, number), asked)
        figures[name] = part.seconds / frame_s if part else None
    drift = drift_s_per_s(series, shown, asked, whole)
    figures["drift_frames_60s"] = None if drift is None else drift * 60.0 / frame_s
    return figures


def _share(flags: BoolArray) -> float | None:
    return float(flags.mean()) if len(flags) else None


def _seen(series: MouthSeries, start_s: float, end_s: float, channel: int) -> NDArray[np.float64]:
    """Valid values of a channel within a span."""
    there = between(series.times_s, start_s, end_s)
    return np.asarray(series.values[there, channel][series.valid[there]], np.float64)


def _least_apertures(series: MouthSeries, phones: Sequence[Phone], contact: str) -> NDArray[np.float64]:
    """The least aperture about each sound with this contact, for those in view."""
    found = [
        seen.min()
        for g in gestures_of(phones)
        if g.goal.contact == contact and len(seen := _seen(series, g.start_s - BEFORE_S, g.end_s + AFTER_S, APERTURE))
    ]
    return np.array(found, np.float64)


def _open_peaks(series: MouthSeries, phones: Sequence[Phone]) -> NDArray[np.float64]:
    """The greatest aperture on each open vowel in view."""
    found = [
        seen.max()
        for p in phones
        if any(s.place == "vowel" and s.height >= 0.8 for s in segments(p.ipa))
        and len(seen := _seen(series, p.start_ms / 1000 - BEFORE_S, p.end_ms / 1000, APERTURE))
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
    flags, times_ms = np.zeros(len(series.times_s), np.bool_), series.times_s * 1000
    for phone in phones:
        if segments(phone.ipa):
            flags[slice(*np.searchsorted(times_ms, (phone.start_ms, phone.end_ms)))] = True
    return flags & series.valid


def _articulation(series: MouthSeries, phones: Sequence[Phone], stats: SpeakerStats) -> float | None:
    spoken = series.values[_speaking(series, phones), APERTURE]
    own = float(stats.std[APERTURE])
    return float(spoken.std() / own) if len(spoken) >= _FEWEST_FRAMES and own > 0 else None


def _resting(series: MouthSeries, phones: Sequence[Phone]) -> BoolArray:
    """Frames inside long silences of the timeline."""
    return within(series.times_s, rests_of(phones, float(series.times_s[-1]) if len(series.times_s) else 0.0))


def silence_motion(series: MouthSeries, resting: BoolArray, stats: SpeakerStats) -> float | None:
    """Share of the resting frames that are open, or move faster than a still mouth being tracked.

    Args:
        series: the mouth.
        resting: bool [T], frames at rest.
        stats: the speaker.
    """
    resting = resting & series.valid
    if not resting.any():
        return None
    aperture = series.values[:, APERTURE].astype(np.float64)
    speed = np.abs(np.diff(aperture) / np.diff(series.times_s))
    within_rest = resting[1:] & resting[:-1]
    moving = np.zeros(len(resting), np.bool_)
    moving[1:] = within_rest & (np.nan_to_num(speed) > _MOVING_SPEED)
    gaping = aperture > float(stats.rest[APERTURE]) + _MOVING_OPEN
    return float((moving | gaping)[resting].mean())


def silence_opening(series: MouthSeries, resting: BoolArray) -> float | None:
    """Median opening of the resting frames, face widths.

    Args:
        series: the mouth.
        resting: bool [T], frames at rest.
    """
    seen = series.values[resting & series.valid, APERTURE]
    return float(np.median(seen)) if len(seen) else None


def _plan_correlation(series: MouthSeries, plan: MouthPlan | None) -> float | None:
    if plan is None:
        return None
    wanted = np.interp(series.times_s, plan.series.times_s, plan.series.values[:, APERTURE])
    spoken = np.interp(series.times_s, plan.series.times_s, plan.speech.astype(np.float64)) > 0.5
    shown = spoken & series.valid
    if shown.sum() < _FEWEST_FRAMES:
        return None
    return correlation(series.values[shown, APERTURE], wanted[shown])


def correlation(a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> float | None:
    """Pearson's r of two series, float [T]; None where either side does not vary beyond rounding."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    spread = a.std() * b.std()
    if a.std() < 1e-6 or b.std() < 1e-9:
        return None
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread)

"""The same figures for mouths known to be right or wrong: what a figure is worth on this very material."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lipsync_engine.measure.measure import Measures, silence_motion, silence_opening, speech_measures
from lipsync_engine.media.audio import Samples
from lipsync_engine.plan.timing import Asked, asked_of, sound_agreement
from lipsync_engine.records import MouthSeries, Phone, SpeakerStats
from lipsync_engine.speech.title_speech import RATE_HZ, OwnSpeech

#: Figures that a right mouth must score higher on than the same mouth at other times.
TELLING = ("phone_agreement", "closure_rate", "phone_correlation", "av_correlation")
_SILENCE = ("silence_motion", "silence_opening")
_ROWS = (*TELLING, "labiodental_rate", "open_closed_ratio", "articulation_ratio", *_SILENCE, "offset_frames")
_SHUFFLES, _LEAST_SHIFT_S = 6, 0.6
_LONG_S, _SHUFFLES_OF_LONG = 120.0, 3  # a long title averages by itself
_MARGIN = 0.1

Rows = dict[str, Measures]


def control_rows(
    seen: MouthSeries,
    phones: Sequence[Phone],
    samples: Samples,
    stats: SpeakerStats,
    *,
    source: MouthSeries | None = None,
    own: OwnSpeech | None = None,
) -> Rows:
    """Figures of the mouths to compare a result with.

    Args:
        seen: the mouth of the result.
        phones: what the dub says.
        samples: the dub, float32 [N] mono at 16 kHz.
        stats: the speaker.
        source: the mouth of the source picture.
        own: the title's own speech.

    Returns:
        ``shuffled``: the result moved in time against the dub (mean over up to 6 shifts of 0.6 s and more);
        ``frozen``: a mouth at rest throughout; with ``source``: ``unmodified``, the source's mouth under the dub;
        with ``own``: ``real``, the source's mouth under its own sound, and ``real_shuffled``. Without a source script
        ``real`` has the three figures that need none.
    """
    rest = np.tile(stats.rest, (len(seen.times_s), 1)).astype(np.float32)
    rows = {
        "shuffled": shuffled(seen, phones, samples, stats),
        "frozen": _row(replace(seen, values=rest), phones, samples, stats),
    }
    if source is not None:
        rows["unmodified"] = _row(source, phones, samples, stats)
    if source is not None and own is not None:
        rows |= _real_rows(source, own, stats)
    return rows


def shuffled(mouth: MouthSeries, phones: Sequence[Phone], samples: Samples, stats: SpeakerStats) -> Measures:
    """Mean figures of a mouth that is moved round in time, so that it speaks something else.

    Args:
        mouth: the mouth.
        phones: what is said.
        samples: what is heard, float32 [N] mono at 16 kHz.
        stats: the speaker.
    """
    total = len(mouth.times_s)
    step = float(np.median(np.diff(mouth.times_s))) if total > 1 else 0.04
    least = round(_LEAST_SHIFT_S / step)
    if total < 3 * least:
        return dict.fromkeys(_ROWS)
    count = _SHUFFLES if total * step < _LONG_S else _SHUFFLES_OF_LONG
    asked = asked_of(phones, stats, float(mouth.times_s[0]), float(mouth.times_s[-1]))
    rows = [
        _row(
            replace(mouth, values=np.roll(mouth.values, shift, axis=0), valid=np.roll(mouth.valid, shift)),
            phones,
            samples,
            stats,
            asked,
        )
        for shift in np.unique(np.linspace(least, total - least, count).astype(int)).tolist()
    ]
    return {name: _mean([value for row in rows if (value := row[name]) is not None]) for name in _ROWS}


def silent_about(right: Measures, wrong: Measures) -> list[str]:
    """The figures that do not tell a right mouth from a wrong one here: lower by less than 0.1, or not defined."""
    return [name for name in TELLING if not tells(right.get(name), wrong.get(name))]


def tells(right: float | None, wrong: float | None) -> bool:
    """Whether a figure is higher for the right mouth than for a wrong one, by 0.1 or more."""
    return right is not None and (wrong is None or right >= wrong + _MARGIN)


def _real_rows(source: MouthSeries, own: OwnSpeech, stats: SpeakerStats) -> Rows:
    if own.phones is not None:
        return {
            "real": _row(source, own.phones, own.samples, stats),
            "real_shuffled": shuffled(source, own.phones, own.samples, stats),
        }
    real: Measures = dict.fromkeys(_ROWS)
    real["av_correlation"] = sound_agreement(source, own.samples, RATE_HZ)
    resting = own.resting(source.times_s)
    real["silence_motion"] = silence_motion(source, resting, stats)
    real["silence_opening"] = silence_opening(source, resting)
    return {"real": real}


def _row(
    mouth: MouthSeries,
    phones: Sequence[Phone],
    samples: Samples,
    stats: SpeakerStats,
    asked: Asked | None = None,
) -> Measures:
    figures = speech_measures(mouth, phones, samples, RATE_HZ, stats=stats, asked=asked, brief=True)
    return {name: figures[name] for name in _ROWS}


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None

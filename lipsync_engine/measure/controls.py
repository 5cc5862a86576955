"""The same figures for mouths known to be right or wrong: what a figure is worth on this very material."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.measure.measure import Measures, silence_motion, silence_opening, speech_measures
from lipsync_engine.media.shelf import NOTHING_KEPT, Kept, digest_of
from lipsync_engine.plan.timing import Heard, sound_agreement
from lipsync_engine.records import MouthSeries, SpeakerStats
from lipsync_engine.speech.title_speech import RATE_HZ, OwnSpeech

#: Figures that a right mouth must score higher on than the same mouth at other times.
TELLING = ("phone_agreement", "closure_rate", "phone_correlation", "av_correlation")
_SILENCE = ("silence_motion", "silence_opening")
_ROWS = (*TELLING, "labiodental_rate", "open_closed_ratio", "articulation_ratio", *_SILENCE, "offset_frames")
_SHUFFLES, _LEAST_SHIFT_S = 6, 0.6
_LONG_S, _SHUFFLES_OF_LONG = 120.0, 3  # a long title averages by itself
_MARGIN = 0.1
_VERSION = 1  # of kept rows

Rows = dict[str, Measures]


def control_rows(
    seen: MouthSeries,
    heard: Heard,
    *,
    source: MouthSeries | None = None,
    own: OwnSpeech | None = None,
    kept: Kept = NOTHING_KEPT,
) -> Rows:
    """Figures of the mouths to compare a result with.

    Args:
        seen: the mouth of the result.
        heard: the dub, and the speaker.
        source: the mouth of the source picture.
        own: the title's own speech.
        kept: where rows of the title itself are found, whatever it is dubbed into, and kept.

    Returns:
        ``shuffled``: the result moved in time against the dub (mean over up to 6 shifts of 0.6 s and more);
        ``frozen``: a mouth at rest throughout; with ``source``: ``unmodified``, the source's mouth under the dub;
        with ``own``: ``real``, the source's mouth under its own sound, and ``real_shuffled``. Without a source script
        ``real`` has the three figures that need none.
    """
    rest = np.tile(heard.stats.rest, (len(seen.times_s), 1)).astype(np.float32)
    rows = {
        "shuffled": shuffled(seen, heard),
        "frozen": _row(replace(seen, values=rest), heard),
    }
    if source is not None:
        rows["unmodified"] = _row(source, heard)
    if source is not None and own is not None:
        rows |= _real_rows(source, own, heard.stats, kept)
    return rows


def shuffled(mouth: MouthSeries, heard: Heard) -> Measures:
    """Mean figures of a mouth that is moved round in time, so that it speaks something else.

    Args:
        mouth: the mouth.
        heard: what is said.
    """
    total = len(mouth.times_s)
    step = float(np.median(np.diff(mouth.times_s))) if total > 1 else 0.04
    least = round(_LEAST_SHIFT_S / step)
    if total < 3 * least:
        return dict.fromkeys(_ROWS)
    count = _SHUFFLES if total * step < _LONG_S else _SHUFFLES_OF_LONG
    rows = [
        _row(replace(mouth, values=np.roll(mouth.values, shift, axis=0), valid=np.roll(mouth.valid, shift)), heard)
        for shift in np.unique(np.linspace(least, total - least, count).astype(int)).tolist()
    ]
    return {name: _mean([value for row in rows if (value := row[name]) is not None]) for name in _ROWS}


def silent_about(right: Measures, wrong: Measures) -> list[str]:
    """The figures that do not tell a right mouth from a wrong one here: lower by less than 0.1, or not defined."""
    return [name for name in TELLING if not tells(right.get(name), wrong.get(name))]


def tells(right: float | None, wrong: float | None) -> bool:
    """Whether a figure is higher for the right mouth than for a wrong one, by 0.1 or more."""
    return right is not None and (wrong is None or right >= wrong + _MARGIN)


def _real_rows(source: MouthSeries, own: OwnSpeech, stats: SpeakerStats, kept: Kept) -> Rows:
    """The rows of the title itself; ``nan`` stands for None where they are kept."""
    names = ("real",) if own.phones is None else ("real", "real_shuffled")

    def made() -> dict[str, NDArray[np.float64]]:
        rows = _made_real_rows(source, own, stats)
        return {row: np.array([rows[row][name] for name in _ROWS], np.float64) for row in names}

    found = kept.made(digest_of("real rows", _VERSION, own.phones, stats, source), names, made)
    return {
        row: {
            name: None if np.isnan(value) else float(value)
            for name, value in zip(_ROWS, found[row].tolist(), strict=True)
        }
        for row in names
    }


def _made_real_rows(source: MouthSeries, own: OwnSpeech, stats: SpeakerStats) -> Rows:
    heard = Heard(own.phones or (), own.samples, RATE_HZ, stats)
    if own.phones is not None:
        return {"real": _row(source, heard), "real_shuffled": shuffled(source, heard)}
    real: Measures = dict.fromkeys(_ROWS)
    real["av_correlation"] = sound_agreement(source, heard)
    resting = own.resting(source.times_s)
    real["silence_motion"] = silence_motion(source, resting, stats)
    real["silence_opening"] = silence_opening(source, resting)
    return {"real": real}


def _row(mouth: MouthSeries, heard: Heard) -> Measures:
    figures = speech_measures(mouth, heard, brief=True)
    return {name: figures[name] for name in _ROWS}


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None

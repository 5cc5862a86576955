"""Measures a client's placed bed against the title's own sound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks import media
from tasks.keep.staging import scratch
from tasks.records.made import ClientBed
from tasks.separate.title_sound import AUDIBLE_LUFS, TitleSound
from tasks.sound.by_bed import Part, parts_heard
from tasks.sound.loudness import Curve, measure_curve

_REACH_MS = 2000.0
#: Parts agree on an offset within this; one alone may be mistaken.
_AGREE_MS = 40.0
#: A part tells something where so much of it is free of speech.
_LEAST_FREE_MS = 1000
_PIECE_MS, _APART_MS = 500, 200
#: The title is heard well, and the bed lies so far below it: there it is missing.
_MISSING_ABOVE_LUFS, _MISSING_DB = -45.0, 30.0
_FEWEST_PIECES = 2


def checked(bed: ClientBed, laid: Path, title: TitleSound, window_s: float) -> ClientBed:
    """The bed's record with its measurements: offset of its parts, level, missing parts.

    Args:
        bed: what is known of it so far.
        laid: the bed on the title's clock (WAV).
        title: the sound that it should belong to.
        window_s: length of a part.
    """
    if title.speech is None or not title.channels:
        return bed
    parts = _parts(laid, title, window_s)
    heard = [part.late_ms for part in parts if part.late_ms is not None]
    louder, missing_ms = _levels(measure_curve(laid), title)
    return bed.model_copy(
        update={
            "parts": len(parts),
            "found": round(len(heard) / len(parts), 2) if parts else None,
            "offset_ms": _worst(heard),
            "level_lu": louder,
            "missing_ms": missing_ms,
        }
    )


def _parts(laid: Path, title: TitleSound, window_s: float) -> list[Part]:
    """Parts of the title with music or effects that speech does not cover."""
    with scratch(laid) as own16k, scratch(laid) as laid16k:
        media.speech_copy(title.bed, own16k)
        media.speech_copy(laid, laid16k)
        parts = parts_heard(own16k, laid16k, _REACH_MS, window_s)
    return [part for part in parts if _tells(part, title)]


def _tells(part: Part, title: TitleSound) -> bool:
    free = title.outside_speech(part.start_ms, part.end_ms, _APART_MS)
    long_enough = sum(end - start for start, end in free) >= min(_LEAST_FREE_MS, (part.end_ms - part.start_ms) // 2)
    return long_enough and title.curve.during(free) > AUDIBLE_LUFS


def _worst(late: Sequence[float]) -> float | None:
    """The largest of the offsets that at least two parts show; of one part, its own."""
    shown = [
        ms
        for number, ms in enumerate(late)
        if len(late) == 1 or any(abs(ms - other) <= _AGREE_MS for other in [*late[:number], *late[number + 1 :]])
    ]
    if not shown:
        return None
    worst: float = max(shown, key=abs)
    return round(worst, 1)


def _levels(bed: Curve, title: TitleSound) -> tuple[float | None, int | None]:
    """How much louder the bed is where both sound outside speech, and for how long it lacks what the title has."""
    free = title.outside_speech(0, title.duration_ms, _APART_MS)
    pieces = [(at, at + _PIECE_MS) for start, end in free for at in range(start, end - _PIECE_MS + 1, _PIECE_MS)]
    own = np.array([title.curve.during([piece]) for piece in pieces])
    given = np.array([bed.during([piece]) for piece in pieces])
    if np.count_nonzero(own > AUDIBLE_LUFS) < _FEWEST_PIECES:
        return None, None
    lacks = (own > _MISSING_ABOVE_LUFS) & (given < own - _MISSING_DB)
    both = (own > AUDIBLE_LUFS) & ~lacks
    louder = round(_power_db(given[both]) - _power_db(own[both]), 1) if both.any() else None
    return louder, int(np.count_nonzero(lacks)) * _PIECE_MS


def _power_db(levels: NDArray[np.float64]) -> float:
    return 10 * float(np.log10(np.mean(10 ** (levels / 10))))

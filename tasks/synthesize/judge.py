"""Chooses the best of several readings of a line: intelligible, and about as long as its slot."""

from __future__ import annotations

import math

from tasks.keep.assets import path_of
from tasks.keep.store import Store
from tasks.records.script import Line
from tasks.records.take import Take
from tasks.understood.ears import Ears, clip_of
from tasks.understood.lines import hear_line


def score(line: Line, take: Take, ears: Ears, store: Store) -> float:
    """Penalty of a take, 0 is best: the share that is not understood, plus the deviation in length.

    Without a recogniser for the language only the length counts.

    Args:
        line: the line.
        take: a take of it.
        ears: the recogniser.
        store: where recognition results are kept.
    """
    slot_ms = line.end_ms - line.start_ms
    length = abs(math.log(take.duration_ms / slot_ms)) if slot_ms > 0 and take.duration_ms > 0 else 0.0
    if ears.listener is None:
        return round(length, 4)
    heard = hear_line(ears, line.text, clip_of(path_of(take.audio)), store)
    return round(heard.understanding.error + length, 4)

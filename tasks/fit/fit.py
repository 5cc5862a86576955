"""Where each take goes, and how fast. Pure timing: the sound is laid by `tasks.fit.lay`.

Every line starts at its own source start (or a little before), so that no drift builds up. A take that is too long is
spoken faster, up to a bound; then it borrows the pauses around it; what still does not fit is kept whole and marked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from configs.profile import FitSettings
from tasks.fit.lay import lay, phones_on_clock
from tasks.model import Line, Placement, Script, Take

__all__ = ["VERSION", "lay", "phones_on_clock", "plan"]

VERSION = 1

#: How much earlier than its source a line may start when it needs room. Sound up to 90 ms early is acceptable, 45 ms is
#: when it begins to be noticed (ITU-R BT.1359-1); a line that needs it has a worse problem.
MAX_EARLY_MS = 100
#: A take within this share of its slot stays as spoken: slowing it would be heard before the gap is seen.
AS_SPOKEN = 0.95


def plan(script: Script, takes: Sequence[Take], settings: FitSettings, duration_ms: int) -> tuple[Placement, ...]:
    """Place every take on the title's clock.

    Args:
        script: the source lines (their times are the slots), ordered by start.
        takes: one per line at most; a line without a take gets no placement.
        settings: bounds of pace, and the silence kept before the next line.
        duration_ms: length of the title.

    Returns:
        One placement a take, in the order of the script. ``stretch`` lies within the settings' bounds; the only
        placement that ends after the title is a take which at its fastest is longer than the whole title.

    Raises:
        ValueError: a take of no line in the script.
    """
    by_line = {take.line: take for take in takes}
    lines = sorted(script.lines, key=lambda line: (line.start_ms, line.id))
    strangers = by_line.keys() - {line.id for line in lines}
    if strangers:
        raise ValueError(f"takes of lines {sorted(strangers)} that are not in the script")
    spoken = [line for line in lines if line.id in by_line]
    placed: list[Placement] = []
    free_from = 0  # where the speech placed so far ends
    for number, line in enumerate(spoken):
        upcoming = spoken[number + 1].start_ms if number + 1 < len(spoken) else None
        until = duration_ms if upcoming is None else min(duration_ms, upcoming - settings.gap_ms)
        since = free_from + settings.gap_ms if placed else 0
        one = _place(line, by_line[line.id].duration_ms, since, until, settings, duration_ms)
        placed.append(one)
        free_from = max(free_from, one.end_ms)
    return tuple(placed)


def _place(
    line: Line, natural_ms: int, since_ms: int, until_ms: int, settings: FitSettings, duration_ms: int
) -> Placement:
    """One take: ``since_ms`` and ``until_ms`` are how far the pauses before and after may be used."""
    slot_ms = max(0, min(line.end_ms, duration_ms) - line.start_ms)
    length = _paced(natural_ms, slot_ms, settings)
    start_ms, end_max = line.start_ms, max(until_ms, line.start_ms + slot_ms)
    missing = start_ms + length - end_max
    if missing > 0:  # the pause after is not enough: begin in the one before
        start_ms -= max(0, min(missing, start_ms - since_ms, MAX_EARLY_MS))
    if start_ms + length > duration_ms:  # nothing plays after the end: begin as early as it takes
        start_ms = max(0, duration_ms - length)
    fit: Literal["natural", "stretched", "borrowed", "overlong"]
    if start_ms + length > end_max or start_ms < min(since_ms, line.start_ms):
        fit = "overlong"
    elif start_ms < line.start_ms or length > slot_ms:
        fit = "borrowed"
    else:
        fit = "natural" if length == natural_ms else "stretched"
    return Placement(
        line=line.id,
        start_ms=start_ms,
        end_ms=start_ms + length,
        slot_ms=line.end_ms - line.start_ms,
        natural_ms=natural_ms,
        stretch=natural_ms / length if length else 1.0,
        fit=fit,
    )


def _paced(natural_ms: int, slot_ms: int, settings: FitSettings) -> int:
    """How long a take becomes: as spoken where that nearly fills the slot, else as near it as the bounds allow."""
    if slot_ms * AS_SPOKEN <= natural_ms <= slot_ms:
        return natural_ms
    shortest = math.ceil(natural_ms / settings.fastest)
    longest = math.floor(natural_ms / settings.slowest)
    return min(max(slot_ms, shortest), longest)

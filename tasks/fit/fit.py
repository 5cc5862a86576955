"""Position and pace of each take. Pure timing: the sound is written by `tasks.fit.lay`.

Every line starts at its own source start (or a little before), so that no drift builds up. A take that is too long is
spoken faster, as far as goes unnoticed; then it borrows the pauses around it; then it is spoken as fast as is allowed
at all; what still does not fit is kept whole and marked. Nobody speaks over himself: the same speaker's next line then
starts late, and the one after the next pause in time again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from configs.profile import FitSettings
from tasks.fit.lay import lay, phones_on_clock
from tasks.records.script import Line, Script
from tasks.records.take import Placement, Take

__all__ = ["VERSION", "lay", "phones_on_clock", "plan"]

VERSION = 2

#: How much earlier than its source a line may start when it needs room. Sound up to 90 ms early is acceptable, 45 ms is
#: when it begins to be noticed (ITU-R BT.1359-1); a line that needs it has a worse problem.
MAX_EARLY_MS = 100
#: A take within this share of its slot stays as spoken: slowing it would be heard before the gap is seen.
AS_SPOKEN = 0.95
#: Kept between two lines of one speaker where the first is too long.
BREATH_MS = 40


def plan(script: Script, takes: Sequence[Take], settings: FitSettings, duration_ms: int) -> tuple[Placement, ...]:
    """Place every take on the title's clock.

    Args:
        script: the source lines (their times are the slots), ordered by start.
        takes: one per line at most; a line without a take gets no placement.
        settings: bounds of pace, and the silence kept before the next line.
        duration_ms: length of the title.

    Returns:
        One placement a take, in the order of the script. ``stretch`` lies within the settings' bounds; lines of one
        speaker never overlap. A placement ends after the title only where its speaker's takes, as they are paced, are
        longer than the whole title.

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
    own_end: dict[str, int] = {}  # where each speaker's does
    for number, line in enumerate(spoken):
        upcoming = spoken[number + 1].start_ms if number + 1 < len(spoken) else None
        until = duration_ms if upcoming is None else min(duration_ms, upcoming - settings.gap_ms)
        since = free_from + settings.gap_ms if placed else 0
        earliest = own_end[line.speaker] + BREATH_MS if line.speaker in own_end else 0
        one = _place(line, by_line[line.id].duration_ms, (since, until, earliest), settings, duration_ms)
        placed.append(one)
        free_from = max(free_from, one.end_ms)
        own_end[line.speaker] = one.end_ms
    return _within(placed, {line.id: line.speaker for line in spoken}, duration_ms)


def _place(
    line: Line, natural_ms: int, free: tuple[int, int, int], settings: FitSettings, duration_ms: int
) -> Placement:
    """One take.

    ``free`` is how far the pauses before and after may be used, and when its speaker has finished the line before.
    """
    since_ms, until_ms, earliest_ms = free
    wanted_ms = max(line.start_ms, earliest_ms)
    slot_end = max(min(line.end_ms, duration_ms), wanted_ms)
    end_max = max(until_ms, slot_end)
    early = max(0, min(wanted_ms - max(since_ms, earliest_ms), MAX_EARLY_MS))
    length = _paced(natural_ms, slot_end - wanted_ms, end_max - wanted_ms + early, settings)
    start_ms = wanted_ms
    if (missing := start_ms + length - end_max) > 0:  # the pause after is not enough: begin in the one before
        start_ms -= min(missing, early)
    if start_ms + length > duration_ms:  # nothing plays after the end: begin as early as it takes
        start_ms = max(0, min(start_ms, earliest_ms), duration_ms - length)
    fit: Literal["natural", "stretched", "borrowed", "overlong"]
    if start_ms + length > end_max or start_ms < min(since_ms, line.start_ms):
        fit = "overlong"
    elif start_ms != line.start_ms or start_ms + length > line.end_ms:
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


def _paced(natural_ms: int, slot_ms: int, room_ms: int, settings: FitSettings) -> int:
    """How long a take becomes: as spoken where that nearly fills the slot, else as near it as the bounds allow.

    Only where the pauses around it do not make room enough is it spoken faster than goes unnoticed.
    """
    if slot_ms * AS_SPOKEN <= natural_ms <= slot_ms:
        return natural_ms
    unnoticed = math.ceil(natural_ms / settings.fastest)
    shortest = math.ceil(natural_ms / max(settings.fastest, settings.hardest))
    longest = math.floor(natural_ms / settings.slowest)
    length = min(max(slot_ms, unnoticed), longest)
    return length if length <= room_ms else min(length, max(room_ms, shortest))


def _within(placed: Sequence[Placement], speakers: dict[int, str], duration_ms: int) -> tuple[Placement, ...]:
    """The same, with lines that end after the title moved to end with it, and their speaker's before them as needed."""
    limit = dict.fromkeys(speakers.values(), duration_ms)
    starts: list[int] = []
    for one in reversed(placed):
        speaker, length = speakers[one.line], one.end_ms - one.start_ms
        starts.append(max(0, min(one.start_ms, limit[speaker] - length)))
        limit[speaker] = min(limit[speaker], starts[-1])
    done = dict.fromkeys(speakers.values(), 0)
    within = []
    for one, start in zip(placed, reversed(starts), strict=True):
        speaker, length = speakers[one.line], one.end_ms - one.start_ms
        start = max(start, done[speaker])  # more speech than the title is long
        done[speaker] = start + length
        times = {"start_ms": start, "end_ms": start + length, "fit": "overlong"}
        within.append(one if start == one.start_ms else one.model_copy(update=times))
    return tuple(within)

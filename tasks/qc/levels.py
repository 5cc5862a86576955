"""Level of each line of the dub against its actor's, relative to the other lines, in the delivered master."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from tasks.qc.evidence import Measured
from tasks.records.script import Script
from tasks.records.take import Placement
from tasks.sound.loudness import Curve

_FEWEST = 3  # lines from which there are others to compare with
_SHORTEST_MS = 400  # BS.1770's block: what is shorter says nothing about its own level
_PAUSE_DB = 12.0  # blocks this far below a line's loudest are its pauses
_UNHEARD_LUFS = -50.0


def line_levels(
    source: Script, placements: Sequence[Placement], original: Curve | None, delivered: Curve | None
) -> dict[int, float]:
    """By how many LU each line is louder than its actor was, less what the title's middle line is, by line id.

    Both programmes are measured with what sounds under the speech. Lines shorter than 400 ms, and those that are not
    heard in the original, are left out; so are all of them where fewer than three remain.

    Args:
        source: the source script.
        placements: where each line was laid.
        original: the source's programme over time; None where it was not measured.
        delivered: the master's.
    """
    if original is None or delivered is None:
        return {}
    spans = {line.id: (line.start_ms, line.end_ms) for line in source.lines}
    differences: dict[int, float] = {}
    for one in placements:
        start, end = spans.get(one.line, (0, 0))
        if min(end - start, one.end_ms - one.start_ms) < _SHORTEST_MS:
            continue
        there = original.during([(start, end)], _PAUSE_DB)
        if there > _UNHEARD_LUFS:
            differences[one.line] = delivered.during([(one.start_ms, one.end_ms)], _PAUSE_DB) - there
    if len(differences) < _FEWEST:
        return {}
    middle = statistics.median(differences.values())
    return {line: round(difference - middle, 1) for line, difference in differences.items()}


def furthest(levels: Mapping[int, float], named_beyond_lu: float) -> Measured:
    """The level that is furthest off, with the lines beyond a limit named, the worst first."""
    if not levels:
        return Measured(None, f"fewer than {_FEWEST} lines are heard in both the original and the dub")
    worst = sorted(levels.items(), key=lambda level: (-abs(level[1]), level[0]))
    named = [f"{line} ({off:+.1f} LU)" for line, off in worst if abs(off) > named_beyond_lu]
    return Measured(worst[0][1], f"lines {', '.join(named)}" if named else "")

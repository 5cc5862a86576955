"""What of the style guide a file of cues does not keep, counted on the cues as they are read from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from configs.timed_text import TimedTextLimits, timed_text_limits
from tasks.words.cues import Cue
from tasks.words.guide import Frames
from tasks.words.rows import is_bound, text_width


def unmet(cues: Sequence[Cue], language: str, frames: Frames, cuts_ms: Sequence[int] = ()) -> tuple[str, ...]:
    """A sentence for each rule that some cues do not keep: ``3 of 40 cues read at more than 17 characters a second``.

    Args:
        cues: as they are in the file, in its order.
        language: BCP-47 tag of their text.
        frames: of the picture.
        cuts_ms: when its shots change.
    """
    limits = timed_text_limits(language)
    counts = [
        (
            sum(_speed(cue, limits) > limits.cps for cue in cues),
            f"read at more than {limits.cps:g} characters a second",
        ),
        (sum(_widest(cue, limits) > limits.cpl for cue in cues), f"have a row of more than {limits.cpl} characters"),
        (sum(len(cue.rows) > limits.rows for cue in cues), f"have more than {limits.rows} rows"),
        (sum(_is_short(cue, limits, frames) for cue in cues), f"are shown for less than {limits.min_ms / 1000:.2f} s"),
        (sum(cue.duration_ms > limits.max_ms for cue in cues), f"are shown for more than {limits.max_ms / 1000:g} s"),
        (sum(_off_frames(cue, frames) for cue in cues), "do not begin and end on frames"),
        (_crowded(cues, limits, frames), f"are less than {limits.gap_frames} frames from the next"),
        (sum(_crosses(cue, limits, frames, cuts_ms) for cue in cues), "begin or end close to a change of shot"),
        (sum(any(_parted(cue, limits)) for cue in cues), "end a row in a word that belongs to the next"),
    ]
    return tuple(f"{count} of {len(cues)} cues {what}" for count, what in counts if count)


def _speed(cue: Cue, limits: TimedTextLimits) -> float:
    width = sum(text_width(row, wide=limits.wide) for row in cue.rows)
    return round(width * 1000 / max(1, cue.duration_ms), 2)


def _widest(cue: Cue, limits: TimedTextLimits) -> float:
    return max((text_width(row, wide=limits.wide) for row in cue.rows), default=0.0)


def _is_short(cue: Cue, limits: TimedTextLimits, frames: Frames) -> bool:
    shown = frames.at(cue.end_ms) - frames.at(cue.start_ms)
    return shown < math.floor(limits.min_ms * frames.rate / 1000)


def _off_frames(cue: Cue, frames: Frames) -> bool:
    return any(abs(frames.ms(frames.at(time)) - time) > 1 for time in (cue.start_ms, cue.end_ms))


def _crowded(cues: Sequence[Cue], limits: TimedTextLimits, frames: Frames) -> int:
    return sum(
        frames.at(later.start_ms) - frames.at(earlier.end_ms) < limits.gap_frames for earlier, later in pairwise(cues)
    )


def _crosses(cue: Cue, limits: TimedTextLimits, frames: Frames, cuts_ms: Sequence[int]) -> bool:
    """Whether a viewer sees it jump at a change of shot: it begins just off it, or goes just after it."""
    start, end, near = frames.at(cue.start_ms), frames.at(cue.end_ms), frames.length(limits.shot_ms)
    cuts = [frames.at(cut) for cut in cuts_ms]
    begins = min((abs(cut - start) for cut in cuts), default=near + 1)
    ends = any(start < cut and -limits.gap_frames < end - cut <= near for cut in cuts)
    return 0 < begins <= near or ends


def _parted(cue: Cue, limits: TimedTextLimits) -> Iterator[bool]:
    for row in cue.rows[:-1]:
        words = row.split()
        yield bool(words) and is_bound(words[-1], limits)

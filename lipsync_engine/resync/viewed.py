"""What a viewer sees of a dub, frame by frame, read from the pixels of the result beside those of the source."""

from __future__ import annotations

import numpy as np

from lipsync_engine.measure.closed_teeth import closed_teeth, wide_when_rounded
from lipsync_engine.measure.living import against_neighbours, texture
from lipsync_engine.measure.pace import acceleration, one_frame_openings, speed
from lipsync_engine.records import BoolArray, MouthSeries, Phone
from lipsync_engine.resync.parts import Part
from lipsync_engine.resync.watched import Watched

Figures = dict[str, float | None]
VIEWED = (
    "open_teeth_share",
    "rounded_wide_share",
    "longest_hold_frames",
    "blended_share",
    "mouth_sharpness_low",
    "mouth_sharpness_high",
    "one_frame_openings",
    "lip_speed_ratio",
    "lip_acceleration_ratio",
)


def viewed_figures(
    part: Part,
    watched: Watched,
    seen: MouthSeries,
    only: BoolArray,
    phones: tuple[Phone, ...],
    speaking: BoolArray | None = None,
) -> Figures:
    """The figures ``VIEWED`` of the person who is edited most; ``None`` where the material does not define one.

    Args:
        part: the person's share of the edit.
        watched: the person in the result.
        seen: the mouth in the result.
        only: bool [T], edited frames.
        phones: what the dub says.
        speaking: bool [T], frames of the source in which its own sound speaks; ``None`` for all.
    """
    rows = watched.rows
    held = texture(part.score, part.plan.rest)
    times = seen.times_s[rows.frame] + part.lead_ms / 1000
    drawn = only[rows.frame]
    own = part.who.track
    spoken = only & part.plan.speech
    talking = part.source.valid if speaking is None else part.source.valid & speaking
    edited = own.frame[np.isin(own.frame, rows.frame[drawn])]
    sharp = against_neighbours(watched.crisp[drawn], rows.frame[drawn], watched.own_crisp[edited], edited)
    known = sharp[np.isfinite(sharp)]
    return {
        "open_teeth_share": closed_teeth(watched.inside, times, phones, drawn),
        "rounded_wide_share": wide_when_rounded(rows, phones, drawn, part.stats, times),
        "longest_hold_frames": None if held is None else held.longest_hold,
        "blended_share": None if held is None else held.blended_share,
        "mouth_sharpness_low": float(np.percentile(known, 10)) if len(known) else None,
        "mouth_sharpness_high": float(np.percentile(known, 90)) if len(known) else None,
        "one_frame_openings": one_frame_openings(seen, only),
        "lip_speed_ratio": _ratio(speed(seen, spoken), speed(part.source, talking)),
        "lip_acceleration_ratio": _ratio(acceleration(seen, spoken), acceleration(part.source, talking)),
    }


def _ratio(value: float | None, own: float | None) -> float | None:
    return value / own if value is not None and own else None

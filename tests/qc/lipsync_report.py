"""The figures of a lip sync that a viewer believes."""

from __future__ import annotations

from typing import Any

GOOD: dict[str, Any] = {
    "frames": 260,
    "edited": 250,
    "bypassed": {"at_rest": 10},
    "portrait_frames": 0,
    "offset_frames": 0.4,
    "place_offset": 0.002,
    "phone_confidence": 1.0,
    "phone_agreement": 0.92,
    "articulation_ratio": 1.02,
    "closure_rate": 1.0,
    "open_teeth_share": 0.03,
    "longest_hold_frames": 4,
    "blended_share": 0.12,
    "silence_motion": 0.0,
    "silence_opening": 0.004,
    "library_observations": 240,
    "library_spread": 0.06,
}

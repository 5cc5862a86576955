"""Figures of the gates of a client's M&E, and what they were measured on."""

from __future__ import annotations

from tasks.qc.evidence import Measured
from tasks.records.made import ClientBed

_UNKNOWN = "the title has no music or effects outside speech to compare it with"


def bed_figures(bed: ClientBed) -> dict[str, Measured]:
    """Figures by the name of their gate."""
    heard = round(bed.parts * bed.found) if bed.found is not None else 0
    by_parts = f"on {heard} of {bed.parts} parts of the title's own music and effects"
    return {
        "bed_length_ms": Measured(float(bed.uncovered_ms), _length(bed)),
        "bed_found": _known(bed.found, by_parts),
        "bed_offset_ms": _known(bed.offset_ms, f"{_corrected(bed)}{by_parts}", bed),
        "bed_level_lu": _known(bed.level_lu, "outside speech, against the title's own sound"),
        "bed_missing_ms": _known(bed.missing_ms, "outside speech, against the title's own sound"),
        "bed_channels": Measured(float(max(0, bed.title_channels - bed.channels)), _channels(bed)),
    }


def _known(value: float | None, measured_on: str, bed: ClientBed | None = None) -> Measured:
    if value is not None:
        return Measured(float(value), measured_on)
    lost = bed is not None and bed.parts > 0
    return Measured(None, "the title's music and effects are not heard in the bed" if lost else _UNKNOWN)


def _length(bed: ClientBed) -> str:
    if bed.length_ms < 0:
        return f"it ends {-bed.length_ms / 1000:.2f} s before the title"
    return f"it ends {bed.length_ms / 1000:.2f} s after the title" if bed.length_ms else ""


def _corrected(bed: ClientBed) -> str:
    moved = [f"{bed.shift_ms:+.0f} ms"] if bed.shift_ms else []
    moved += [f"{1 / bed.slowness:.3%} of the speed"] if bed.slowness != 1.0 else []
    return f"after the correction of {' and '.join(moved)}, " if moved else ""


def _channels(bed: ClientBed) -> str:
    return f"{bed.channels} of the bed, {bed.title_channels} of the title"

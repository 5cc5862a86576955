"""The lip-sync report as figures of its gates: timing and extent of mouth movement, and evidence in the title."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.qc.evidence import Measured

#: Gate to the figure of the report that it judges.
FIGURES = {
    "lipsync_offset": "offset_frames",
    "lipsync_place": "place_offset",
    "lipsync_phones": "phone_confidence",
    "lipsync_agreement": "phone_agreement",
    "lipsync_articulation_max": "articulation_ratio",
    "lipsync_articulation_min": "articulation_ratio",
    "lipsync_closure": "closure_rate",
    "lipsync_open_teeth": "open_teeth_share",
    "lipsync_hold": "longest_hold_frames",
    "lipsync_blended": "blended_share",
    "lipsync_silence": "silence_motion",
    "lipsync_silence_opening": "silence_opening",
    "lipsync_observations": "library_observations",
    "lipsync_spread": "library_spread",
}
_LACKS = "the lip-sync report has no such figure"


def lipsync_figures(report: Mapping[str, Any]) -> dict[str, Measured]:
    """Figures by the name of their gate; what the report lacks is not measured, with its reason where it gives one.

    Args:
        report: as the backend gave it; empty where there was no lip sync.
    """
    reasons = report.get("missing") or {}
    found = {gate: _measured(report, figure, reasons) for gate, figure in FIGURES.items()}
    return found | {
        "lipsync_phones": _with_times(found["lipsync_phones"], report),
        "lipsync_faint": _share_of_drawn(report, (report.get("bypassed") or {}).get("imperceptible", 0)),
        "lipsync_portrait": _share_of_edited(report, "portrait_frames"),
    }


def _measured(report: Mapping[str, Any], figure: str, reasons: Mapping[str, str]) -> Measured:
    value = report.get(figure)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return Measured(None, str(reasons.get(figure) or _LACKS) if report else "no lip sync was done")
    return Measured(float(value))


def _with_times(phones: Measured, report: Mapping[str, Any]) -> Measured:
    """When the sound does not bear the text out, in the note."""
    doubted = [line for line in report.get("lines") or () if line.get("rested")]
    spans = [f"{line['start_ms'] / 1000:.1f}-{line['end_ms'] / 1000:.1f} s" for line in doubted]
    return phones if phones.value is None or not spans else Measured(phones.value, f"at {', '.join(spans)}")


def _share_of_drawn(report: Mapping[str, Any], faint: int) -> Measured:
    """Share of the edited frames whose change is not visible."""
    drawn = report.get("edited", 0) + faint
    if not drawn or "bypassed" not in report:
        return Measured(None, "no frame was drawn into")
    return Measured(round(faint / drawn, 4), f"{faint} of {drawn} frames" if faint else "")


def _share_of_edited(report: Mapping[str, Any], figure: str) -> Measured:
    edited, count = report.get("edited", 0), report.get(figure)
    if not edited or count is None:
        return Measured(None, "no frame was edited" if count is not None else _LACKS)
    return Measured(round(count / edited, 4), f"{count} of {edited} frames" if count else "")

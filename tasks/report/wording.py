"""Figures in words, for people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from configs.gates import GateRule, gate_rules

_STATUS = {"pass": "Pass", "warn": "Warning", "fail": "Fail", "unmeasured": "Not measured"}
#: Figures of a lip-sync report: what each is called, and its unit.
_LIPSYNC = {
    "frames": ("Frames", ""),
    "edited": ("Frames edited", ""),
    "phone_confidence": ("Speech whose sounds bear out the text", "%"),
    "phone_agreement": ("Sounds that show the right mouth", "%"),
    "closure_rate": ("Lips closed on p, b, m", "%"),
    "open_closed_ratio": ("Open to closed", "×"),
    "articulation_ratio": ("Articulation against the speaker's own", "×"),
    "silence_motion": ("Mouth motion in pauses", "%"),
    "silence_opening": ("Opening in pauses", "face widths"),
    "open_teeth_share": ("Closed teeth on open and rounded vowels", "%"),
    "longest_hold_frames": ("Longest hold of one mouth", "frames"),
    "blended_share": ("Frames blended of two mouths", "%"),
    "library_observations": ("Frames of the speaker's own mouth to draw from", ""),
    "library_spread": ("How far the speaker's own mouth opens in them", "face widths"),
    "portrait_frames": ("Frames drawn without the speaker's own mouth", ""),
    "offset_frames": ("Offset", "frames"),
    "av_correlation": ("Mouth to speech correlation", ""),
    "sharpness_ratio": ("Sharpness against the source", "×"),
    "seam_ratio": ("Seam visibility", "×"),
    "jitter_ratio": ("Jitter against the source", "×"),
    "place_offset": ("Mouth off its place", "face widths"),
    "outside_mask_max_diff": ("Largest change outside the mouth", ""),
    "fps": ("Processing", "frames/s"),
    "device": ("Device", ""),
}
_WORST_FIRST = ("fail", "warn", "waived", "unmeasured", "pass")


def urgency(status: str, value: float | None, limit: float | None, side: str) -> tuple[int, float]:
    """Sorts gates worst first: by status, then by how far beyond the limit, as a share of it.

    Args:
        status: of a gate, or ``waived``.
        value: measured; None for none.
        limit: that it is beyond; None or 0 counts as infinitely far.
        side: on which values are worse.
    """
    if value is None or not limit:
        return _WORST_FIRST.index(status), -math.inf
    measured = abs(value) if side == "away" else value
    return _WORST_FIRST.index(status), -abs(measured - limit) / abs(limit)


def by_urgency(gates: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Gates worst first; those that passed in the order of the table of gates."""

    def place(gate: Mapping[str, Any]) -> tuple[int, float]:
        status = "waived" if gate["status"] == "fail" and gate["waiver"] else gate["status"]
        if status == "pass":
            return _WORST_FIRST.index(status), 0.0
        limit = gate["fail"] if gate["status"] == "fail" and gate["fail"] is not None else gate["warn"]
        return urgency(status, gate["value"], limit, gate_rules()[gate["name"]].side)

    return sorted(gates, key=place)


def gate_row(gate: Mapping[str, Any]) -> dict[str, str]:
    """One gate in words: ``label value limits word status note``."""
    rule = gate_rules()[gate["name"]]
    waived = gate["status"] == "fail" and gate["waiver"]
    note = "; ".join(part for part in (f"waived: {gate['waiver']}" if waived else "", gate["note"]) if part)
    return {
        "label": rule.label,
        "value": figure(gate["value"], rule.unit),
        "limits": _limits(gate, rule),
        "word": "Waived" if waived else _STATUS[gate["status"]],
        "status": "waived" if waived else gate["status"],
        "note": note,
    }


def _limits(gate: Mapping[str, Any], rule: GateRule) -> str:
    return ", ".join(f"{key} {threshold(gate[key], rule)}" for key in ("warn", "fail") if gate[key] is not None)


def threshold(limit: float, rule: GateRule) -> str:
    """From where on a gate warns or fails: ``above 0.010``."""
    sign = {"above": "above ", "below": "below ", "away": "beyond ±"}[rule.side]
    return f"{sign}{_number(limit, rule.unit)}"


def figure(value: float | None, unit: str) -> str:
    """A number with its unit; an em dash for none."""
    if value is None:
        return "—"
    number = _number(value, unit)
    return number if unit in ("share", "×", "") else f"{number} {unit}"


def _number(value: float, unit: str) -> str:
    """As many digits as the unit deserves, with a real minus sign."""
    if unit == "share":
        text = f"{value * 100:.1f} %"
    elif unit == "×":
        text = f"{value:.2f}×"
    elif unit in ("dB", "frames/s"):
        text = f"{value:.1f}"
    elif unit == "face widths":
        text = f"{value:.3f}"
    else:
        text = f"{value:.2f}".rstrip("0").rstrip(".")
    return text.replace("-", "\u2212")


def lipsync_rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Known fields of a lip-sync report with their names in words; unknown ones are left to ``lipsync.json``."""
    reasons = report.get("missing") or {}
    known = ((key, label, unit) for key, (label, unit) in _LIPSYNC.items() if key in report)
    return [(label, _shown(report[key], unit, reasons.get(key, ""))) for key, label, unit in known]


def _shown(value: Any, unit: str, reason: str) -> str:
    if value is None:
        return f"not measured: {reason}" if reason else "not measured"
    if not isinstance(value, int | float):
        return str(value)
    return f"{value * 100:.0f} %" if unit == "%" else figure(value, unit)


def bypass_rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Reasons for frames left as they were, in words, and how many frames each."""
    counts = dict(report.get("bypassed") or {})
    return [(str(reason).replace("_", " "), f"{count} frames") for reason, count in sorted(counts.items())]

"""Figures of the gates of a watermark: whether it is found in the master, and how little it did to the lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.qc.evidence import Measured
from tasks.records.made import MarkedLine, WatermarkHeard


def watermark_figures(lines: Sequence[MarkedLine], heard: WatermarkHeard | None) -> dict[str, Measured]:
    """Figures by the name of their gate; none where no line was marked."""
    if not lines or heard is None:
        return {}
    found = heard.watermark
    told = f"{found.verdict}, in the encoded master" + (f": {found.note}" if found.note else "")
    loudest = max(lines, key=lambda one: abs(one.level_lu))
    nearest = min(lines, key=lambda one: one.snr_db)
    return {
        "watermark": Measured(heard.share, told),
        "watermark_snr_db": Measured(nearest.snr_db, f"line {nearest.line}"),
        "watermark_level_lu": Measured(loudest.level_lu, f"line {loudest.line}"),
    }


def watermark_facts(lines: Sequence[MarkedLine], heard: WatermarkHeard | None) -> dict[str, Any] | None:
    """What ``qc.json`` says of the watermark; None where no line was marked."""
    if not lines or heard is None:
        return None
    return {**heard.model_dump(mode="json"), "lines": [one.model_dump(mode="json") for one in lines]}

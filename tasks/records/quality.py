"""What is measured of a sound or a master, and how it is judged."""

from __future__ import annotations

from typing import Literal

from tasks.records.record import Record


class Loudness(Record):
    """Measured by EBU R 128 / ITU-R BS.1770."""

    integrated_lufs: float
    true_peak_dbtp: float
    range_lu: float = 0.0


class Gate(Record):
    """One quality check; thresholds say from where on it warns and fails."""

    name: str
    value: float | None
    warn: float | None = None
    fail: float | None = None
    status: Literal["pass", "warn", "fail", "unmeasured"] = "pass"
    waiver: str = ""
    note: str = ""

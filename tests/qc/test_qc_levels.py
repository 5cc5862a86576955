"""A line that is much louder or quieter than its actor was, against the other lines, is named."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from configs.loudness import loudness_presets
from tasks.qc.evidence import Evidence
from tasks.qc.levels import line_levels
from tasks.qc.qc import check
from tasks.records.quality import Loudness
from tasks.records.script import Line, Script
from tasks.records.take import Placement
from tasks.sound.loudness import Curve

LINE_MS, PAUSE_MS = 2000, 1000


def starts(count: int) -> list[int]:
    return [PAUSE_MS + number * (LINE_MS + PAUSE_MS) for number in range(count)]


def programme(levels: Sequence[float]) -> Curve:
    """Silence with a line of each level in it."""
    momentary = np.full((len(levels) + 1) * (LINE_MS + PAUSE_MS) // 100, -120.0)
    for start, level in zip(starts(len(levels)), levels, strict=True):
        momentary[start // 100 : (start + LINE_MS) // 100 + 3] = level
    return Curve(Loudness(integrated_lufs=-23, true_peak_dbtp=-3), momentary)


def script(count: int, length_ms: int = LINE_MS) -> Script:
    lines = [
        Line(id=number, start_ms=start, end_ms=start + length_ms, text="Sí.")
        for number, start in enumerate(starts(count))
    ]
    return Script(language="es", lines=tuple(lines))


def laid(spoken: Script) -> tuple[Placement, ...]:
    return tuple(
        Placement(
            line=line.id,
            start_ms=line.start_ms,
            end_ms=line.end_ms,
            slot_ms=line.end_ms - line.start_ms,
            natural_ms=line.end_ms - line.start_ms,
            stretch=1.0,
            fit="natural",
        )
        for line in spoken.lines
    )


def levels(there: Sequence[float], here: Sequence[float], length_ms: int = LINE_MS) -> dict[int, float]:
    spoken = script(len(there), length_ms)
    return line_levels(spoken, laid(spoken), programme(there), programme(here))


def test_a_dub_that_follows_its_actors_is_level_however_loud_the_preset_makes_it() -> None:
    assert levels([-30, -18, -24, -40], [-25, -13, -19, -35]) == {0: 0, 1: 0, 2: 0, 3: 0}


def test_a_whisper_that_is_dubbed_at_full_voice_is_found() -> None:
    assert levels([-24, -36, -24, -24], [-23, -23, -23, -23]) == {0: 0, 1: 12, 2: 0, 3: 0}


def test_what_cannot_be_compared_is_left_out() -> None:
    assert levels([-24, -24], [-23, -30]) == {}  # two lines: which of them is off?
    assert levels([-24] * 4, [-23] * 4, length_ms=300) == {}
    assert 1 not in levels([-24, -60, -24, -24], [-23] * 4)  # the original was not heard there


@pytest.mark.parametrize(("off_lu", "status"), [(5.0, "pass"), (-8.0, "warn"), (13.0, "fail")])
def test_the_sheet_names_the_line_and_judges_it(off_lu: float, status: str) -> None:
    spoken = script(4)
    evidence = Evidence(
        source=spoken,
        dub=spoken,
        placements=laid(spoken),
        duration_ms=15_000,
        preset=loudness_presets()["r128"],
        original=programme([-24] * 4),
        delivered=programme([-23, -23, -23 + off_lu, -23]),
        waivers={"line_level_lu": "Creative Intent"},
    )
    sheet = check(evidence)
    gate = next(gate for gate in sheet["gates"] if gate["name"] == "line_level_lu")
    assert (gate["value"], gate["status"], gate["waiver"]) == (off_lu, status, "Creative Intent")
    assert gate["note"] == ("" if status == "pass" else f"lines 2 ({off_lu:+.1f} LU)")
    assert [row["level_lu"] for row in sheet["per_line"]] == [0, 0, off_lu, 0]
    assert sheet["state"] == "completed"

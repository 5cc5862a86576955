"""The gates over a lip-sync report: every figure a viewer would complain of is judged, and none is made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from configs.gates import gate_rules
from tasks.qc.gates import judge
from tasks.qc.lipsync import FIGURES, lipsync_figures
from tasks.report.wording import threshold
from tests.qc.lipsync_report import GOOD


def statuses(**changed: Any) -> dict[str, str]:
    """Gate to status, where it is no pass."""
    figures = lipsync_figures({**GOOD, **changed})
    found = {name: judge(name, figure).status for name, figure in figures.items()}
    return {name: status for name, status in found.items() if status != "pass"}


def test_a_mouth_that_a_viewer_believes_passes_every_gate() -> None:
    assert statuses() == {}
    assert {name for name in gate_rules() if name.startswith("lipsync_")} == set(lipsync_figures({}))


@pytest.mark.parametrize(
    ("changed", "gate", "status"),
    [
        ({"phone_confidence": 0.9}, "lipsync_phones", "warn"),
        ({"phone_confidence": 0.0}, "lipsync_phones", "fail"),
        ({"phone_agreement": 0.77}, "lipsync_agreement", "warn"),
        ({"phone_agreement": 0.5}, "lipsync_agreement", "fail"),
        ({"articulation_ratio": 7.2}, "lipsync_articulation_max", "fail"),
        ({"articulation_ratio": 1.5}, "lipsync_articulation_max", "warn"),
        ({"articulation_ratio": 0.6}, "lipsync_articulation_min", "warn"),
        ({"articulation_ratio": 0.0}, "lipsync_articulation_min", "fail"),
        ({"closure_rate": 0.8}, "lipsync_closure", "warn"),
        ({"closure_rate": 0.4}, "lipsync_closure", "fail"),
        ({"open_teeth_share": 0.62}, "lipsync_open_teeth", "fail"),
        ({"open_teeth_share": 0.1}, "lipsync_open_teeth", "warn"),
        ({"longest_hold_frames": 17}, "lipsync_hold", "fail"),
        ({"longest_hold_frames": 5}, "lipsync_hold", "warn"),
        ({"blended_share": 0.52}, "lipsync_blended", "fail"),
        ({"blended_share": 0.27}, "lipsync_blended", "warn"),
        ({"silence_motion": 1.0}, "lipsync_silence", "fail"),
        ({"silence_motion": 0.08}, "lipsync_silence", "warn"),
        ({"silence_opening": 0.08}, "lipsync_silence_opening", "fail"),
        ({"library_observations": 14}, "lipsync_observations", "warn"),
        ({"library_spread": 0.012}, "lipsync_spread", "warn"),
        ({"portrait_frames": 250}, "lipsync_portrait", "warn"),
        ({"bypassed": {"imperceptible": 250}}, "lipsync_faint", "warn"),
        ({"bypassed": {"imperceptible": 250}, "edited": 0}, "lipsync_faint", "fail"),
        ({"place_offset": 0.011}, "lipsync_place", "fail"),
    ],
)
def test_each_fault_is_marked_by_its_own_gate(changed: dict[str, Any], gate: str, status: str) -> None:
    found = statuses(**changed)
    if changed.get("edited") == 0:
        assert found.pop("lipsync_portrait") == "unmeasured"
    assert found == {gate: status}


def test_a_report_without_a_figure_is_not_measured_and_says_why() -> None:
    found = lipsync_figures({"edited": 10, "closure_rate": None, "missing": {"closure_rate": "too few such sounds"}})
    assert (found["lipsync_closure"].value, found["lipsync_closure"].note) == (None, "too few such sounds")
    assert found["lipsync_hold"].value is None
    assert found["lipsync_hold"].note == "the lip-sync report has no such figure"
    assert {figure.note for figure in lipsync_figures({}).values() if figure.value is not None} == set()


def test_speech_that_its_sound_does_not_bear_out_is_named_by_its_times() -> None:
    lines = [
        {"start_ms": 0, "end_ms": 1900, "confidence": 0.98, "rested": ""},
        {"start_ms": 2600, "end_ms": 4150, "confidence": 0.02, "rested": "the sound does not bear the text out"},
        {"start_ms": 9000, "end_ms": 9800, "confidence": 0.0, "rested": "nothing is heard there"},
    ]
    found = lipsync_figures({**GOOD, "phone_confidence": 0.45, "lines": lines})["lipsync_phones"]
    assert (found.value, found.note) == (0.45, "at 2.6-4.2 s, 9.0-9.8 s")
    assert lipsync_figures({**GOOD, "lines": lines[:1]})["lipsync_phones"].note == ""


def test_a_figure_of_another_system_that_is_no_number_is_not_measured() -> None:
    found = lipsync_figures({"edited": 10, "place_offset": "fine", "offset_frames": True})
    assert [found[name].value for name in ("lipsync_place", "lipsync_offset")] == [None, None]


def test_every_gate_names_what_it_judges_in_words() -> None:
    assert all(len(gate_rules()[name].label.split()) > 1 for name in FIGURES)


@pytest.mark.parametrize("name", gate_rules())
def test_the_page_on_gates_has_each_with_its_limits(name: str) -> None:
    rule, page = gate_rules()[name], Path("docs/gates.md").read_text("utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` ")]
    for limit in (rule.warn, rule.fail):
        assert limit is None or f" {threshold(limit, rule)} " in row

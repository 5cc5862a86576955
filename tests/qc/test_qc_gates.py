from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.gates import gate_rules
from tasks.qc.evidence import Measured
from tasks.qc.gates import check_waivers, judge, judge_av_offset, state
from tasks.records.errors import BadInputError

RANK = {"pass": 0, "warn": 1, "fail": 2}


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("stretch_max", 1.10, "pass"),
        ("stretch_max", 1.11, "warn"),
        ("stretch_max", 1.21, "fail"),
        ("stretch_min", 0.91, "warn"),
        ("stretch_min", 0.84, "fail"),
        ("adherence", 0.85, "pass"),
        ("adherence", 0.84, "warn"),
        ("adherence", 0.69, "fail"),
        ("speech_overlap", 0.59, "fail"),
        ("intelligibility", 0.21, "fail"),
        ("audio_early_ms", 6, "warn"),
        ("audio_early_ms", 41, "fail"),
        ("audio_late_ms", 15, "pass"),
        ("audio_late_ms", 61, "fail"),
        ("lipsync_offset", -2, "warn"),
        ("lipsync_offset", -3, "fail"),
        ("lipsync_place", 0.004, "pass"),
        ("lipsync_place", 0.008, "warn"),
        ("lipsync_place", 0.011, "fail"),
        ("drift_ms", -501, "fail"),
    ],
)
def test_thresholds_of_the_field(name: str, value: float, status: str) -> None:
    assert judge(name, Measured(value)).status == status


def test_a_limit_that_comes_with_the_run_takes_the_place_of_the_configured_one() -> None:
    def marks(value: float, **given: float) -> str:
        return judge("true_peak_dbtp", Measured(value), **given).status

    assert marks(3.0) == "pass"  # no limit of its own
    assert [marks(value, warn=-2.0, fail=-1.0) for value in (-2.0, -1.5, -0.5)] == ["pass", "warn", "fail"]
    assert judge("drift_ms", Measured(30), warn=20).status == "warn"
    assert judge("drift_ms", Measured(30), fail=25).status == "fail"


@given(st.sampled_from(["stretch_max", "bed_residual_db", "intelligibility"]), st.floats(-99, 99), st.floats(-99, 99))
def test_a_worse_value_never_gets_a_better_mark(name: str, one: float, other: float) -> None:
    better, worse = sorted((one, other))
    assert RANK[judge(name, Measured(better)).status] <= RANK[judge(name, Measured(worse)).status]


@pytest.mark.parametrize("name", gate_rules())
def test_what_was_not_measured_never_passes(name: str) -> None:
    gate = judge(name, Measured(None, "no reason to"), warn=0, fail=0)
    assert (gate.status, gate.note) == ("unmeasured", "no reason to")


def test_a_failure_asks_for_review_unless_it_is_waived() -> None:
    failed = judge("stretch_max", Measured(1.5))
    waived = judge("stretch_max", Measured(1.5), waiver="Creative Intent")
    assert state((failed,)) == "needs_review"
    assert state((waived,)) == "completed"
    assert waived.status == "fail"


def test_a_warning_or_an_unmeasured_gate_completes() -> None:
    assert state((judge("stretch_max", Measured(1.15)), judge("drift_ms", Measured(None)))) == "completed"


@pytest.mark.parametrize("waivers", [{"nonsense": "why"}, {"stretch_max": "  "}])
def test_a_waiver_names_a_gate_and_gives_a_reason(waivers: dict[str, str]) -> None:
    with pytest.raises(BadInputError):
        check_waivers(waivers)


def test_sound_that_is_early_is_judged_by_a_limit_of_its_own_and_the_gate_says_which() -> None:
    early, late = judge_av_offset(Measured(-45.0)), judge_av_offset(Measured(45.0))
    assert (early.status, early.fail) == ("fail", 40)
    assert (late.status, late.fail) == ("warn", 60)
    assert judge_av_offset(Measured(-40.0)).status == "pass"

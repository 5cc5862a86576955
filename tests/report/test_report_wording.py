"""Figures are shown with the digits that their limits are told by."""

from configs.gates import gate_rules
from tasks.report.wording import figure, gate_row


def test_how_far_a_mouth_lies_off_its_place_is_told_in_thousandths():
    assert figure(0.0036, "face widths") == "0.004 face widths"


def test_no_two_limits_of_a_gate_look_alike():
    for name, rule in gate_rules().items():
        if None in (rule.warn, rule.fail):
            continue
        gate = {"name": name, "value": None, "warn": rule.warn, "fail": rule.fail, "status": "unmeasured"}
        warn, fail = gate_row(gate | {"waiver": "", "note": ""})["limits"].split(", ")
        assert warn.removeprefix("warn") != fail.removeprefix("fail"), name

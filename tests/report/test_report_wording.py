"""Figures are shown with the digits that their limits are told by."""

from configs.gates import gate_rules
from tasks.report.wording import by_urgency, figure, gate_row, lipsync_rows


def test_how_far_a_mouth_lies_off_its_place_is_told_in_thousandths():
    assert figure(0.0036, "face widths") == "0.004 face widths"


def test_no_two_limits_of_a_gate_look_alike():
    for name, rule in gate_rules().items():
        if None in (rule.warn, rule.fail):
            continue
        gate = {"name": name, "value": None, "warn": rule.warn, "fail": rule.fail, "status": "unmeasured"}
        warn, fail = gate_row(gate | {"waiver": "", "note": ""})["limits"].split(", ")
        assert warn.removeprefix("warn") != fail.removeprefix("fail"), name


def test_figures_of_lip_sync_have_the_digits_and_units_of_their_kind():
    rows = dict(
        lipsync_rows(
            {
                "silence_opening": 0.000662,
                "blended_share": 0.2528301886792453,
                "open_closed_ratio": 23.40625,
                "offset_frames": -0.517,
                "fps": 23.9876,
                "frames": 390,
                "device": "cpu",
                "place_offset": None,
                "av_correlation": None,
                "missing": {"av_correlation": "too little speech"},
            }
        )
    )
    assert rows["Opening in pauses"] == "0.001 face widths"
    assert rows["Frames blended of two mouths"] == "25 %"
    assert rows["Open to closed"] == "23.41×"
    assert rows["Offset"] == "\u22120.52 frames"
    assert rows["Processing"] == "24.0 frames/s"
    assert (rows["Frames"], rows["Device"]) == ("390", "cpu")
    assert rows["Mouth off its place"] == "not measured"
    assert rows["Mouth to speech correlation"] == "not measured: too little speech"


def test_gates_stand_worst_first_and_what_passed_in_the_order_of_the_table():
    def gate(name, status, value, warn, fail, waiver=""):
        return {"name": name, "status": status, "value": value, "warn": warn, "fail": fail, "waiver": waiver}

    gates = [
        gate("stretch_max", "pass", 1.0, 1.1, 1.2),
        gate("bed_residual_db", "warn", -33.9, -35.0, None),
        gate("drift_ms", "unmeasured", None, 40.0, 80.0),
        gate("lipsync_open_teeth", "fail", 1.0, 0.05, 0.25),
        gate("lipsync_blended", "warn", 0.25, 0.15, 0.4),
        gate("stretch_min", "fail", 0.8, 0.92, 0.85, "agreed"),
        gate("subtitle_cps", "fail", 21.0, 17.0, 20.0),
        gate("overlong_lines", "pass", 0, 0, None),
    ]
    assert [one["name"] for one in by_urgency(gates)] == [
        "lipsync_open_teeth",  # four times its limit
        "subtitle_cps",
        "lipsync_blended",
        "bed_residual_db",
        "stretch_min",
        "drift_ms",
        "stretch_max",
        "overlong_lines",
    ]

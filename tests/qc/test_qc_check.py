from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.gates import gate_rules
from configs.loudness import loudness_presets
from tasks.qc.evidence import Evidence, MasterTimes, Measured, Recogniser
from tasks.qc.master import master_times
from tasks.qc.qc import check
from tasks.records.errors import BadInputError
from tasks.records.made import ClientBed
from tasks.records.quality import Loudness
from tasks.records.script import Line, Script
from tasks.records.take import Placement
from tests.qc.lipsync_report import GOOD
from tests.speech_media import recording

CONTRACT = [
    *("lines", "stretch_max", "adherence", "speech_overlap", "drift_ms", "loudness", "bed_residual_db"),
    *("subtitles", "intelligibility", "lipsync", "gates"),
]

CLIENT_BED = ClientBed(
    **dict.fromkeys(("length_ms", "uncovered_ms", "offset_ms", "level_lu", "missing_ms"), 0),
    channels=2,
    title_channels=2,
    parts=4,
    found=1.0,
)


def script(language: str, text: str) -> Script:
    return Script(language=language, lines=(Line(id=1, start_ms=1000, end_ms=3000, text=text),))


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    rate = 48_000
    random = np.random.default_rng(3)
    gate = np.zeros(4 * rate)
    gate[rate : 3 * rate] = 1
    paths = []
    for name, sound in (("original", gate), ("dub", gate), ("bed", np.full(4 * rate, 0.3))):
        paths.append(tmp_path / f"{name}.wav")
        soundfile.write(paths[-1], 0.1 * sound * random.normal(size=4 * rate), rate, subtype="FLOAT")
    return Evidence(
        source=script("en", "Good morning to all of you."),
        dub=script("es", "Buenos días a todos ustedes."),
        placements=(
            Placement(line=1, start_ms=1000, end_ms=3000, slot_ms=2000, natural_ms=2000, stretch=1.0, fit="natural"),
        ),
        duration_ms=4000,
        preset=loudness_presets()["r128"],
        loudness=Loudness(integrated_lufs=-23.05, true_peak_dbtp=-3.0),
        source_speech=((1000, 3000),),
        dub_speech=((1000, 3000),),
        original_dialogue=paths[0],
        dialogue=paths[1],
        bed=paths[2],
        client_bed=CLIENT_BED,
        master=MasterTimes(0, 4000, 0, 4010),
        frame_rate=Fraction(25),
        lipsync=GOOD,
        av_offset=Measured(4.0),
        recogniser=Recogniser("echo", {1: "buenos dias a todos ustedes"}),
    )


def gates(sheet: dict) -> dict[str, dict]:
    return {gate["name"]: gate for gate in sheet["gates"]}


def test_a_good_branch_completes_and_its_sheet_is_json_with_the_contract_fields(evidence: Evidence) -> None:
    sheet = check(evidence)
    assert json.loads(json.dumps(sheet)) == sheet
    assert [name for name in CONTRACT if name not in sheet] == []
    assert sheet["state"] == "completed"
    assert set(sheet["gates"][0]) >= {"name", "value", "warn", "fail", "status", "waiver", "note"}
    unmeasured = [name for name, gate in gates(sheet).items() if gate["status"] == "unmeasured"]
    assert unmeasured == ["line_level_lu"]  # one line has no others to be compared with
    assert {gate["status"] for gate in sheet["gates"]} <= {"pass", "warn", "unmeasured"}


def test_the_same_evidence_gives_the_same_sheet(evidence: Evidence) -> None:
    assert json.dumps(check(evidence)) == json.dumps(check(evidence))


def test_without_measurements_nothing_passes_by_default(evidence: Evidence) -> None:
    bare = Evidence(source=evidence.source, dub=evidence.dub, placements=(), duration_ms=4000, preset=evidence.preset)
    sheet = check(bare)
    measured = {name for name, gate in gates(sheet).items() if gate["status"] != "unmeasured"}
    assert measured == {
        "subtitle_cps",
        "subtitle_cpl",
        "overlong_lines",
        "missing_lines",
        "extra_speech",
        "self_overlap_ms",
    }
    assert all(gate["note"] for gate in sheet["gates"] if gate["status"] == "unmeasured")


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        ({"loudness": Loudness(integrated_lufs=-22.4, true_peak_dbtp=-3)}, "loudness_lu"),
        ({"loudness": Loudness(integrated_lufs=-23, true_peak_dbtp=-0.9)}, "true_peak_dbtp"),
        ({"master": MasterTimes(0, 4000, 61, 4000)}, "audio_late_ms"),
        ({"master": MasterTimes(41, 4000, 0, 4000)}, "audio_early_ms"),
        ({"av_offset": Measured(61.0)}, "av_offset_ms"),
        ({"av_offset": Measured(-41.0)}, "av_offset_ms"),
        ({"master": MasterTimes(0, 4000, 0, 3950)}, "duration_frames"),
        ({"lipsync": {**GOOD, "offset_frames": -2.5}}, "lipsync_offset"),
        ({"lipsync": {**GOOD, "place_offset": 0.02}}, "lipsync_place"),
        ({"dub_speech": ((0, 1000), (3000, 4000))}, "speech_overlap"),
    ],
)
def test_one_fault_fails_its_own_gate_only(evidence: Evidence, change: dict, gate: str) -> None:
    sheet = check(replace(evidence, **change))
    assert [name for name, found in gates(sheet).items() if found["status"] == "fail"] == [gate]
    assert sheet["state"] == "needs_review"


def test_a_dialogue_preset_is_judged_where_the_dub_speaks(evidence: Evidence) -> None:
    netflix = replace(evidence, preset=loudness_presets()["netflix"])
    found = Loudness(integrated_lufs=-22.0, true_peak_dbtp=-6)
    sheet = check(replace(netflix, loudness=found, dialogue_lufs=-26.5))
    assert gates(sheet)["loudness_lu"]["value"] == 0.5
    assert (sheet["loudness"]["measured"], sheet["loudness"]["target"]) == ("dialogue", -27.0)
    sparse = check(replace(netflix, loudness=found, dub_speech=((0, 500),)))
    assert gates(sparse)["loudness_lu"]["value"] == 2.0
    assert (sparse["loudness"]["measured"], sparse["loudness"]["target"]) == ("programme", -24.0)


def test_missing_and_extra_lines_of_a_recording_are_named(evidence: Evidence) -> None:
    recorded = {"extra": [[3200, 3700]], "unknown": [9]}
    sheet = check(replace(evidence, placements=(), recorded=recorded))
    assert gates(sheet)["missing_lines"]["note"] == "lines 1"
    assert gates(sheet)["missing_lines"]["status"] == "fail"
    assert gates(sheet)["extra_speech"]["note"] == "at 3.2 s, recording of line 9"
    assert sheet["per_line"][0]["fit"] == "missing"


def test_a_speaker_over_himself_fails_but_two_speakers_may_overlap(evidence: Evidence) -> None:
    second = Line(id=2, start_ms=2500, end_ms=3500, text="x", speaker="S1")
    over = (*evidence.placements, evidence.placements[0].model_copy(update={"line": 2, "start_ms": 2700}))
    for speaker, status in (("S1", "fail"), ("S2", "pass")):
        lines = (*evidence.source.lines, second.model_copy(update={"speaker": speaker}))
        source = evidence.source.model_copy(update={"lines": lines})
        sheet = check(replace(evidence, source=source, placements=over))
        assert gates(sheet)["self_overlap_ms"]["status"] == status
        assert gates(sheet)["late_ms"]["status"] == "warn"


def test_a_recogniser_without_its_weights_leaves_the_figures_unmeasured(evidence: Evidence) -> None:
    sheet = check(replace(evidence, recogniser=Recogniser("whisper", None, note="not heard: turbo is not here")))
    for name in ("intelligibility", "lines_not_understood"):
        assert (gates(sheet)[name]["status"], gates(sheet)[name]["note"]) == (
            "unmeasured",
            "not heard: turbo is not here",
        )


def test_a_dub_that_says_something_else_fails_as_a_whole_and_by_its_line(evidence: Evidence) -> None:
    sheet = check(replace(evidence, recogniser=Recogniser("ears", {1: "algo muy distinto"})))
    failed = {name for name, gate in gates(sheet).items() if gate["status"] == "fail"}
    assert failed == {"intelligibility", "lines_not_understood"}
    assert gates(sheet)["lines_not_understood"]["note"] == "line 1 (100%)"
    assert sheet["per_line"][0]["heard"] == "algo muy distinto"
    assert sheet["state"] == "needs_review"


def test_two_lines_whose_sound_is_swapped_fail_even_in_a_long_title(evidence: Evidence) -> None:
    texts = [f"La frase número {number} habla de otra cosa distinta." for number in range(60)]
    texts[7], texts[31] = "Los gatos duermen tranquilos toda la tarde.", "Mañana iremos juntos a comprar pan fresco."
    lines = tuple(Line(id=n, start_ms=n * 60, end_ms=n * 60 + 50, text=text) for n, text in enumerate(texts))
    dub = Script(language="es", lines=lines)
    heard = dict(enumerate(texts))
    right = check(replace(evidence, dub=dub, recogniser=Recogniser("ears", heard)))
    swapped = check(replace(evidence, dub=dub, recogniser=Recogniser("ears", heard | {7: texts[31], 31: texts[7]})))
    assert gates(right)["lines_not_understood"] | {"note": ""} == gates(right)["lines_not_understood"]
    assert gates(right)["lines_not_understood"]["status"] == "pass"
    assert gates(swapped)["intelligibility"]["value"] < 0.08  # the whole would not tell
    assert gates(swapped)["lines_not_understood"]["status"] == "fail"
    assert swapped["intelligibility"]["not_understood"] == [7, 31]


def test_a_short_line_that_is_misheard_warns_and_says_that_it_is_short(evidence: Evidence) -> None:
    sheet = check(replace(evidence, dub=script("es", "Sí."), recogniser=Recogniser("ears", {1: "Se iba."})))
    gate = gates(sheet)["lines_not_understood"]
    assert (gate["status"], gate["note"]) == ("warn", "line 1 (short)")


def test_the_original_voice_in_the_bed_fails(evidence: Evidence) -> None:
    sheet = check(replace(evidence, bed=evidence.original_dialogue))
    assert sheet["bed_residual_db"] == pytest.approx(0, abs=0.1)
    assert gates(sheet)["bed_residual_db"]["status"] == "fail"


def test_a_clients_bed_has_gates_of_its_own(evidence: Evidence) -> None:
    client = {name for name in gates(check(evidence)) if name.startswith("bed_")}
    assert client == {name for name in gate_rules() if name.startswith("bed_")}
    separated = check(replace(evidence, client_bed=None))
    assert {name for name in gates(separated) if name.startswith("bed_")} == {"bed_residual_db"}
    assert separated["client_bed"] is None


def test_music_that_leaked_into_the_dialogue_is_no_voice_in_a_clients_bed(evidence: Evidence, tmp_path: Path) -> None:
    assert evidence.original_dialogue
    assert evidence.bed
    voice, rate = soundfile.read(evidence.original_dialogue)
    bed = 3 * soundfile.read(evidence.bed)[0]
    paths = [tmp_path / f"{name}.wav" for name in ("whole", "leaked", "loud", "voiced")]
    for path, sound in zip(paths, (voice + bed, voice + 0.3 * bed, bed, bed + 0.25 * voice), strict=True):
        soundfile.write(path, sound, rate, subtype="FLOAT")
    whole, leaked, loud, voiced = paths
    heard = replace(evidence, original_dialogue=leaked, original_sound=whole)
    by_the_dialogue_alone = check(replace(heard, bed=loud, original_sound=None))
    assert gates(by_the_dialogue_alone)["bed_residual_db"]["status"] == "fail"
    assert gates(check(replace(heard, bed=loud)))["bed_residual_db"]["status"] != "fail"
    assert gates(check(replace(heard, bed=voiced)))["bed_residual_db"]["status"] == "fail"


def test_a_weak_recogniser_warns_but_never_fails_a_dub(evidence: Evidence) -> None:
    weak = Recogniser("pocketsphinx", {1: "nada"}, advisory=True)
    sheet = check(replace(evidence, recogniser=weak))
    assert gates(sheet)["intelligibility"]["status"] == gates(sheet)["lines_not_understood"]["status"] == "warn"
    assert sheet["intelligibility"]["wer"] == 1.0
    assert "own errors" in sheet["intelligibility"]["note"]


def test_japanese_is_compared_by_characters(evidence: Evidence) -> None:
    heard = Recogniser("echo", {1: "おはようございまし"})
    sheet = check(replace(evidence, dub=script("ja", "おはようございます。"), recogniser=heard))
    assert sheet["intelligibility"]["cer"] == pytest.approx(1 / 9, abs=0.001)


def test_a_waived_failure_is_recorded_and_completes(evidence: Evidence) -> None:
    late = replace(evidence, master=MasterTimes(0, 4000, 90, 4000), waivers={"audio_late_ms": "Best Possible"})
    sheet = check(late)
    assert sheet["state"] == "completed"
    assert gates(sheet)["audio_late_ms"]["status"] == "fail"
    assert gates(sheet)["audio_late_ms"]["waiver"] == "Best Possible"


def test_an_unknown_waiver_is_refused(evidence: Evidence) -> None:
    with pytest.raises(BadInputError, match="loudnes"):
        check(replace(evidence, waivers={"loudnes": "typo"}))


def test_times_of_a_real_file() -> None:
    times = master_times(recording("open-dubbing/tests/data/englishvideo.mp4"))
    assert times is not None
    assert times.picture_ms == pytest.approx(10_000, abs=50)
    assert abs(times.audio_start_ms - times.picture_start_ms) < 50

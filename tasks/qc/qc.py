"""The quality sheet of one language branch: the content of ``qc.json``."""

from __future__ import annotations

from typing import Any

from tasks.model import Gate
from tasks.package.cues import DEFAULT_RATE
from tasks.package.subtitles import subtitle_facts
from tasks.qc import timing
from tasks.qc.evidence import Evidence, Measured
from tasks.qc.gates import check_waivers, judge, state
from tasks.qc.intelligibility import intelligibility
from tasks.qc.master import sound_offset
from tasks.qc.residual import Residual, bed_residual


def check(evidence: Evidence) -> dict[str, Any]:
    """Measure and judge a branch.

    Returns:
        JSON-ready: the figures of the output contract, ``gates`` and ``state`` (``completed`` or ``needs_review``).
        A figure that could not be measured is None; its gate is ``unmeasured`` and says why.

    Raises:
        BadInputError: a waiver names no gate or gives no reason.
    """
    check_waivers(evidence.waivers)
    rate = evidence.frame_rate or DEFAULT_RATE
    subtitles = subtitle_facts(evidence.dub, rate, evidence.duration_ms)
    understood = intelligibility(evidence.dub, evidence.dialogue, evidence.recogniser)
    residual = _residual(evidence)
    gates = (
        *_timing_gates(evidence),
        _intelligibility_gate(evidence, understood),
        *_sound_gates(evidence),
        *_master_gates(evidence),
        _residual_gate(evidence, residual),
        *_subtitle_gates(evidence, subtitles),
        _lipsync_gate(evidence),
    )
    value = {gate.name: gate.value for gate in gates}
    return {
        "state": state(gates),
        "language": evidence.dub.language,
        "lines": len(evidence.dub.lines),
        **{name: value[name] for name in ("stretch_max", "adherence", "speech_overlap", "drift_ms")},
        "loudness": _loudness(evidence),
        "bed_residual_db": value["bed_residual_db"],
        "subtitles": subtitles,
        "intelligibility": understood,
        "lipsync": dict(evidence.lipsync),
        "master": _master(evidence),
        "gates": [gate.model_dump() for gate in gates],
    }


def _gate(evidence: Evidence, name: str, measured: Measured, **limits: Any) -> Gate:
    return judge(name, measured, waiver=evidence.waivers.get(name, ""), **limits)


def _timing_gates(evidence: Evidence) -> list[Gate]:
    placements = evidence.placements
    fastest, slowest = timing.stretch_range(placements)
    overlap = timing.speech_overlap(evidence.source_speech, evidence.dub_speech, evidence.duration_ms)
    return [
        _gate(evidence, "stretch_max", fastest),
        _gate(evidence, "stretch_min", slowest),
        _gate(evidence, "overlong_lines", timing.overlong(placements)),
        _gate(evidence, "adherence", timing.adherence(placements)),
        _gate(evidence, "speech_overlap", overlap),
        _gate(evidence, "drift_ms", timing.drift(evidence.source, placements, evidence.dialogue)),
    ]


def _intelligibility_gate(evidence: Evidence, understood: dict[str, Any]) -> Gate:
    rate = understood["wer"] if "wer" in understood else understood["cer"]
    advisory = evidence.recogniser is not None and evidence.recogniser.advisory
    measured = Measured(rate, understood["note"])
    return _gate(evidence, "intelligibility", measured, fails=False if advisory else None)


def _sound_gates(evidence: Evidence) -> list[Gate]:
    preset, loudness = evidence.preset, evidence.loudness
    missing = Measured(None, "the master's loudness was not measured")
    off = Measured(round(loudness.integrated_lufs - preset.integrated_lufs, 2)) if loudness else missing
    peak = Measured(round(loudness.true_peak_dbtp, 2)) if loudness else missing
    return [
        _gate(evidence, "loudness_lu", off, warn=preset.tolerance_lu / 2, fail=preset.tolerance_lu),
        _gate(evidence, "true_peak_dbtp", peak, fail=preset.true_peak_dbtp),
    ]


def _master_gates(evidence: Evidence) -> list[Gate]:
    early, late = sound_offset(evidence.master)
    length = Measured(None, "the master was not probed, or has no picture")
    if evidence.master and evidence.frame_rate:
        longest_off = max(
            abs(ms - evidence.duration_ms) for ms in (evidence.master.picture_ms, evidence.master.audio_ms)
        )
        length = Measured(round(longest_off * float(evidence.frame_rate) / 1000, 2))
    return [
        _gate(evidence, "audio_early_ms", early),
        _gate(evidence, "audio_late_ms", late),
        _gate(evidence, "duration_frames", length),
    ]


def _residual(evidence: Evidence) -> Residual | str:
    """The residual, or why there is none."""
    if evidence.bed is None or evidence.original_dialogue is None:
        return "there is no bed or no original dialogue stem to compare"
    if not evidence.source_speech:
        return "no speech was found in the source"
    measured = bed_residual(evidence.original_dialogue, evidence.bed, evidence.source_speech)
    return measured or "too little speech in the source"


def _residual_gate(evidence: Evidence, residual: Residual | str) -> Gate:
    if isinstance(residual, str):
        return _gate(evidence, "bed_residual_db", Measured(None, residual))
    notes = (
        (residual.audible, "audible: above -50 dBFS"),
        (residual.bound, "no more than this: the limit of measurement"),
        (evidence.separated, "indicative: measured against a separated dialogue stem"),
    )
    note = "; ".join(text for holds, text in notes if holds)
    return _gate(evidence, "bed_residual_db", Measured(residual.relative_db, note), fails=residual.audible)


def _subtitle_gates(evidence: Evidence, facts: dict[str, Any]) -> list[Gate]:
    note = "no subtitles" if facts["cps_max"] is None else ""
    if facts["lines_over_cps"]:
        note = f"lines {', '.join(map(str, facts['lines_over_cps']))}"
    limit = facts["cps_limit"]
    return [
        _gate(evidence, "subtitle_cps", Measured(facts["cps_max"], note), warn=limit, fail=round(1.2 * limit, 2)),
        _gate(evidence, "subtitle_cpl", Measured(facts["cpl_max"]), fail=facts["cpl_limit"]),
    ]


def _lipsync_gate(evidence: Evidence) -> Gate:
    offset = evidence.lipsync.get("offset_frames")
    note = "" if offset is not None else "no lip-synced frames, or the engine could not measure it"
    return _gate(evidence, "lipsync_offset", Measured(None if offset is None else float(offset), note))


def _loudness(evidence: Evidence) -> dict[str, Any]:
    measured = evidence.loudness
    return {
        "integrated_lufs": measured.integrated_lufs if measured else None,
        "true_peak_dbtp": measured.true_peak_dbtp if measured else None,
        "range_lu": measured.range_lu if measured else None,
        "target": evidence.preset.integrated_lufs,
        "tolerance_lu": evidence.preset.tolerance_lu,
        "true_peak_max": evidence.preset.true_peak_dbtp,
        "preset": evidence.preset.name,
    }


def _master(evidence: Evidence) -> dict[str, Any]:
    master = evidence.master
    return {
        "source_ms": evidence.duration_ms,
        "picture_ms": master.picture_ms if master else None,
        "audio_ms": master.audio_ms if master else None,
        "offset_ms": round(master.audio_start_ms - master.picture_start_ms, 1) if master else None,
    }

"""The quality sheet of one language branch: the content of ``qc.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from configs.gates import gate_rules
from tasks.qc import timing
from tasks.qc.client_bed import bed_figures
from tasks.qc.evidence import NO_PICTURE, Evidence, Measured
from tasks.qc.gates import check_waivers, judge, judge_av_offset, state
from tasks.qc.intelligibility import intelligibility, not_understood, understandings
from tasks.qc.levels import furthest, line_levels
from tasks.qc.lipsync import lipsync_figures
from tasks.qc.master import sound_offset
from tasks.qc.watermark import watermark_facts, watermark_figures
from tasks.records.quality import Gate
from tasks.sound.residual import Residual, bed_residual, supplied_bed_residual
from tasks.sound.speech_activity import outside
from tasks.sound.target import Target, target_of
from tasks.understood.compare import Understanding
from tasks.words.cues import DEFAULT_RATE
from tasks.words.subtitles import subtitle_facts

_APART_MS = 200  # from speech: there nobody is heard


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
    subtitles = subtitle_facts(evidence.dub, rate, evidence.duration_ms, evidence.subtitles)
    judged = understandings(evidence.dub, evidence.recogniser)
    understood = intelligibility(evidence.dub, evidence.recogniser, judged)
    residual = _residual(evidence)
    levels = line_levels(evidence.source, evidence.placements, evidence.original, evidence.delivered)
    gates = (
        *_timing_gates(evidence),
        *_intelligibility_gates(evidence, understood, judged),
        *_sound_gates(evidence),
        _gate(evidence, "line_level_lu", furthest(levels, gate_rules()["line_level_lu"].warn or 0.0)),
        *_master_gates(evidence),
        _residual_gate(evidence, residual),
        *_client_bed_gates(evidence),
        *_subtitle_gates(evidence, subtitles),
        *_lipsync_gates(evidence),
        *_watermark_gates(evidence),
    )
    value = {gate.name: gate.value for gate in gates}
    return {
        "state": state(gates),
        "language": evidence.dub.language,
        "lines": len(evidence.dub.lines),
        "per_line": _per_line(evidence, levels, judged),
        **{name: value[name] for name in ("stretch_max", "adherence", "speech_overlap", "drift_ms")},
        "loudness": _loudness(evidence),
        "av_offset_ms": value["av_offset_ms"],
        "bed_residual_db": value["bed_residual_db"],
        "client_bed": evidence.client_bed.model_dump(mode="json") if evidence.client_bed else None,
        "subtitles": subtitles,
        "intelligibility": understood,
        "lipsync": dict(evidence.lipsync),
        "recorded": dict(evidence.recorded) if evidence.recorded is not None else None,
        "master": _master(evidence),
        "kept": _kept(evidence),
        "watermark": watermark_facts(evidence.marked, evidence.heard),
        "gates": [gate.model_dump() for gate in gates],
    }


def _per_line(
    evidence: Evidence, levels: Mapping[int, float], judged: Mapping[int, Understanding]
) -> list[dict[str, Any]]:
    """Each line of the script with where it was laid and what is heard; ``fit`` is ``missing`` where it was not."""
    placed = {placement.line: placement for placement in evidence.placements}
    rows = []
    for line in evidence.dub.lines:
        one = placed.get(line.id)
        row: dict[str, Any] = {"line": line.id, "speaker": line.speaker, "slot_ms": line.end_ms - line.start_ms}
        if one is None:
            rows.append({**row, "fit": "missing"})
            continue
        share = round(one.natural_ms / one.slot_ms, 3) if one.slot_ms else None
        measured = {"late_ms": one.start_ms - line.start_ms, "level_lu": levels.get(line.id)}
        row |= {"fit": one.fit, "stretch": round(one.stretch, 3), "natural_of_slot": share, **measured}
        rows.append({**row, **_heard(evidence, line.id, judged)})
    return rows


def _heard(evidence: Evidence, line: int, judged: Mapping[int, Understanding]) -> dict[str, Any]:
    """What is heard of a line; ``differs``: spans of the said and the heard text that are not the same, and how."""
    if evidence.recogniser is None or line not in judged:
        return {}
    how = judged[line]
    return {
        "heard": (evidence.recogniser.heard or {})[line],
        "error": how.error,
        "understood": how.understood,
        "differs": [[*piece.said, *piece.heard, piece.verdict] for piece in how.pieces if piece.verdict != "same"],
    }


def _kept(evidence: Evidence) -> list[dict[str, Any]]:
    """Where the original's voices stay, with what the script says of it; no text: a sound found outside speech."""
    return [
        {
            "start_ms": start,
            "end_ms": end,
            "text": " ".join(one.text for one in evidence.dub.kept if one.start_ms < end and one.end_ms > start),
        }
        for start, end in evidence.kept
    ]


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
        _gate(evidence, "missing_lines", timing.missing_lines(evidence.dub, placements)),
        _gate(evidence, "extra_speech", _extra_speech(evidence)),
        _gate(evidence, "self_overlap_ms", timing.self_overlap(evidence.source, placements)),
        _gate(evidence, "late_ms", timing.latest(evidence.source, placements)),
        _gate(evidence, "adherence", timing.adherence(placements)),
        _gate(evidence, "speech_overlap", overlap),
        _gate(evidence, "drift_ms", timing.drift(evidence.source, placements, evidence.dialogue)),
    ]


def _extra_speech(evidence: Evidence) -> Measured:
    if evidence.recorded is None:
        return Measured(0.0)
    spans, unknown = evidence.recorded.get("extra", ()), evidence.recorded.get("unknown", ())
    said = [f"at {start / 1000:.1f} s" for start, _ in spans] + [f"recording of line {number}" for number in unknown]
    return Measured(float(len(said)), ", ".join(said))


def _intelligibility_gates(
    evidence: Evidence, understood: dict[str, Any], judged: Mapping[int, Understanding]
) -> list[Gate]:
    """The dub as a whole, and its lines: one in whose place something else is said fails, however long the title."""
    rate = understood["wer"] if "wer" in understood else understood["cer"]
    advisory = evidence.recogniser is not None and evidence.recogniser.advisory
    lines = not_understood(evidence.dub, evidence.recogniser, judged)
    other = any(one.other for one in judged.values()) and not advisory
    return [
        _gate(evidence, "intelligibility", Measured(rate, understood["note"]), fails=False if advisory else None),
        _gate(evidence, "lines_not_understood", lines, fails=other),
    ]


def _sound_gates(evidence: Evidence) -> list[Gate]:
    loudness = evidence.loudness
    aim = _aim(evidence)
    missing = Measured(None, "the master's loudness was not measured")
    level = _level(evidence)
    note = "" if aim.speech is None else "of the time with speech, without a gate (ITU-R BS.1770-1)"
    off = Measured(round(level - aim.lufs, 2), note) if level is not None else missing
    peak = Measured(round(loudness.true_peak_dbtp, 2)) if loudness else missing
    return [
        _gate(evidence, "loudness_lu", off, warn=aim.tolerance_lu / 2, fail=aim.tolerance_lu),
        _gate(evidence, "true_peak_dbtp", peak, fail=aim.true_peak_dbtp),
    ]


def _aim(evidence: Evidence) -> Target:
    """What the master is judged by: with too little speech, a dialogue preset falls back to the programme."""
    return target_of(evidence.preset, evidence.dub_speech, evidence.duration_ms)


def _level(evidence: Evidence) -> float | None:
    if evidence.loudness is None:
        return None
    return evidence.loudness.integrated_lufs if _aim(evidence).speech is None else evidence.dialogue_lufs


def _master_gates(evidence: Evidence) -> list[Gate]:
    early, late = sound_offset(evidence.master, evidence.picture_start_ms)
    length = Measured(None, "the master was not probed")
    if evidence.master:
        ends, rate = [evidence.master.audio_ms], evidence.frame_rate or DEFAULT_RATE
        if evidence.master.picture_ms is not None:
            ends.append(evidence.picture_start_ms + evidence.master.picture_ms)
        longest_off = max(abs(ms - evidence.duration_ms) for ms in ends)
        alone = "" if evidence.frame_rate else f"of the sound, in frames of {1000 / float(rate):.0f} ms: no picture"
        length = Measured(round(longest_off * float(rate) / 1000, 2), alone)
    return [
        _gate(evidence, "audio_early_ms", early),
        _gate(evidence, "audio_late_ms", late),
        _av_offset_gate(evidence),
        _gate(evidence, "duration_frames", length),
    ]


def _av_offset_gate(evidence: Evidence) -> Gate:
    measured = evidence.av_offset or Measured(None, "not measured")
    return judge_av_offset(measured, evidence.waivers.get("av_offset_ms", ""))


def _residual(evidence: Evidence) -> Residual | str:
    """The residual, or why there is none."""
    if evidence.bed is None or evidence.original_dialogue is None:
        return "there is no bed or no original dialogue stem to compare"
    if not evidence.source_speech:
        return "no speech was found in the source"
    measured = bed_residual(evidence.original_dialogue, evidence.bed, evidence.source_speech)
    return _of_both(evidence, measured) or "too little speech in the source"


def _of_both(evidence: Evidence, measured: Residual | None) -> Residual | None:
    """Of a client's bed the lower of two: music that leaked into the separated dialogue is no voice in the bed."""
    if evidence.client_bed is None or evidence.original_sound is None or evidence.bed is None:
        return measured
    speech = evidence.source_speech or ()
    pauses = outside(speech, 0, evidence.duration_ms, _APART_MS)
    other = supplied_bed_residual(evidence.original_sound, evidence.bed, speech, pauses)
    return min((one for one in (measured, other) if one), key=lambda one: one.relative_db, default=None)


def _residual_gate(evidence: Evidence, residual: Residual | str) -> Gate:
    if isinstance(residual, str):
        return _gate(evidence, "bed_residual_db", Measured(None, residual))
    notes = (
        (residual.audible, "audible: above -50 dBFS"),
        (residual.bound, "no more than this: the limit of measurement"),
        (evidence.client_bed is not None, "in the client's bed, against the separated dialogue and the title's sound"),
        (evidence.client_bed is None, "indicative: measured against a separated dialogue stem"),
    )
    note = "; ".join(text for holds, text in notes if holds)
    return _gate(evidence, "bed_residual_db", Measured(residual.relative_db, note), fails=residual.audible)


def _client_bed_gates(evidence: Evidence) -> list[Gate]:
    """None where the bed was separated from the title's sound: it cannot be another's."""
    if evidence.client_bed is None:
        return []
    return [_gate(evidence, name, figure) for name, figure in bed_figures(evidence.client_bed).items()]


def _subtitle_gates(evidence: Evidence, facts: dict[str, Any]) -> list[Gate]:
    note = "no subtitles" if facts["cps_max"] is None else ""
    if facts["lines_over_cps"]:
        note = f"lines {', '.join(map(str, facts['lines_over_cps']))}"
    limit = facts["cps_limit"]
    return [
        _gate(evidence, "subtitle_cps", Measured(facts["cps_max"], note), warn=limit, fail=round(1.2 * limit, 2)),
        _gate(evidence, "subtitle_cpl", Measured(facts["cpl_max"]), fail=facts["cpl_limit"]),
    ]


def _lipsync_gates(evidence: Evidence) -> list[Gate]:
    """When, how far and where the mouth moves, as the engine saw it in the finished picture."""
    figures = lipsync_figures(evidence.lipsync)
    if evidence.frame_rate is None:
        figures = dict.fromkeys(figures, NO_PICTURE)
    return [_gate(evidence, name, figure) for name, figure in figures.items()]


def _watermark_gates(evidence: Evidence) -> list[Gate]:
    """None where no line was marked."""
    figures = watermark_figures(evidence.marked, evidence.heard)
    return [_gate(evidence, name, figure) for name, figure in figures.items()]


def _loudness(evidence: Evidence) -> dict[str, Any]:
    measured = evidence.loudness
    return {
        "integrated_lufs": measured.integrated_lufs if measured else None,
        "true_peak_dbtp": measured.true_peak_dbtp if measured else None,
        "range_lu": measured.range_lu if measured else None,
        "dialogue_lufs": round(evidence.dialogue_lufs, 2) if evidence.dialogue_lufs is not None else None,
        "measured": "programme" if _aim(evidence).speech is None else "dialogue",
        "target": _aim(evidence).lufs,
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
        "offset_ms": None
        if master is None or master.picture_start_ms is None
        else round(master.audio_start_ms - master.picture_start_ms, 1),
    }

"""Timing of the dub against the source: stretch, adherence, overlap, drift."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from tasks.qc.evidence import Measured, Spans
from tasks.records.natural_speed import NATURAL_SPEED
from tasks.records.script import Script
from tasks.records.take import Placement
from tasks.words.speakable import speaks

_ONSET_BELOW_PEAK_DB = 30.0
_FRAME_MS = 5


def stretch_range(placements: Sequence[Placement]) -> tuple[Measured, Measured]:
    """Largest and smallest stretch factor (two decimals; above 1 is faster)."""
    if not placements:
        nothing = Measured(None, "no line was laid")
        return nothing, nothing
    factors = [placement.stretch for placement in placements]
    return Measured(round(max(factors), 2)), Measured(round(min(factors), 2))


def adherence(placements: Sequence[Placement]) -> Measured:
    """Share of lines that fit their slot at natural speed."""
    slots = [placement for placement in placements if placement.slot_ms > 0]
    if not slots:
        return Measured(None, "no line was laid")
    low, high = NATURAL_SPEED
    return Measured(round(sum(low <= p.natural_ms / p.slot_ms <= high for p in slots) / len(slots), 3))


def overlong(placements: Sequence[Placement]) -> Measured:
    """Number of lines that run into the next one."""
    lines = [placement.line for placement in placements if placement.fit == "overlong"]
    return Measured(float(len(lines)), f"lines {', '.join(map(str, lines))}" if lines else "")


def missing_lines(dub: Script, placements: Sequence[Placement]) -> Measured:
    """Number of lines of the script that are not spoken."""
    placed = {placement.line for placement in placements}
    lines = [line.id for line in dub.lines if speaks(line.text) and line.id not in placed]
    return Measured(float(len(lines)), f"lines {', '.join(map(str, lines))}" if lines else "")


def self_overlap(source: Script, placements: Sequence[Placement]) -> Measured:
    """The longest time that two lines of one speaker sound together, in milliseconds."""
    speakers = {line.id: line.speaker for line in source.lines}
    worst, where = 0, ""
    ends: dict[str, Placement] = {}
    for one in sorted(placements, key=lambda placement: placement.start_ms):
        speaker = speakers.get(one.line, "")
        before = ends.get(speaker)
        if before is not None and before.end_ms - one.start_ms > worst:
            worst, where = before.end_ms - one.start_ms, f"lines {before.line} and {one.line}"
        if before is None or one.end_ms > before.end_ms:
            ends[speaker] = one
    return Measured(float(worst), where)


def latest(source: Script, placements: Sequence[Placement]) -> Measured:
    """By how much the line that is latest starts after its source, in milliseconds; 0 where none is late."""
    starts = {line.id: line.start_ms for line in source.lines}
    late = [(one.start_ms - starts[one.line], one.line) for one in placements if one.line in starts]
    if not late:
        return Measured(None, "no line was laid")
    most, line = max(late)
    return Measured(float(max(0, most)), f"line {line}" if most > 0 else "")


def speech_overlap(source: Spans | None, dub: Spans | None, duration_ms: int) -> Measured:
    """Share of the title's time where source and dub agree: both speak, or both are silent (IWSLT dubbing track).

    Professional human dubs reach about 0.7 (Brannon et al., TACL 2023).

    Args:
        source: spans of speech of the source in milliseconds; None where unknown.
        dub: those of the dub.
        duration_ms: length of the title.
    """
    if source is None or dub is None:
        return Measured(None, "speech activity was not measured")
    if duration_ms <= 0:
        return Measured(None, "the title has no length")
    edges = sorted({0, duration_ms, *(min(e, duration_ms) for span in (*source, *dub) for e in span)})
    agreed = 0
    for start, end in pairwise(edges):
        agreed += (end - start) * (_speaks(source, start) == _speaks(dub, start))
    return Measured(round(agreed / duration_ms, 3))


def _speaks(spans: Spans, time_ms: int) -> bool:
    return any(start <= time_ms < end for start, end in spans)


def drift(source: Script, placements: Sequence[Placement], dialogue: Path | None) -> Measured:
    """Start of the last line in the dub less its start in the source, in milliseconds; positive is late.

    The start is the speech onset heard in the dialogue stem where there is one, otherwise where the take was laid.

    Args:
        source: the source script.
        placements: of the dub's lines.
        dialogue: WAV of the dub; None where there is none.
    """
    starts = {line.id: line.start_ms for line in source.lines}
    laid = [placement for placement in placements if placement.line in starts]
    if not laid:
        return Measured(None, "no line was laid")
    last = max(laid, key=lambda placement: starts[placement.line])
    before = max((p.end_ms for p in laid if p is not last and p.start_ms <= last.start_ms), default=0)
    onset = speech_onset(dialogue, max(before, last.start_ms - 300), last.end_ms) if dialogue else None
    if onset is None:
        return Measured(float(last.start_ms - starts[last.line]), "from the placement, no onset was heard in the stem")
    return Measured(float(onset - starts[last.line]))


def speech_onset(audio: Path, start_ms: int, end_ms: int) -> int | None:
    """When sound begins between two times of a WAV: first 5 ms within 30 dB of the loudest there; None in silence.

    Args:
        audio: WAV.
        start_ms: where to begin.
        end_ms: where to stop.
    """
    with soundfile.SoundFile(audio) as file:
        rate = file.samplerate
        first = min(start_ms * rate // 1000, file.frames)
        file.seek(first)
        # one line of speech: seconds, so it is read whole
        samples = file.read(max(0, (end_ms - start_ms) * rate // 1000), dtype="float32", always_2d=True).mean(axis=1)
    hop = rate * _FRAME_MS // 1000
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop)
    if not len(frames):
        return None
    level = np.sqrt((frames**2).mean(axis=1))
    if level.max() < 1e-4:  # -80 dBFS
        return None
    above = np.flatnonzero(level > level.max() * 10 ** (-_ONSET_BELOW_PEAK_DB / 20))
    return start_ms + int(above[0]) * _FRAME_MS

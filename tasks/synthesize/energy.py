"""The energy of each source line, by its loudness relative to its speaker's other lines."""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import soundfile

from tasks.records.script import Script

#: Decibels above or below the speaker's median that count as fully lively or subdued.
_FULL_DB = 8.0
_STEP = 0.5  # of energy, so that small differences between two cuts of a title have no effect
_FEWEST = 3  # lines of a speaker needed for a median


def energies(dialogue: Path, script: Script) -> dict[int, float]:
    """The energy of every line by id: -1, -0.5, 0, 0.5 or 1; 0 for speakers of fewer than three lines.

    Args:
        dialogue: the separated dialogue of the source.
        script: the source script with speakers.
    """
    levels = _levels(dialogue, script)
    found = dict.fromkeys((line.id for line in script.lines), 0.0)
    for speaker in {line.speaker for line in script.lines}:
        own = [line.id for line in script.lines if line.speaker == speaker and line.id in levels]
        if len(own) < _FEWEST:
            continue
        median = statistics.median(levels[line] for line in own)
        found |= {line: _coarse((levels[line] - median) / _FULL_DB) for line in own}
    return found


def _levels(dialogue: Path, script: Script) -> dict[int, float]:
    """Level in dB of every audible line: the mean of the louder half of its 20 ms windows."""
    levels: dict[int, float] = {}
    with soundfile.SoundFile(str(dialogue)) as source:
        window = max(1, source.samplerate // 50)
        for line in script.lines:
            source.seek(min(line.start_ms * source.samplerate // 1000, source.frames))
            samples = source.read((line.end_ms - line.start_ms) * source.samplerate // 1000, always_2d=True).mean(
                axis=1
            )
            power = (samples[: len(samples) // window * window].reshape(-1, window) ** 2).mean(axis=1)
            if len(power) and power.max() > 1e-10:
                levels[line.id] = 10 * float(np.log10(np.sort(power)[len(power) // 2 :].mean()))
    return levels


def _coarse(energy: float) -> float:
    return min(max(round(energy / _STEP) * _STEP, -1.0), 1.0) + 0.0  # no -0.0, which would be another key

"""Reference clips of each speaker for voice cloning: the speaker's cleanest lines, 6 to 12 seconds.

Cleanness is measured line by line: the level of the speech above the noise between its words and above the separated
music and effects, and whether others speak right next to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks.records.script import Line, Script

_ENOUGH_MS, _MOST_MS = 6_000, 12_000
_SHORTEST_MS = 1_000
_WINDOW_MS = 20
_CLEAN_DB = 15.0  # lines below this are used only if there are not six cleaner seconds
_BESIDE_MS, _BESIDE_DB = 200, 6.0  # penalty for another speaker this close, because cuts are never exact
_BEST_DB = 60.0


@dataclass(frozen=True)
class Cleanness:
    """How clean a line is, in decibels.

    Attributes:
        noise_db: level of speech above the noise floor within the line.
        bed_db: level of speech above the bed; 60 if there is no bed or it is silent.
        beside: whether another speaker starts or ends within 200 ms of it.
    """

    noise_db: float
    bed_db: float
    beside: bool

    @property
    def score(self) -> float:
        """The lower of both levels, minus 6 dB next to another speaker."""
        return min(self.noise_db, self.bed_db) - (_BESIDE_DB if self.beside else 0.0)


@dataclass(frozen=True)
class Clips:
    """The clips by speaker, and notes with their measurements."""

    paths: Mapping[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def reference_clips(dialogue: Path, script: Script, folder: Path, bed: Path | None = None) -> Clips:
    """Write one WAV per speaker: the cleanest lines in order of time, 6 to 12 s if available.

    Args:
        dialogue: the separated dialogue of the source.
        script: the source script with speakers.
        folder: where the clips are written.
        bed: the separated bed, on the same clock; without it music is not measured.

    Returns:
        The clips; speakers without a line of at least one second are omitted, with a note.
    """
    paths: dict[str, Path] = {}
    notes: list[str] = []
    with soundfile.SoundFile(str(dialogue)) as source:
        for speaker in dict.fromkeys(line.speaker for line in script.lines):
            lines = [line for line in script.lines if line.speaker == speaker and _length(line) >= _SHORTEST_MS]
            measured = {line.id: cleanness(line, script.lines, dialogue, bed) for line in lines}
            chosen = choose(lines, {line: clean.score for line, clean in measured.items()})
            if not chosen:
                notes.append(f"{speaker} has no second of clean speech: there is no sample of this voice.")
                continue
            path = folder / f"reference-{len(paths) + 1}.wav"
            seconds = _write(source, chosen, path)
            worst = min((measured[line.id] for line in chosen), key=lambda clean: clean.score)
            over_bed = f", {worst.bed_db:.0f} dB over music" if bed is not None else ""
            notes.append(f"Voice sample of {speaker}: {seconds:.1f} s, {worst.noise_db:.0f} dB over noise{over_bed}.")
            paths[speaker] = path
    return Clips(paths, tuple(notes))


def choose(lines: Sequence[Line], scores: Mapping[int, float]) -> list[Line]:
    """The cleanest lines up to six seconds, at most twelve; unclean ones only if there are less than six.

    Args:
        lines: of one speaker, each at least a second.
        scores: cleanness in dB by line id.

    Returns:
        Lines in order of time; among equally clean lines (within 3 dB) longer ones are preferred.
    """
    chosen: list[Line] = []
    total = 0
    for line in sorted(lines, key=lambda line: (-(scores[line.id] // 3), -_length(line), line.start_ms)):
        if total >= _ENOUGH_MS and (scores[line.id] < _CLEAN_DB or total + _length(line) > _MOST_MS):
            continue
        chosen.append(line)
        total += _length(line)
        if total >= _MOST_MS:
            break
    return sorted(chosen, key=lambda line: line.start_ms)


def cleanness(line: Line, lines: Sequence[Line], dialogue: Path, bed: Path | None) -> Cleanness:
    """Measure a line; see `Cleanness`.

    Args:
        line: the line.
        lines: all lines of the title.
        dialogue: the separated dialogue, WAV.
        bed: the separated bed on the same clock; None if there is none.
    """
    speech = _powers(dialogue, line)
    voiced = float(np.percentile(speech, 80)) if len(speech) else 0.0
    floor = float(np.percentile(speech, 5)) if len(speech) else 0.0
    under = _powers(bed, line) if bed is not None else np.zeros(1)
    beside = any(
        other.speaker != line.speaker
        and other.start_ms < line.end_ms + _BESIDE_MS
        and other.end_ms > line.start_ms - _BESIDE_MS
        for other in lines
    )
    return Cleanness(_over(voiced, floor), _over(voiced, float(under.mean()) if len(under) else 0.0), beside)


def _over(signal: float, noise: float) -> float:
    if signal <= 1e-12:
        return 0.0
    return min(_BEST_DB, 10 * float(np.log10(signal / max(noise, 1e-12))))


def _powers(path: Path, line: Line) -> NDArray[np.float64]:
    """Mean square of each 20 ms window of a line."""
    with soundfile.SoundFile(str(path)) as source:
        source.seek(min(line.start_ms * source.samplerate // 1000, source.frames))
        samples = source.read(_length(line) * source.samplerate // 1000, always_2d=True).mean(axis=1)
        window = max(1, source.samplerate * _WINDOW_MS // 1000)
    powers: NDArray[np.float64] = (samples[: len(samples) // window * window].reshape(-1, window) ** 2).mean(axis=1)
    return powers


def _write(source: soundfile.SoundFile, lines: Sequence[Line], path: Path) -> float:
    """Write the lines one after the other, cut at twelve seconds; returns the seconds written."""
    left = _MOST_MS * source.samplerate // 1000
    with soundfile.SoundFile(str(path), "w", source.samplerate, 1, "PCM_24") as clip:
        for line in lines:
            source.seek(min(line.start_ms * source.samplerate // 1000, source.frames))
            samples = source.read(min(left, _length(line) * source.samplerate // 1000), always_2d=True)
            clip.write(samples.mean(axis=1))
            left -= len(samples)
        return float(clip.frames / source.samplerate)


def _length(line: Line) -> int:
    return line.end_ms - line.start_ms

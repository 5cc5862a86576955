"""Each line of the dub as loud as the actor was in that line: gains from measured levels, laid over the stem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks import media
from tasks.keep.staging import staged
from tasks.sound.loudness import Curve

_BLOCK = 1 << 17
#: Blocks this far below the loudest of a line are its pauses.
_PAUSE_DB = 12.0
#: An original line quieter than this was not heard: it says nothing about level.
_UNHEARD_LUFS = -50.0
#: How much a speaker's line before and after counts against the line itself.
_NEIGHBOUR = 0.5
_RAMP_MS = 30


@dataclass(frozen=True)
class SpokenLine:
    """One line, where the original speaks it and where the dub does; milliseconds."""

    id: int
    speaker: str
    source: tuple[int, int]
    dub: tuple[int, int]


@dataclass(frozen=True)
class LineGain:
    """By how much a line is turned up or down against the rest of the dub, in dB."""

    line: int
    span: tuple[int, int]
    gain_db: float


def line_gains(
    lines: Sequence[SpokenLine], original: Curve, dub: Curve, overall_db: float, most_db: float
) -> tuple[LineGain, ...]:
    """Gains that make lines as loud as they were, relative to the dub's overall gain.

    A line's gain is its own difference and, half as much, those of the same speaker's lines before and after: what one
    line measures is partly chance, and a voice must not jump.

    Args:
        lines: in order of time.
        original: loudness of the original dialogue.
        dub: loudness of the dub.
        overall_db: gain of the whole dub.
        most_db: bound of a line's gain, up and down.
    """
    wanted: dict[str, list[tuple[SpokenLine, float]]] = {}
    for line in lines:
        there, here = original.during([line.source], _PAUSE_DB), dub.during([line.dub], _PAUSE_DB)
        heard = there > _UNHEARD_LUFS and here > _UNHEARD_LUFS
        difference = max(-2 * most_db, min(2 * most_db, there - here - overall_db)) if heard else 0.0
        wanted.setdefault(line.speaker, []).append((line, difference))
    gains = []
    for spoken in wanted.values():
        differences = np.array([difference for _, difference in spoken])
        padded = np.pad(differences, 1)
        weights = np.pad(np.ones(len(differences)), 1)
        smooth = padded[1:-1] + _NEIGHBOUR * (padded[:-2] + padded[2:])
        smooth /= 1 + _NEIGHBOUR * (weights[:-2] + weights[2:])
        for (line, _), gain in zip(spoken, smooth, strict=True):
            gains.append(LineGain(line.id, line.dub, round(float(np.clip(gain, -most_db, most_db)), 2)))
    return tuple(sorted(gains, key=lambda one: one.span))


def directed(
    gains: Sequence[LineGain], lines: Sequence[SpokenLine], levels: Mapping[int, float]
) -> tuple[LineGain, ...]:
    """The gains with what a person wants of single lines on top.

    Args:
        gains: as measured; a line without one has none.
        lines: in order of time.
        levels: by line id, in dB.
    """
    measured = {one.line: one for one in gains}
    wanted = (measured.get(line.id) or LineGain(line.id, line.dub, 0.0) for line in lines if line.id in levels)
    louder = {one.line: replace(one, gain_db=round(one.gain_db + levels[one.line], 2)) for one in wanted}
    return tuple(sorted({**measured, **louder}.values(), key=lambda one: one.span))


def levelled(dialogue: Path, gains: Sequence[LineGain], out: Path) -> None:
    """Write the dialogue with its lines' gains, as float WAV of the same length and channels.

    Args:
        dialogue: WAV at 48 kHz.
        gains: by line; where lines overlap, the later one's gain takes over.
        out: written whole or not at all.
    """
    times, factors = _corners(gains)
    with (
        staged(out) as part,
        soundfile.SoundFile(dialogue) as source,
        soundfile.SoundFile(part, "w", source.samplerate, source.channels, subtype="FLOAT", format="RF64") as target,
    ):
        at = 0
        while len(block := source.read(_BLOCK, dtype="float32", always_2d=True)):
            gain = np.interp(np.arange(at, at + len(block)), times, factors).astype(np.float32)
            target.write(block * gain[:, None])
            at += len(block)


def _corners(gains: Sequence[LineGain]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners of the gain over time, in samples and as factors: each line's gain, with ramps between lines."""
    times, values = [0.0], [1.0]
    for one in gains:
        start, end = (edge * media.PER_MS for edge in one.span)
        ramp = _RAMP_MS * media.PER_MS
        begin = max(start - ramp, times[-1])
        for time, value in ((begin, values[-1]), (max(start, begin), 0.0), (max(end, start, begin), 0.0)):
            times.append(float(time))
            values.append(value if value else 10 ** (one.gain_db / 20))
    return np.array(times), np.array(values)

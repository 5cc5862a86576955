"""Geometry of the time strips: waveforms of source and dub over the lines' slots and placements, as SVG numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from tasks.records.script import Script
from tasks.records.take import Placement

WIDTH = 1200
LANE = 44  # half height of one waveform
_BINS = 600
_BLOCK_S = 10
_SHORT_STRIP_MS, _LONG_STRIP_MS = 30_000, 60_000
_SHORT_TITLE_MS = 300_000


@dataclass(frozen=True)
class Bar:
    """A line in a strip: position in SVG units, its id and fit (source bars have none)."""

    x: float
    width: float
    line: int
    fit: str = ""


@dataclass(frozen=True)
class Strip:
    """A stretch of the title.

    Attributes:
        start_ms: where it starts.
        end_ms: where it ends.
        source_wave: SVG path of the source dialogue, empty where there is none; centred on 0, height 2 `LANE`.
        dub_wave: likewise of the dub.
        slots: source lines.
        placed: dubbed lines.
        ticks: (x, label) of the time axis.
    """

    start_ms: int
    end_ms: int
    source_wave: str
    dub_wave: str
    slots: tuple[Bar, ...]
    placed: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]


def strips(
    source: Script,
    placements: Sequence[Placement],
    duration_ms: int,
    original_dialogue: Path | None,
    dialogue: Path | None,
) -> tuple[Strip, ...]:
    """Cut the title into strips of 30 s (60 s beyond five minutes) and lay everything out.

    Args:
        source: the source script.
        placements: of the dub's lines.
        duration_ms: length of the title.
        original_dialogue: WAV; None where there is none.
        dialogue: WAV of the dub; None where there is none.
    """
    long_title = duration_ms > _SHORT_TITLE_MS
    length_ms = min(max(1000, duration_ms), _LONG_STRIP_MS if long_title else _SHORT_STRIP_MS)
    heard = [peaks(path, length_ms / _BINS) if path else None for path in (original_dialogue, dialogue)]
    fits = {placement.line: placement.fit for placement in placements}
    slots = [(line.start_ms, line.end_ms, line.id) for line in source.lines]
    placed = [(placement.start_ms, placement.end_ms, placement.line) for placement in placements]
    result = []
    for index in range(max(1, -(-duration_ms // length_ms))):
        start = index * length_ms
        result.append(
            Strip(
                start,
                start + length_ms,
                _wave(heard[0], index),
                _wave(heard[1], index),
                _bars(slots, start, length_ms, {}),
                _bars(placed, start, length_ms, fits),
                _ticks(start, length_ms),
            )
        )
    return tuple(result)


def peaks(audio: Path, bin_ms: float) -> npt.NDArray[np.float32]:
    """Loudest absolute sample of each bin, scaled to the file's loudest; streams the file.

    Returns:
        float32 [bins], 0 to 1; all zero for silence.
    """
    found: list[float] = []
    with soundfile.SoundFile(audio) as file:
        per_bin = file.samplerate * bin_ms / 1000
        per_block = max(1, round(_BLOCK_S * file.samplerate / per_bin))
        while file.tell() < file.frames:
            edges = np.round((len(found) + np.arange(per_block + 1)) * per_bin).astype(int) - file.tell()
            block = np.abs(file.read(int(edges[-1]), dtype="float32", always_2d=True)).max(axis=1, initial=0.0)
            starts = edges[:-1][edges[:-1] < len(block)]
            found.extend(np.maximum.reduceat(block, starts).tolist())
    levels = np.asarray(found, np.float32)
    loudest = float(levels.max(initial=0.0))
    return levels / loudest if loudest > 1e-4 else np.zeros_like(levels)


def _wave(levels: npt.NDArray[np.float32] | None, strip: int) -> str:
    if levels is None:
        return ""
    part = levels[strip * _BINS : (strip + 1) * _BINS]
    if not len(part):
        return ""
    step = WIDTH / _BINS
    heights = [max(0.5, float(level) * LANE) for level in part]
    upper = [f"{i * step:g},{-h:.1f}" for i, h in enumerate(heights)]
    lower = [f"{i * step:g},{h:.1f}" for i, h in enumerate(heights)]
    return f"M{' L'.join(upper + lower[::-1])}Z"


def _bars(
    spans: Sequence[tuple[int, int, int]], start_ms: int, length_ms: int, fits: Mapping[int, str]
) -> tuple[Bar, ...]:
    scale = WIDTH / length_ms
    bars = []
    for begin, end, line in spans:
        left, right = max(begin, start_ms), min(end, start_ms + length_ms)
        if right > left:
            x, width = round((left - start_ms) * scale, 1), round((right - left) * scale, 1)
            bars.append(Bar(x, max(1.0, width), line, fits.get(line, "")))
    return tuple(bars)


def _ticks(start_ms: int, length_ms: int) -> tuple[tuple[float, str], ...]:
    step = next(s for s in (1000, 2000, 5000, 10_000) if length_ms / s <= 15 or s == 10_000)
    first = -(-start_ms // step) * step
    return tuple(
        (round((time - start_ms) * WIDTH / length_ms, 1), clock(time, tenths=False))
        for time in range(first, start_ms + length_ms, step)
    )


def clock(time_ms: int, *, tenths: bool = True) -> str:
    """``1:02.5``, or ``1:02``."""
    total = round(time_ms / 100)
    minutes, rest = divmod(total, 600)
    hours, minutes = divmod(minutes, 60)
    lead = f"{hours}:{minutes:02d}" if hours else str(minutes)
    return f"{lead}:{rest // 10:02d}" + (f".{rest % 10}" if tenths else "")

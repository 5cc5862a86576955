"""Kept parts of the original voice: breaths, laughs and sighs outside speech, and passages that are not dubbed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks import media
from tasks.keep.staging import staged

_FRAME = 10 * media.PER_MS  # 10 ms
#: A sound is an event from this level on, and this far below the dialogue's average at most.
_FLOOR_DBFS = -60.0
_BELOW_SPEECH_DB = 30.0
_SHORTEST_MS = 100
_JOIN_MS = 200
#: Kept around an event, so that its onset and its decay are whole.
_AROUND_MS = 60
_FADE_MS = 20
#: Kept clear of speech on both sides.
_CLEAR_MS = 120

Span = tuple[int, int]


def nonverbal_spans(dialogue: Path, speech: Sequence[Span], taken: Sequence[Span]) -> tuple[Span, ...]:
    """Where the original dialogue makes sounds that are no speech.

    Args:
        dialogue: the original dialogue stem, WAV at 48 kHz.
        speech: where it speaks.
        taken: where lines of the script are, or where the dub speaks.

    Returns:
        ``(start_ms, end_ms)``, in order, apart, clear of speech and lines.
    """
    level = levels_dbfs(dialogue)
    if not len(level):
        return ()
    free = np.ones(len(level), bool)
    for start, end in (*speech, *taken):
        free[max(0, (start - _CLEAR_MS) // 10) : -(-(end + _CLEAR_MS) // 10)] = False
    spoken = np.zeros(len(level), bool)
    for start, end in speech:
        spoken[start // 10 : end // 10] = True
    loud = 10 * np.log10(np.mean(10 ** (level[spoken] / 10))) if spoken.any() else 0.0
    events = _runs(free & (level > max(_FLOOR_DBFS, loud - _BELOW_SPEECH_DB)), _JOIN_MS // 10)
    kept = [(start, end) for start, end in events if end - start >= _SHORTEST_MS // 10]
    around = _AROUND_MS // 10
    wider = ((max(0, start - around) * 10, min(len(level), end + around) * 10) for start, end in kept)
    return tuple(merged(wider))


def without(spans: Iterable[Span], taken: Sequence[Span]) -> tuple[Span, ...]:
    """What is left of spans where others, with what is kept clear around them, are taken out; too short rests are not.

    Args:
        spans: ``(start_ms, end_ms)``.
        taken: where nothing may stay.
    """
    rest = merged(spans)
    for start, end in merged((max(0, start - _CLEAR_MS), end + _CLEAR_MS) for start, end in taken):
        rest = [part for one in rest for part in ((one[0], min(one[1], start)), (max(one[0], end), one[1]))]
        rest = [part for part in rest if part[1] - part[0] >= _SHORTEST_MS]
    return tuple(rest)


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch made one."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        elif end > start:
            out.append((start, end))
    return out


def write_kept(dialogue: Path, spans: Sequence[Span], out: Path) -> None:
    """Write the original dialogue where it is kept and silence elsewhere, at its own level, edges faded.

    Args:
        dialogue: the original dialogue stem, WAV at 48 kHz.
        spans: what is kept, in order, apart.
        out: float WAV of the same length and channels, written whole or not at all.
    """
    fade = _FADE_MS * media.PER_MS
    corners = [(float(edge), level) for start, end in spans for edge, level in _trapeze(start, end, fade)]
    times, gains = np.array([(0.0, 0.0), *corners]).T if corners else (np.zeros(1), np.zeros(1))
    with (
        staged(out) as part,
        soundfile.SoundFile(dialogue) as source,
        soundfile.SoundFile(part, "w", source.samplerate, source.channels, subtype="FLOAT", format="RF64") as target,
    ):
        at = 0
        while len(block := source.read(1 << 17, dtype="float32", always_2d=True)):
            gain = np.interp(np.arange(at, at + len(block)), times, gains).astype(np.float32)
            target.write(block * gain[:, None])
            at += len(block)


def _trapeze(start_ms: int, end_ms: int, fade: int) -> list[tuple[int, float]]:
    start, end = start_ms * media.PER_MS, end_ms * media.PER_MS
    fade = min(fade, (end - start) // 2)
    return [(start, 0.0), (start + fade, 1.0), (end - fade, 1.0), (end, 0.0)]


def levels_dbfs(dialogue: Path) -> NDArray[np.float64]:
    """Level in dBFS of each 10 ms of a 48 kHz WAV, over all channels."""
    levels: list[NDArray[np.float64]] = []
    with soundfile.SoundFile(dialogue) as source:
        while len(block := source.read(_FRAME * 1000, dtype="float32", always_2d=True)):
            whole = len(block) // _FRAME * _FRAME
            power = (block[:whole].astype(np.float64) ** 2).mean(axis=1).reshape(-1, _FRAME).mean(axis=1)
            levels.append(10 * np.log10(np.maximum(power, 1e-12)))
    return np.concatenate(levels) if levels else np.zeros(0)


def _runs(active: NDArray[np.bool_], join: int) -> list[Span]:
    """Runs of True as ``(first, end)``, those with at most ``join`` between them made one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]])))
    runs: list[Span] = []
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if runs and start - runs[-1][1] <= join:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs

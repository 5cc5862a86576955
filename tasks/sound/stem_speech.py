"""Where a stem speaks. It is heard in parts, between digital silences: of an edited dub one part is heard again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tasks.keep.known import known, known_of
from tasks.keep.staging import scratch
from tasks.media import speech_copy
from tasks.sound.speech_activity import FRAME, listener, one_thread, recording, spans_of

#: Frames (of 32 ms) without any sound after which what follows is heard for itself: takes of a dub lie in such silence,
#: a recorded room never falls silent.
_PAUSE = 16
#: Frames read at a time, and up to which a part is kept by its content: two minutes, 8 MB.
_BLOCK = 512
_LONGEST = 3750


@known("speech-in-stem", 2, tuple[tuple[int, int], ...])
def speech_in(stem: Path, beside: Path) -> tuple[tuple[int, int], ...]:
    """Where a stem speaks, as ``(start_ms, end_ms)``.

    Args:
        stem: WAV of any rate.
        beside: a file, beside which scratch files are written.
    """
    with scratch(beside, ".wav") as listened:
        speech_copy(stem, listened)
        with recording(listened) as source:
            return tuple(spans_of(_probabilities(source), source.frames))


def _probabilities(source: soundfile.SoundFile) -> list[float]:
    """Speech probability of each frame; 0 in digital silence."""
    sounding = np.concatenate([_sounds(block) for block in _blocks(source)] or [np.zeros(0, np.bool_)])
    out = np.zeros(len(sounding))
    for first, stop in _parts(sounding):
        source.seek(first * FRAME)
        if stop - first <= _LONGEST:
            samples = source.read((stop - first) * FRAME, dtype="float32")
            digest = hashlib.sha256(samples.tobytes()).hexdigest()
            out[first:stop] = known_of(
                "speech-in-part", 1, {"samples": digest}, list[float], partial(_heard, [samples])
            )
        else:
            out[first:stop] = _heard(_blocks(source, stop - first))
    return [float(value) for value in out]


def _heard(blocks: Iterable[NDArray[np.float32]]) -> list[float]:
    """Speech probability of each frame of what is heard for the first time."""
    listen = listener()
    with one_thread():
        return [probability for block in blocks for probability in listen(block)]


def _blocks(source: soundfile.SoundFile, frames: int | None = None) -> Iterator[NDArray[np.float32]]:
    """Blocks of whole frames, from where the recording stands; the last one ends with it."""
    left = frames
    while left is None or left > 0:
        block = source.read((_BLOCK if left is None else min(_BLOCK, left)) * FRAME, dtype="float32")
        if not len(block):
            return
        left = None if left is None else left - _BLOCK
        yield block


def _sounds(block: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Frames with any sample that is not zero, bool [n]."""
    padded = np.pad(block, (0, -len(block) % FRAME))
    return np.asarray(padded.reshape(-1, FRAME).any(axis=1))


def _parts(sounding: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First frame of every part, and the one after its last."""
    at = np.flatnonzero(sounding)
    if not len(at):
        return []
    gaps = np.flatnonzero(np.diff(at) > _PAUSE)
    firsts, lasts = at[np.append(0, gaps + 1)], at[np.append(gaps, len(at) - 1)]
    return [(int(first), int(last) + 1) for first, last in zip(firsts, lasts, strict=True)]

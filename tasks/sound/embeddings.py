"""Voices as directions: Resemblyzer's embeddings (Apache-2.0, weights in its wheel) of lines and of samples.

Resemblyzer is the GE2E encoder of Wan et al., "Generalized end-to-end loss for speaker verification" (ICASSP 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.records.progress import Progress
from tasks.records.script import Line
from tasks.sound.speech_activity import SAMPLE_RATE_HZ, read_span

Samples = NDArray[np.float32]
_LONGEST_MS = 10_000  # of one line's speech is listened to
_QUIET = 10 ** (-30 / 20)  # RMS that the encoder expects at least (its own preprocessing raises to -30 dBFS)


def speech_of(line: Line, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts of a line in which somebody speaks; the whole line where none was found."""
    inside = [(max(start, line.start_ms), min(end, line.end_ms)) for start, end in spans]
    parts = [(start, end) for start, end in inside if end > start]
    return parts or [(line.start_ms, line.end_ms)]


def line_voices(
    audio: Path, spoken: Sequence[Sequence[tuple[int, int]]], progress: Progress
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Embedding [N, 256] of each line, and the milliseconds that it stands for [N]; 0 for silence.

    Args:
        audio: 16 kHz mono.
        spoken: the spans of speech of each line.
        progress: called with the share that is done, from 0.3 to 0.8.
    """
    encoder = _encoder()
    rows, heard_ms = [], []
    for index, parts in enumerate(spoken):
        samples = read(audio, parts)
        rows.append(_embedding(encoder, samples))
        heard_ms.append(len(samples) * 1000 // SAMPLE_RATE_HZ if rows[-1].any() else 0)
        progress(0.3 + 0.5 * (index + 1) / len(spoken))
    return np.stack(rows), np.array(heard_ms, np.int64)


def read(audio: Path, parts: Sequence[tuple[int, int]]) -> Samples:
    """The parts one after the other: float32 [N], mono, 16 kHz, ten seconds at most."""
    read: list[Samples] = []
    left = _LONGEST_MS
    for start, end in parts:
        if left <= 0:
            break
        read.append(read_span(audio, start, min(end, start + left)))
        left -= end - start
    return np.concatenate(read) if read else np.zeros(0, np.float32)


def embedding(samples: Samples) -> NDArray[np.float64]:
    """Unit vector [256] of some speech, float32 [N], mono, 16 kHz; zeros for silence."""
    return _embedding(_encoder(), samples)


def _encoder() -> Any:
    from resemblyzer import VoiceEncoder

    return VoiceEncoder("cpu", verbose=False)


def _embedding(encoder: Any, samples: Samples) -> NDArray[np.float64]:
    level = float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0
    if level == 0.0:
        return np.zeros(256)
    embedding: NDArray[np.float64] = encoder.embed_utterance(samples * max(1.0, _QUIET / level)).astype(np.float64)
    return embedding

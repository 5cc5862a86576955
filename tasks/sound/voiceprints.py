"""What a speaker of a title sounds like, as one direction: to know the speaker again in another title.

Figures for `SAME_VOICE`, on the test media (15 voices, seven languages, pieces of 2 s and more): of 27 pairs of pieces
of one voice 25 are nearer than 0.22, all are nearer than 0.25; of 534 pairs of different voices none is nearer than
0.28. Two alike voices of one conversation (AMI) lie 0.19 apart, so that a stranger can be taken for a known speaker:
a note names the match, and the series file can be corrected.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.records.progress import silent
from tasks.records.script import Script
from tasks.sound.embeddings import embedding, line_voices, speech_of
from tasks.sound.speech_activity import SAMPLE_RATE_HZ, one_thread, speech_spans

#: Cosine distance up to which two voiceprints are of one voice.
SAME_VOICE = 0.22
#: Speech that a voiceprint needs.
ENOUGH_MS = 2000
_MOST_LINES = 12  # of each speaker, the longest
_SIZE = 256


@dataclass(frozen=True)
class Voiceprint:
    """A unit vector [256], as written into a series file, and the milliseconds of speech behind it."""

    coded: str
    heard_ms: int


def voiceprints(audio: Path, script: Script) -> dict[str, Voiceprint]:
    """A voiceprint of every speaker with at least two seconds of speech in lines of 0.8 s and more.

    Args:
        audio: 16 kHz mono dialogue.
        script: with speakers.
    """
    spans = speech_spans(audio)
    found: dict[str, Voiceprint] = {}
    for speaker in dict.fromkeys(line.speaker for line in script.lines):
        own = [line for line in script.lines if line.speaker == speaker]
        own = sorted(own, key=lambda line: (line.start_ms - line.end_ms, line.id))[:_MOST_LINES]
        with one_thread():
            voices, heard_ms = line_voices(audio, [speech_of(line, spans) for line in own], silent)
        if heard_ms.sum() >= ENOUGH_MS:
            mean = (voices * heard_ms[:, None]).sum(axis=0)
            found[speaker] = Voiceprint(_coded(mean / np.linalg.norm(mean)), int(heard_ms.sum()))
    return found


def voice_of(clip: Path) -> NDArray[np.float64]:
    """The unit vector [256] of a WAV of one speaker, of any rate; zeros where it is silent."""
    import soundfile
    import soxr

    with one_thread():
        samples, rate = soundfile.read(str(clip), dtype="float32", always_2d=True)  # seconds of speech
        return embedding(soxr.resample(samples.mean(axis=1), rate, SAMPLE_RATE_HZ))


def decoded(coded: str) -> NDArray[np.float64]:
    """The unit vector of a voiceprint.

    Raises:
        ValueError: it is none.
    """
    raw = base64.b64decode(coded, validate=True)
    if len(raw) != 2 * _SIZE:
        raise ValueError("a voiceprint has 256 numbers")
    vector = np.frombuffer(raw, "<f2").astype(np.float64)
    if not np.isfinite(vector).all() or not vector.any():
        raise ValueError("a voiceprint is a direction")
    unit: NDArray[np.float64] = vector / np.linalg.norm(vector)
    return unit


def same_voices(
    heard: Mapping[str, str], known: Mapping[str, str], bound: float = SAME_VOICE
) -> dict[str, tuple[str, float]]:
    """Who of those heard is whom of those known, each known one at most once, the nearest pairs in sum.

    Args:
        heard: name to voiceprint, of this title.
        known: name to voiceprint, of the series.
        bound: cosine distance up to which two are one.

    Returns:
        Name heard to name known and their distance.
    """
    from scipy.optimize import linear_sum_assignment

    if not heard or not known:
        return {}
    rows, columns = list(heard), list(known)
    apart = 1 - np.stack([decoded(heard[row]) for row in rows]) @ np.stack([decoded(known[name]) for name in columns]).T
    far = np.where(apart <= bound, apart, 10.0)  # beyond the bound a pair counts as none
    return {
        rows[row]: (columns[column], round(float(apart[row, column]), 3))
        for row, column in zip(*linear_sum_assignment(far), strict=True)
        if apart[row, column] <= bound
    }


def _coded(vector: NDArray[np.float64]) -> str:
    return base64.b64encode(vector.astype("<f2").tobytes()).decode()

"""Speakers by voice: a Resemblyzer embedding of each line (Apache-2.0, weights in its wheel), then clustering.

Resemblyzer is the GE2E encoder of Wan et al., "Generalized end-to-end loss for speaker verification" (ICASSP 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tasks.diarize import named, with_speakers
from tasks.diarize.clusters import FAIR_MS, group_voices
from tasks.diarize.pitch import median_pitch_hz
from tasks.records import registry
from tasks.records.model import Line, Script, Speaker
from tasks.records.progress import Progress
from tasks.sound.speech_activity import SAMPLE_RATE_HZ, one_thread, read_span, speech_spans

Samples = NDArray[np.float32]
_LONGEST_MS = 10_000  # of one line's speech is listened to
_QUIET = 10 ** (-30 / 20)  # RMS that the encoder expects at least (its own preprocessing raises to -30 dBFS)
TOO_SHORT = "Speakers: no line is long enough to tell voices apart; the unnamed lines are taken for one speaker."


class ResemblyzerDiarizer:
    """Names from the subtitles stay; the other lines are grouped by voice."""

    class Options(registry.Options):
        """``threshold``: cosine distance of voices from which they are two; ``speakers``: how many, if known."""

        threshold: float = Field(0.18, gt=0, lt=1)
        speakers: int | None = Field(None, ge=1, le=99)

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(
        name="resemblyzer", code_licence="Apache-2.0", weights_licence="Apache-2.0"
    )

    def __init__(self, options: Options) -> None:
        self._options = options

    def fingerprint(self) -> str:
        """Versions of the packages, which carry their weights, and the options."""
        packages = "+".join(f"{name}-{registry.package_version(name)}" for name in _PACKAGES)
        return f"resemblyzer:1:{packages}:{self._options.model_dump_json()}"

    def missing(self) -> list[str]:
        """Names the packages that are absent."""
        return [
            f"The package {name} is not installed: run `make setup`."
            for name in _PACKAGES
            if registry.package_version(name) == "absent"
        ]

    def diarize(self, audio: Path, script: Script, progress: Progress) -> Script:
        """Who speaks each line, by the line's speech; lines of too little speech go to the nearest voice."""
        if not script.lines:
            return script
        spans = speech_spans(audio, progress=lambda share: progress(0.3 * share))
        spoken = [speech_of(line, spans) for line in script.lines]
        with one_thread():
            voices, heard_ms = line_voices(audio, spoken, progress)
        labels, note = self._labels(script.lines, voices, heard_ms)
        order = list(dict.fromkeys(labels))
        speakers = [Speaker(id=name, pitch_hz=_pitch(audio, spoken, labels, name)) for name in order]
        progress(1.0)
        return with_speakers(script, labels, speakers, note)

    def _labels(
        self, lines: Sequence[Line], voices: NDArray[np.float64], heard_ms: NDArray[np.int64]
    ) -> tuple[list[str], str]:
        labels = [line.speaker if named(line) else "" for line in lines]
        unnamed = np.flatnonzero([not label for label in labels])
        if not len(unnamed):
            return labels, ""
        groups = group_voices(voices[unnamed], heard_ms[unnamed], self._options.threshold, self._options.speakers)
        order = {group: f"S{number}" for number, group in enumerate(dict.fromkeys(groups.tolist()), start=1)}
        for place, group in zip(unnamed, groups.tolist(), strict=True):
            labels[place] = order[group]
        return labels, "" if (heard_ms[unnamed] >= FAIR_MS).any() else TOO_SHORT


_PACKAGES = ("resemblyzer", "silero-vad", "scikit-learn")


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
        progress: told the share that is done, from 0.3 to 0.8.
    """
    encoder = _encoder()
    rows, heard_ms = [], []
    for index, parts in enumerate(spoken):
        samples = _read(audio, parts, _LONGEST_MS)
        rows.append(_embedding(encoder, samples))
        heard_ms.append(len(samples) * 1000 // SAMPLE_RATE_HZ if rows[-1].any() else 0)
        progress(0.3 + 0.5 * (index + 1) / len(spoken))
    return np.stack(rows), np.array(heard_ms, np.int64)


def _read(audio: Path, parts: Sequence[tuple[int, int]], longest_ms: int) -> Samples:
    """The parts one after the other: float32 [N], mono, 16 kHz, ``longest_ms`` at most."""
    read: list[Samples] = []
    left = longest_ms
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


def _pitch(audio: Path, spoken: Sequence[Sequence[tuple[int, int]]], labels: Sequence[str], name: str) -> float:
    theirs = [part for parts, label in zip(spoken, labels, strict=True) if label == name for part in parts]
    return median_pitch_hz(_read(audio, theirs, _LONGEST_MS))

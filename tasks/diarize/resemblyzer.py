"""Speakers by voice: a Resemblyzer embedding of each line (Apache-2.0, weights in its wheel), then clustering.

Resemblyzer is the GE2E encoder of Wan et al., "Generalized end-to-end loss for speaker verification" (ICASSP 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tasks.diarize import with_speakers
from tasks.diarize.clusters import FAIR_MS, group_voices
from tasks.diarize.pitch import median_pitch_hz
from tasks.records import registry
from tasks.records.progress import Progress
from tasks.records.script import Line, Script, Speaker
from tasks.sound.embeddings import line_voices, read, speech_of
from tasks.sound.speech_activity import one_thread, speech_spans

TOO_SHORT = "Speakers: no line is long enough to distinguish voices; the unnamed lines are assigned to one speaker."


class ResemblyzerDiarizer:
    """Names from the subtitles stay; the other lines are grouped by voice."""

    class Options(registry.Options):
        """``threshold``: cosine distance of voices from which they are two; ``speakers``: how many, if known."""

        threshold: float = Field(0.18, gt=0, lt=1)
        speakers: int | None = Field(None, ge=1, le=99)

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(
        name="resemblyzer",
        packages=("resemblyzer", "silero-vad", "scikit-learn"),
        code_licence="Apache-2.0",
        weights_licence="Apache-2.0",
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
        labels = [line.speaker if line.named else "" for line in lines]
        unnamed = np.flatnonzero([not label for label in labels])
        if not len(unnamed):
            return labels, ""
        groups = group_voices(voices[unnamed], heard_ms[unnamed], self._options.threshold, self._options.speakers)
        order = {group: f"S{number}" for number, group in enumerate(dict.fromkeys(groups.tolist()), start=1)}
        for place, group in zip(unnamed, groups.tolist(), strict=True):
            labels[place] = order[group]
        return labels, "" if (heard_ms[unnamed] >= FAIR_MS).any() else TOO_SHORT


_PACKAGES = ("resemblyzer", "silero-vad", "scikit-learn")


def _pitch(audio: Path, spoken: Sequence[Sequence[tuple[int, int]]], labels: Sequence[str], name: str) -> float:
    theirs = [part for parts, label in zip(spoken, labels, strict=True) if label == name for part in parts]
    return median_pitch_hz(read(audio, theirs))

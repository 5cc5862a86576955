"""Who speaks, by voice: resemblyzer embeddings (Apache-2.0, weights in its wheel), clustered by cosine distance."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tasks import registry
from tasks.diarize import named, with_speakers
from tasks.model import Line, Script, Speaker
from tasks.progress import Progress
from tasks.speech_activity import SAMPLE_RATE_HZ, read_span, speech_spans

_SHORT_MS = 1000  # a voice print of less speech is too noisy to found a speaker
_WELL_HEARD_MS = 4000  # of speech makes a voice print steady
_LONGEST_MS = 15_000  # of a line is enough for its voice print
_PITCH_RANGE_HZ = (65.0, 400.0)
_PITCH_SPEECH_MS = 20_000  # of a speaker is enough for the median pitch
_PACKAGES = ("resemblyzer", "silero-vad", "scikit-learn", "librosa")
_LOADING = threading.Lock()


class ResemblyzerDiarizer:
    """A voice print for each line, grouped from the bottom up."""

    class Options(registry.Options):
        """When two groups of lines are one speaker.

        Attributes:
            distance: mean cosine distance up to which two voices are one, each heard for some seconds.
            brief_distance: the same where one of them is heard only briefly, which makes its print noisy.
            speakers: how many there are, if known.
        """

        distance: float = Field(0.225, gt=0, lt=2)
        brief_distance: float = Field(0.40, gt=0, lt=2)
        speakers: int | None = Field(None, ge=1, le=50)

    facts: ClassVar[registry.BackendFacts] = registry.BackendFacts(
        name="resemblyzer", code_licence="Apache-2.0", weights_licence="Apache-2.0"
    )

    def __init__(self, options: Options) -> None:
        self._options = options

    def fingerprint(self) -> str:
        """Versions of the packages (two carry their weights) and the options."""
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
        """Lines that subtitles named keep their speaker; the others are grouped among themselves."""
        if not script.lines:
            return with_speakers(script, [], [])
        spans = speech_spans(audio, progress=lambda share: progress(0.2 * share))
        unnamed = [index for index, line in enumerate(script.lines) if not named(line)]
        prints: dict[int, NDArray[np.float32]] = {}
        lengths: dict[int, int] = {}
        for place, index in enumerate(unnamed):
            speech = _speech(audio, script.lines[index], spans)
            lengths[index] = len(speech) * 1000 // SAMPLE_RATE_HZ
            if lengths[index] >= 200:
                prints[index] = _voice_print(speech)
            progress(0.2 + 0.6 * (place + 1) / len(unnamed))
        groups = self._grouped(prints, lengths)
        labels = _labels(script.lines, groups)
        speakers = [Speaker(id=label, pitch_hz=_pitch(audio, script, labels, label, spans)) for label in _order(labels)]
        progress(1.0)
        note = "" if groups or not unnamed else "No voice was clear enough to tell speakers apart; one is assumed."
        return with_speakers(script, labels, speakers, note)

    def _grouped(self, prints: dict[int, NDArray[np.float32]], lengths: dict[int, int]) -> dict[int, int]:
        """Line index to group number. Short lines join the group that they resemble most."""
        sure = [index for index in prints if lengths[index] >= _SHORT_MS] or list(prints)
        if not sure:
            return {}
        vectors = np.stack([prints[index] for index in sure])
        labels = self._clustered(vectors)
        if self._options.speakers is None:
            labels = _folded(vectors, labels, [lengths[index] for index in sure], self._options.brief_distance)
        assigned = dict(zip(sure, labels, strict=True))
        centres = _centres(vectors, labels)
        for index in prints:
            if index not in assigned:
                assigned[index] = min(centres, key=lambda group: _distance(prints[index], centres[group]))
        return assigned

    def _clustered(self, vectors: NDArray[np.float32]) -> list[int]:
        wanted = min(self._options.speakers, len(vectors)) if self._options.speakers else None
        if len(vectors) == 1 or wanted == 1:
            return [0] * len(vectors)
        from sklearn.cluster import AgglomerativeClustering

        clustering = AgglomerativeClustering(
            n_clusters=wanted,
            distance_threshold=None if wanted else self._options.distance,
            metric="cosine",
            linkage="average",
        )
        return [int(label) for label in clustering.fit_predict(vectors)]


def _folded(vectors: NDArray[np.float32], labels: list[int], lengths: Sequence[int], distance: float) -> list[int]:
    """Groups heard only briefly join their neighbour unless they are clearly another voice; the briefest first."""
    kept: set[int] = set()
    while True:
        heard = {group: sum(ms for ms, own in zip(lengths, labels, strict=True) if own == group) for group in labels}
        brief = sorted((ms, group) for group, ms in heard.items() if ms < _WELL_HEARD_MS and group not in kept)
        if not brief or len(heard) == 1:
            return labels
        group = brief[0][1]
        centres = _centres(vectors, labels)
        own = centres.pop(group)
        nearest = min(centres, key=lambda other: _distance(own, centres[other]))
        if _distance(own, centres[nearest]) < distance:
            labels = [nearest if label == group else label for label in labels]
        else:
            kept.add(group)


def _centres(vectors: NDArray[np.float32], labels: Sequence[int]) -> dict[int, NDArray[np.float32]]:
    numbers = np.asarray(labels)
    return {group: vectors[numbers == group].mean(axis=0) for group in sorted(set(labels))}


def _speech(audio: Path, line: Line, spans: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """The part of a line in which somebody speaks (the whole line where the detector hears nothing), 16 kHz."""
    inside = [(max(a, line.start_ms), min(b, line.end_ms)) for a, b in spans if a < line.end_ms and b > line.start_ms]
    parts = [read_span(audio, a, min(b, a + _LONGEST_MS)) for a, b in inside or [(line.start_ms, line.end_ms)]]
    return np.concatenate(parts)[: _LONGEST_MS * SAMPLE_RATE_HZ // 1000]


def _voice_print(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit vector float32 [256]; the samples are first brought to the level that the network was trained on."""
    audio = _resemblyzer_audio()
    even = audio.normalize_volume(samples, -30, increase_only=True) if np.any(samples) else samples
    found: NDArray[np.float32] = _encoder().embed_utterance(even)
    return np.nan_to_num(found)


def _resemblyzer_audio() -> Any:
    with warnings.catch_warnings():  # it imports names that scipy and the packaging tools have retired
        warnings.simplefilter("ignore")
        from resemblyzer import audio
    return audio


@lru_cache(maxsize=1)
def _encoder() -> Any:
    with _LOADING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from resemblyzer import VoiceEncoder

        return VoiceEncoder("cpu", verbose=False)


def _distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return 1.0 - float(a @ b) / norm if norm else 1.0


def _labels(lines: Sequence[Line], groups: dict[int, int]) -> list[str]:
    """Names where given, else ``S1``, ``S2`` ... by first appearance; an unheard line goes with the one before it."""
    numbers: dict[int, str] = {}
    labels: list[str] = []
    for index, line in enumerate(lines):
        if named(line):
            labels.append(line.speaker)
        elif index in groups:
            labels.append(numbers.setdefault(groups[index], f"S{len(numbers) + 1}"))
        else:
            before = [label for label, other in zip(labels, lines, strict=False) if not named(other)]
            labels.append(before[-1] if before else numbers.setdefault(_first(groups), "S1"))
    return labels


def _first(groups: dict[int, int]) -> int:
    return groups[min(groups)] if groups else 0


def _order(labels: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(labels))


def _pitch(audio: Path, script: Script, labels: Sequence[str], label: str, spans: Sequence[tuple[int, int]]) -> float:
    """Median fundamental of a speaker in Hz over their voiced frames (librosa's YIN), 0 where nothing is voiced."""
    import librosa

    parts: list[NDArray[np.float32]] = []
    heard = 0
    for line, owner in zip(script.lines, labels, strict=True):
        if owner == label and heard < _PITCH_SPEECH_MS:
            parts.append(_speech(audio, line, spans))
            heard += len(parts[-1]) * 1000 // SAMPLE_RATE_HZ
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    if len(samples) < 2048:
        return 0.0
    low, high = _PITCH_RANGE_HZ
    pitch = librosa.yin(samples, fmin=low, fmax=high, sr=SAMPLE_RATE_HZ, frame_length=1024, hop_length=256)
    level = librosa.feature.rms(y=samples, frame_length=1024, hop_length=256)[0][: len(pitch)]
    # YIN answers at the edge of its range where a frame is not periodic; quiet frames are consonants and breath.
    voiced = (level > 0.3 * np.percentile(level, 95)) & (pitch > low * 1.05) & (pitch < high * 0.95)
    return round(float(np.median(pitch[voiced])), 1) if voiced.any() else 0.0

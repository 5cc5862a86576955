"""Separation without a trained separator: what the bed sounds like in the pauses, and what lies beside the centre.

A time-frequency Wiener filter. The bed's spectrum is learned where silero-vad hears no speech and carried across the
speech next to it; where dialogue is heard to be in the centre, what differs between left and right is bed as well.
Chosen by measured SI-SDR: ``python -m benchmarks.separation``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks import media, registry
from tasks.progress import Progress, silent
from tasks.separate.stems import blocks_with_context, crossfaded, open_mix, write_stems

_VERSION = 1
_WINDOW = 4096  # 85 ms at 48 kHz: resolves the partials of music and the harmonics of a voice
_HOP = _WINDOW // 4
_CORE = 1408 * _HOP  # 30 s a piece
_FADE = 4 * _HOP
_CONTEXT = 384 * _HOP  # 8.2 s: more than the smoothing below reaches
_SPREAD = 1.07 * media.SAMPLE_RATE / _HOP  # frames; how far a pause speaks for the speech beside it (one sigma)
_REACH = 6.0  # sigmas
#: The bed is taken three times (5 dB) stronger than in the pauses, because music swells.
_OVERESTIMATE = 3.0
#: Side energy counts up to 16 times: a bin is dialogue only where the middle is much stronger than the sides ...
_SIDE_WEIGHT = 16.0
#: ... but takes no more than this share from bins where speech is 15 dB above the bed: a voice recorded in stereo has
#: sides of its own.
_SIDE_LOSS = 0.1
_FAR_ABOVE = 30.0
_FEWEST_BINS = 500
#: Where no pause is within reach, the quietest fifth of the frames stands for the bed.
_QUIET_PERCENTILE = 20
_NOTE = "Classical separation leaves audible dialogue in the bed; a learned one (demucs) or a client's M&E is better."

Spans = list[tuple[int, int]]


class ClassicalSeparator:
    """Wiener filtering by pauses and stereo width."""

    class Options(registry.Options):
        """None."""

    facts: ClassVar = registry.BackendFacts(
        name="classical", code_licence="ISC AND BSD-3-Clause", weights_licence="MIT", heavy=True
    )

    def __init__(self, options: Options) -> None:
        self.options = options

    def fingerprint(self) -> str:
        """Version of the method and of the voice activity detector."""
        return f"classical {_VERSION} silero-vad {registry.package_version('silero-vad')}"

    def missing(self) -> list[str]:
        """Nothing: it comes with Polydub."""
        return []

    def separate(self, mix: Path, dialogue: Path, bed: Path, progress: Progress = silent) -> tuple[str, ...]:
        """Write both stems, a 30-second piece at a time."""
        from tasks.speech_activity import speech_spans

        with open_mix(mix) as file:
            frames = file.frames
        with media.scratch(dialogue) as listened:
            media.speech_copy(mix, listened)
            spans = speech_spans(listened, min_silence_ms=200, pad_ms=80, progress=lambda done: progress(0.3 * done))
        pieces = crossfaded(_estimates(mix, spans), _CORE, _FADE)
        write_stems(mix, dialogue, bed, _counted(pieces, frames, lambda done: progress(0.3 + 0.7 * done)))
        progress(1.0)
        return (_NOTE,) if spans else ("No speech was found: the bed is the whole mix.",)


def _counted(blocks: Iterator[NDArray[np.float32]], frames: int, progress: Progress) -> Iterator[NDArray[np.float32]]:
    done = 0
    for block in blocks:
        done += len(block)
        progress(min(1.0, done / max(1, frames)))
        yield block


def _estimates(mix: Path, spans: Spans) -> Iterator[tuple[int, NDArray[np.float32]]]:
    for start, before, samples in blocks_with_context(mix, _CORE, _CONTEXT):
        heard = _speaks(start, len(samples), spans)
        yield before, estimate(samples, start, spans) if heard else np.zeros_like(samples)


def _speaks(start: int, length: int, spans: Spans) -> bool:
    """Whether a stretch of samples touches a span of speech (milliseconds), its soft edges included."""
    edge_ms = 5 * _HOP // media.PER_MS
    first, last = start // media.PER_MS - edge_ms, (start + length) // media.PER_MS + edge_ms
    return any(begin < last and end > first for begin, end in spans)


def estimate(
    samples: NDArray[np.float32], start: int, spans: Spans, side_weight: float = _SIDE_WEIGHT
) -> NDArray[np.float32]:
    """The dialogue in a piece of a mix.

    Args:
        samples: float32 [N, 2] at 48 kHz.
        start: the piece's first sample in the file.
        spans: speech in the whole file, ``(start_ms, end_ms)``.
        side_weight: how much what differs between left and right speaks against dialogue, at most.

    Returns:
        float32 [N, 2].
    """
    import librosa

    spectrum = np.stack(
        [librosa.stft(side, n_fft=_WINDOW, hop_length=_HOP) for side in np.ascontiguousarray(samples.T)]
    )
    speech = _speech_curve(spectrum.shape[2], start, spans)
    power = np.mean(np.abs(spectrum) ** 2, axis=0)
    side = np.abs((spectrum[0] - spectrum[1]) / 2) ** 2
    bed = _bed_power(power, speech)
    weight = min(side_weight, _side_weight(power, side, bed, speech))
    under = np.maximum(_OVERESTIMATE * bed, weight * side)
    gain = np.clip(1 - under / (power + 1e-12), 0, 1) * speech
    spoken: Any = [librosa.istft(side * gain, n_fft=_WINDOW, hop_length=_HOP, length=len(samples)) for side in spectrum]
    return np.stack(spoken, axis=1).astype(np.float32)


def _side_weight(
    power: NDArray[np.float32], side: NDArray[np.float32], bed: NDArray[np.float32], speech: NDArray[np.float32]
) -> float:
    """How far the sides may count: much where the voice itself has none, little where it was recorded in stereo."""
    clear = (power > _FAR_ABOVE * bed) & (power > 1e-6 * power.max()) & (speech > 0.9)
    if np.count_nonzero(clear) < _FEWEST_BINS:
        return 0.0
    own = float(np.median(side[clear] / power[clear]))
    return _SIDE_LOSS / max(own, 1e-6)


def _speech_curve(frames: int, start: int, spans: Spans) -> NDArray[np.float32]:
    """1 in speech, 0 elsewhere, with soft edges: one value a frame of the transform."""
    curve = np.zeros(frames, np.float32)
    for begin_ms, end_ms in spans:
        first = (begin_ms * media.PER_MS - start) // _HOP
        last = (end_ms * media.PER_MS - start) // _HOP
        curve[max(0, first) : max(0, last + 1)] = 1.0
    edge = np.hanning(7)[1:-1]
    return np.convolve(curve, edge / edge.sum(), "same").astype(np.float32)


def _bed_power(power: NDArray[np.float32], speech: NDArray[np.float32]) -> NDArray[np.float32]:
    """The bed's power in every bin of every frame, from the frames without speech around it."""
    from scipy.ndimage import gaussian_filter1d

    pauses = (1 - speech) ** 2
    pauses[pauses < 0.2] = 0
    spread = {"sigma": _SPREAD, "mode": "nearest", "truncate": _REACH}
    weight = gaussian_filter1d(pauses, **spread)
    heard = gaussian_filter1d(power * pauses, axis=1, **spread)
    quiet = np.percentile(power, _QUIET_PERCENTILE, axis=1, keepdims=True)
    return np.where(weight > 1e-6, heard / np.maximum(weight, 1e-6), quiet).astype(np.float32)

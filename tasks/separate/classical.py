"""Separation without a trained model, from the bed's spectrum in the pauses and from stereo width.

A time-frequency Wiener filter. The bed's spectrum is estimated where silero-vad finds no speech and extrapolated
across the neighbouring speech; where the dialogue is in the centre, the side signal (left minus right) is bed as well.
Chosen by measured SI-SDR: ``python -m benchmarks.separation``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks import media
from tasks.keep.staging import scratch
from tasks.records import registry
from tasks.records.progress import Progress, silent
from tasks.sound.blocks import blocks_with_context, crossfaded, open_mix, write_stems

_VERSION = 2
_WINDOW = 4096  # 85 ms at 48 kHz: resolves the partials of music and the harmonics of a voice
_HOP = _WINDOW // 4
_CORE = 1024 * _HOP  # 22 s a piece
_FADE = 4 * _HOP
_CONTEXT = 424 * _HOP  # 9 s: more than both smoothings below span, so that a piece equals the same part of the whole
#: How far a pause represents the bed under speech next to it: one sigma in frames, and the cut-off in sigmas.
_SMOOTH: dict[str, Any] = {"sigma": 1.07 * media.SAMPLE_RATE / _HOP, "mode": "nearest", "truncate": 4.0}
#: The bed is assumed three times (5 dB) stronger than in the pauses, because music swells.
_OVERESTIMATE = 3.0
#: Side energy counts up to 16 times: a bin is dialogue only where mid is much stronger than side ...
_SIDE_WEIGHT = 16.0
#: ... but takes at most this share from bins where speech is 15 dB above the bed: a voice recorded in stereo has
#: side energy of its own.
_SIDE_LOSS = 0.1
_FAR_ABOVE = 30.0
_AUDIBLE = 1e-5  # power relative to the strongest bin of the frame
_FEWEST_BINS = 4.0  # a frame, on average, needed to estimate how wide the voice is
#: Where no pause is near, the quietest half second of six is taken as the bed.
_QUIET_S, _QUIET_OF_S = 0.5, 6.0
_NOTE = "Classical separation leaves audible dialogue in the bed; a trained model (demucs) or a client's M&E is better."

Spans = list[tuple[int, int]]


class ClassicalSeparator:
    """Wiener filter estimated from pauses and stereo width."""

    class Options(registry.Options):
        """None."""

    facts: ClassVar = registry.BackendFacts(
        name="classical",
        packages=("silero-vad",),
        code_licence="ISC AND BSD-3-Clause",
        weights_licence="MIT",
        heavy=True,
    )

    def __init__(self, options: Options) -> None:
        self.options = options

    def fingerprint(self) -> str:
        """Version of the method and of the voice activity detector."""
        return f"classical {_VERSION} silero-vad {registry.package_version('silero-vad')}"

    def missing(self) -> list[str]:
        """Nothing: it is part of Polydub."""
        return []

    def separate(self, mix: Path, dialogue: Path, bed: Path, progress: Progress = silent) -> tuple[str, ...]:
        """Write both stems, 22 seconds at a time."""
        from tasks.sound.speech_activity import speech_spans

        with open_mix(mix) as file:
            frames = file.frames
        with scratch(dialogue) as listened:
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
    """Whether a range of samples overlaps a span of speech (milliseconds), soft edges included."""
    edge_ms = 5 * _HOP // media.PER_MS
    first, last = start // media.PER_MS - edge_ms, (start + length) // media.PER_MS + edge_ms
    return any(begin < last and end > first for begin, end in spans)


def estimate(
    samples: NDArray[np.float32], start: int, spans: Spans, side_weight: float = _SIDE_WEIGHT
) -> NDArray[np.float32]:
    """The dialogue in a block of a mix.

    Args:
        samples: float32 [N, 2] at 48 kHz.
        start: the block's first sample in the file.
        spans: speech in the whole file, ``(start_ms, end_ms)``.
        side_weight: maximum weight of side energy as evidence against dialogue.

    Returns:
        float32 [N, 2].
    """
    import librosa

    spectrum = librosa.stft(np.ascontiguousarray(samples.T), n_fft=_WINDOW, hop_length=_HOP)
    speech = _speech_curve(spectrum.shape[2], start, spans)
    power = (_squared(spectrum[0]) + _squared(spectrum[1])) / np.float32(2)
    side = _squared((spectrum[0] - spectrum[1]) / np.float32(2))
    under = _bed_power(power, speech)
    side *= np.minimum(side_weight, _side_weights(power, side, under, speech))
    under *= _OVERESTIMATE
    np.maximum(under, side, out=under)
    under /= power + 1e-12
    spectrum *= np.clip(1 - under, 0, 1) * speech
    spoken = librosa.istft(spectrum, n_fft=_WINDOW, hop_length=_HOP, length=len(samples))
    return np.ascontiguousarray(spoken.T, dtype=np.float32)


def _squared(bins: NDArray[np.complex64]) -> NDArray[np.float32]:
    size: NDArray[np.float32] = np.square(bins.real) + np.square(bins.imag)
    return size


def _side_weights(
    power: NDArray[np.float32], side: NDArray[np.float32], bed: NDArray[np.float32], speech: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Weight of side energy in each frame: high where the voice itself is mono, low where it is stereo."""
    from scipy.ndimage import gaussian_filter1d

    clear = (power > _FAR_ABOVE * bed) & (power > _AUDIBLE * power.max(axis=0)) & (speech > 0.9)
    share = np.zeros_like(power)
    np.divide(side, power, out=share, where=clear)
    np.log(np.maximum(share, 1e-6, out=share), out=share)
    count = gaussian_filter1d(clear.sum(axis=0, dtype=np.float32), **_SMOOTH)
    own = gaussian_filter1d(share.sum(axis=0, where=clear), **_SMOOTH) / np.maximum(count, 1e-6)
    return np.where(count < _FEWEST_BINS, 0, _SIDE_LOSS / np.exp(own)).astype(np.float32)


def _speech_curve(frames: int, start: int, spans: Spans) -> NDArray[np.float32]:
    """1 in speech, 0 elsewhere, with soft edges: one value for each frame of the transform."""
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
    weight = gaussian_filter1d(pauses, **_SMOOTH)
    bed: NDArray[np.float32] = gaussian_filter1d(power * pauses, axis=1, **_SMOOTH)
    bed /= np.maximum(weight, 1e-6)
    return bed if weight.min() > 1e-6 else np.where(weight > 1e-6, bed, _quietest(power))


def _quietest(power: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    short, long = (round(seconds * media.SAMPLE_RATE / _HOP) for seconds in (_QUIET_S, _QUIET_OF_S))
    lowest: NDArray[np.float32] = minimum_filter1d(uniform_filter1d(power, short, axis=1), long, axis=1)
    return lowest

"""Sound for measuring: any file to mono samples, and where it is silent."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.media.filearray import FileArray, Spool
from lipsync_engine.media.opening import opened
from lipsync_engine.records import BoolArray, FloatArray

#: Sound in memory or in a file, float32 [N].
Samples = FloatArray | FileArray

_WINDOW_S = 0.025
#: Hops that are computed together.
_HOPS = 4096


class AudioError(ValueError):
    """The file holds no audio that can be decoded."""


def load_mono(path: Path, sample_rate_hz: int = 16000, longest_s: float | None = None) -> FloatArray:
    """Decode the first audio stream of any media file.

    Args:
        path: audio or video file.
        sample_rate_hz: wanted rate.
        longest_s: a longer sound is not decoded to its end; None is no limit.

    Returns:
        float32 [N] mono, -1 to 1.

    Raises:
        AudioError: missing file, no audio stream, broken data, or longer than allowed.
    """
    return spooled_mono(path, sample_rate_hz, longest_s)[:]


def spooled_mono(path: Path, sample_rate_hz: int = 16000, longest_s: float | None = None) -> FileArray:
    """As `load_mono`, in a temporary file: the sound of a long title is as large as hundreds of its pictures.

    Args:
        path: audio or video file.
        sample_rate_hz: wanted rate.
        longest_s: a longer sound is not decoded to its end; None is no limit.

    Returns:
        float32 [N] mono, -1 to 1, in a file.
    """
    spool = Spool((), np.float32)
    count = 0
    for block in _blocks(path, sample_rate_hz):
        count += len(block)
        if longest_s is not None and count > longest_s * sample_rate_hz:
            raise AudioError(f"{path.name} is longer than {longest_s:g} s")
        spool.append(block)
    return spool.array()


def sample_rate_of(path: Path) -> int:
    """Samples a second of the first audio stream of a file; errors as `load_mono`."""
    import av

    try:
        with opened(path) as container:
            if not container.streams.audio:
                raise AudioError(f"{path.name} has no audio stream")
            return int(container.streams.audio[0].rate)
    except av.FFmpegError as error:
        raise AudioError(f"{path.name} cannot be decoded: {error}") from error


def _blocks(path: Path, sample_rate_hz: int) -> Iterator[FloatArray]:
    import av

    try:
        with opened(path) as container:
            if not container.streams.audio:
                raise AudioError(f"{path.name} has no audio stream")
            resampler = av.AudioResampler(format="flt", layout="mono", rate=sample_rate_hz)
            for frame in chain(container.decode(container.streams.audio[0]), [None]):
                yield from (block.to_ndarray()[0] for block in resampler.resample(frame))
    except av.FFmpegError as error:
        raise AudioError(f"{path.name} cannot be decoded: {error}") from error


def loudness_db(samples: Samples, sample_rate_hz: int, hop_s: float = 0.01) -> NDArray[np.float64]:
    """Loudness envelope: RMS over 25 ms, in dB re full scale, one value each ``hop_s``, centred on its hop.

    Args:
        samples: float32 [N] mono.
        sample_rate_hz: samples a second.
        hop_s: seconds between values.

    Returns:
        float64 [ceil(N / hop)], not below -100 dB.
    """
    hop, window = round(hop_s * sample_rate_hz), round(_WINDOW_S * sample_rate_hz)
    centres = np.arange(-(-len(samples) // hop)) * hop + hop // 2
    first = np.clip(centres - window // 2, 0, len(samples))
    last = np.clip(centres + window // 2, 0, len(samples))
    mean = np.zeros(len(centres))
    for part in (slice(at, at + _HOPS) for at in range(0, len(centres), _HOPS)):
        start, stop = int(first[part][0]), int(last[part][-1])
        energy = np.concatenate([[0.0], np.cumsum(samples[start:stop].astype(np.float64) ** 2)])
        total = np.maximum(energy[last[part] - start] - energy[first[part] - start], 0.0)
        mean[part] = total / np.maximum(last[part] - first[part], 1)
    return np.asarray(10.0 * np.log10(mean + 1e-10), np.float64)


def band_level_db(
    samples: Samples, sample_rate_hz: int, low_hz: float, high_hz: float, hop_s: float = 0.01
) -> NDArray[np.float64]:
    """Level of a band of frequencies over 25 ms Hann windows, in dB (relative), one value each ``hop_s``.

    Args:
        samples: float32 [N] mono.
        sample_rate_hz: samples a second.
        low_hz: lower edge.
        high_hz: upper edge, exclusive.
        hop_s: seconds between values.

    Returns:
        float64 [ceil(N / hop)], not below -90 dB.
    """
    hop, window, fft = round(hop_s * sample_rate_hz), round(_WINDOW_S * sample_rate_hz), 1024
    count, lead = -(-len(samples) // hop), (window - hop) // 2
    taper = np.hanning(window).astype(np.float32)
    hz = np.fft.rfftfreq(fft, 1 / sample_rate_hz)
    band = (hz >= low_hz) & (hz < high_hz)
    power = np.zeros(count)
    for at in range(0, count, _HOPS):
        hops = min(_HOPS, count - at)
        start, stop = at * hop - lead, (at + hops - 1) * hop - lead + window
        known = samples[max(start, 0) : stop]
        padded = np.pad(known, (max(-start, 0), max(stop - len(samples), 0)))
        strided = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
        power[at : at + hops] = (np.abs(np.fft.rfft(strided * taper, fft)[:, band]) ** 2).sum(axis=1)
    return np.asarray(10.0 * np.log10(power + 1e-9), np.float64)


def mel_cepstra(
    samples: FloatArray, sample_rate_hz: int, hop_s: float, count: int, bands: int = 32
) -> NDArray[np.float64]:
    """Mel-frequency cepstra (Davis and Mermelstein 1980; HTK mel scale) over 25 ms Hann windows.

    librosa has the same, but takes five seconds to compile before its first frame.

    Args:
        samples: float32 [N] mono.
        sample_rate_hz: samples a second.
        hop_s: seconds between frames; frame t is centred on hop t.
        count: how many coefficients, the zeroth (loudness) included.
        bands: mel bands between 60 Hz and half the rate.

    Returns:
        float64 [ceil(N / hop), count].
    """
    from scipy.fft import dct

    hop, window, fft = round(hop_s * sample_rate_hz), round(_WINDOW_S * sample_rate_hz), 512
    frames = -(-len(samples) // hop)
    padded = np.pad(samples, ((window - hop) // 2, window))
    strided = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop][:frames]
    filters = _mel_filters(sample_rate_hz, fft, bands).T
    taper = np.hanning(window).astype(np.float32)
    blocks = [
        np.log(np.abs(np.fft.rfft(block * taper, fft)) ** 2 @ filters + 1e-8)
        for block in np.array_split(strided, max(1, frames // 4096))
    ]
    return np.asarray(dct(np.concatenate(blocks), norm="ortho")[:, :count], np.float64)


def _mel_filters(sample_rate_hz: int, fft: int, bands: int, lowest_hz: float = 60.0) -> NDArray[np.float64]:
    """Triangular filters [bands, fft // 2 + 1], equally wide in mel."""
    ends = 1127.0 * np.log1p(np.array([lowest_hz, sample_rate_hz / 2]) / 700.0)
    edges = 700.0 * np.expm1(np.linspace(ends[0], ends[1], bands + 2) / 1127.0)
    hz = np.fft.rfftfreq(fft, 1 / sample_rate_hz)
    rising = (hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hz) / (edges[2:] - edges[1:-1])[:, None]
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)), np.float64)


def silent_hops(level_db: NDArray[np.float64], hop_s: float = 0.01, shortest_s: float = 0.12) -> BoolArray:
    """Mark the hops that lie in a pause.

    The threshold lies 30 % of the way from the noise floor (5th percentile) to the speech level (95th), at
    most 35 dB below speech; digital silence counts as a floor of -70 dB, so that it does not pull the
    threshold down.

    Args:
        level_db: [T] from `loudness_db`.
        hop_s: seconds between values.
        shortest_s: a quiet run shorter than this is part of speech (a stop's closure), not a pause, unless the sound
            begins or ends with it.

    Returns:
        bool [T].
    """
    if len(level_db) == 0:
        return np.zeros(0, np.bool_)
    speech, floor = np.percentile(level_db, 95), max(float(np.percentile(level_db, 5)), -70.0)
    if speech < -60.0:
        return np.ones(len(level_db), np.bool_)
    threshold = max(floor + 0.3 * (speech - floor), speech - 35.0)
    quiet = level_db < min(threshold, speech - 10.0)
    for start, end in runs(quiet):
        if (end - start) * hop_s < shortest_s and start > 0 and end < len(quiet):
            quiet[start:end] = False
    return quiet


def runs(flags: BoolArray) -> list[tuple[int, int]]:
    """Half-open index spans in which ``flags``, bool [N], is True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]

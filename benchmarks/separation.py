"""SI-SDR of separators on mixes with true stems: ``python -m benchmarks.separation [MEDIA]``.

SI-SDR (Le Roux et al. 2019) in dB, higher is better; a method is worth something where it beats the mix itself.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tasks import media
from tasks.records.progress import silent
from tasks.separate import separator
from tasks.separate.classical import Spans, estimate
from tasks.sound.speech_activity import speech_spans

Sound = NDArray[np.float32]  # [N, 2] at 48 kHz
RATE = media.SAMPLE_RATE


def si_sdr(truth: Sound, guess: Sound) -> float:
    """Scale-invariant signal-to-distortion ratio in dB over both channels."""
    target, heard = (x.astype(np.float64).ravel() - x.mean() for x in (truth, guess))
    along = (heard @ target) / (target @ target) * target
    return float(10 * np.log10((along @ along) / ((heard - along) @ (heard - along) + 1e-20)))


def load(path: Path) -> Sound:
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    sound = soxr.resample(sound, rate, RATE) if rate != RATE else sound
    return np.repeat(sound, 2, axis=1) if sound.shape[1] == 1 else sound


def at_ratio(speech: Sound, bed: Sound, ratio_db: float) -> tuple[Sound, Sound]:
    """Both as long as the speech, the bed that much weaker, together under full scale."""
    bed = np.resize(bed, speech.shape)
    bed = bed * 10 ** ((10 * np.log10(np.mean(speech**2) / np.mean(bed**2)) - ratio_db) / 20)
    level = 0.5 / np.abs(speech + bed).max()
    return (speech * level).astype(np.float32), (bed * level).astype(np.float32)


def spoken(paths: list[Path]) -> Sound:
    """Sentences with a second of silence around each."""
    pause = np.zeros((RATE, 2), np.float32)
    return np.concatenate([pause, *(part for path in paths for part in (load(path), pause))])


def in_a_room(speech: Sound, responses: list[Path]) -> Sound:
    """A voice recorded in stereo: a different room response to each side."""
    from scipy.signal import fftconvolve

    sides = [fftconvolve(speech[:, 0], load(path)[:, 0])[: len(speech)] for path in responses]
    return np.asarray(np.stack([side / np.abs(side).max() for side in sides], axis=1), np.float32)


def mixes(root: Path) -> Iterator[tuple[str, Sound, Sound]]:
    speech, bed = (load(root / f"_derived/englishvideo_{kind}_stem.flac") for kind in ("speech", "music"))
    length = min(len(speech), len(bed))
    yield "video + jazz (0 dB)", speech[:length], bed[:length]
    reader = [root / f"linly-dubbing/submodules/TTS/tests/data/ljspeech/wavs/LJ001-000{n}.wav" for n in (2, 4, 6)]
    orchestra = load(next((root / "librosa-data/audio").glob("Hungarian*.ogg")))
    noise = load(root / "speechbrain/tests/samples/noise/noise1.wav")
    yield "reader + orchestra (6 dB)", *at_ratio(spoken(reader), orchestra, 6)
    austen = [
        root / f"pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-08{n}0.wav" for n in (7, 8, 9)
    ]
    yield "novel + street (6 dB)", *at_ratio(spoken(austen), noise, 6)
    rooms = [root / f"speechbrain/tests/samples/RIRs/rir{n}.wav" for n in (1, 2)]
    yield "stereo room + orchestra (10 dB)", *at_ratio(in_a_room(spoken(reader), rooms), orchestra, 10)


def spectrum(mix: Sound, window: int) -> NDArray[np.complex64]:
    return np.stack([librosa.stft(side, n_fft=window) for side in np.ascontiguousarray(mix.T)])


def masked(bins: NDArray[np.complex64], mask: NDArray[np.floating[Any]], length: int) -> Sound:
    return np.asarray(np.stack([librosa.istft(side * mask, length=length) for side in bins], axis=1), np.float32)


def nothing(mix: Sound, _spans: Spans) -> Sound:
    return mix


def pauses_only(mix: Sound, spans: Spans) -> Sound:
    kept = np.zeros_like(mix)
    for start, end in spans:
        kept[start * media.PER_MS : end * media.PER_MS] = mix[start * media.PER_MS : end * media.PER_MS]
    return kept


def repet_sim(mix: Sound, _spans: Spans) -> Sound:
    """Rafii and Pardo 2012 by librosa: what repeats is bed."""
    bins = spectrum(mix, 2048)
    size = np.abs(bins).mean(0)
    repeating = librosa.decompose.nn_filter(size, aggregate=np.median, metric="cosine", width=2 * RATE // 512)
    repeating = np.minimum(size, repeating)
    return masked(bins, librosa.util.softmask(size - repeating, 4 * repeating, power=2), len(mix))


def repet_sim_with_pauses(mix: Sound, spans: Spans) -> Sound:
    return pauses_only(repet_sim(mix, spans), spans)


def two_stage_hpss(mix: Sound, _spans: Spans) -> Sound:
    """FitzGerald and Gainza 2010: a voice is percussive in a long window and harmonic in a short one."""
    bins = spectrum(mix, 8192)
    _, moving = librosa.decompose.hpss(np.abs(bins).mean(0), mask=True)
    first = masked(bins, moving, len(mix))
    bins = spectrum(first, 1024)
    steady, _ = librosa.decompose.hpss(np.abs(bins).mean(0), mask=True)
    return masked(bins, steady, len(mix))


def centre(mix: Sound, _spans: Spans) -> Sound:
    """What both sides share."""
    bins = spectrum(mix, 2048)
    middle, side = np.abs(bins.sum(0) / 2) ** 2, np.abs((bins[0] - bins[1]) / 2) ** 2
    return masked(bins, np.clip(middle - side, 0, None) / (middle + side + 1e-12), len(mix))


def wiener(side_weight: float) -> Callable[[Sound, Spans], Sound]:
    return lambda mix, spans: estimate(mix, 0, spans, side_weight)


def demucs(mix: Sound, _spans: Spans) -> Sound:
    """The code path of `tasks.separate.demucs` with random weights: shows that it runs, and nothing of its quality."""
    untrained = separator("demucs", {"model": "demucs_unittest", "device": "cpu"})
    with tempfile.TemporaryDirectory() as folder:
        mixed, dialogue = Path(folder) / "mix.wav", Path(folder) / "dialogue.wav"
        soundfile.write(mixed, mix, RATE, subtype="PCM_24")
        untrained.separate(mixed, dialogue, Path(folder) / "bed.wav", silent)
        voice: Sound = soundfile.read(dialogue, dtype="float32")[0]
        return voice


METHODS: dict[str, Callable[[Sound, Spans], Sound]] = {
    "nothing (the mix)": nothing,
    "pauses only": pauses_only,
    "REPET-SIM": repet_sim,
    "REPET-SIM + pauses": repet_sim_with_pauses,
    "two-stage HPSS": two_stage_hpss,
    "centre": centre,
    "Wiener, no side": wiener(0),
    "Wiener, side to x4": wiener(4),
    "Wiener, side to x16 (used)": wiener(16),
    "Demucs, random weights *": demucs,
}


def spans_of(mix: Sound) -> Spans:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mix.wav"
        soundfile.write(path, soxr.resample(mix.mean(1), RATE, 16_000), 16_000)
        return speech_spans(path, min_silence_ms=200, pad_ms=80)


def main(root: Path) -> None:
    total: dict[str, list[float]] = {name: [] for name in METHODS}
    for title, speech, bed in mixes(root):
        print(f"\n{title:32}{'dialogue':>10}{'bed':>8}")
        mix = speech + bed
        spans = spans_of(mix)
        for name, method in METHODS.items():
            guess = method(mix, spans)
            scores = si_sdr(speech, guess), si_sdr(bed, mix - guess if method is not nothing else mix)
            total[name].extend(scores)
            print(f"  {name:30}{scores[0]:10.2f}{scores[1]:8.2f}")
    print(f"\n{'mean over all':32}{'dialogue':>10}{'bed':>8}")
    for name, found in total.items():
        print(f"  {name:30}{np.mean(found[::2]):10.2f}{np.mean(found[1::2]):8.2f}")
    print("\n* shows that the code path runs, and nothing of how well the published weights separate")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared/media")

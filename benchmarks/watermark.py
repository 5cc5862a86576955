"""What a watermark survives, what it costs and how often it is found where there is none.

    python -m benchmarks.watermark FOLDER [--speech DIR ...]

FOLDER holds lines that a voice spoke (WAV), which are marked. Each row has the share of lines in which the mark is
found after an attack, the scores' median and minimum, and the surest score of the same lines without a mark. False
alarms are counted on clips of 3 s of the files in ``--speech``, which nobody marked. The bed is ``--bed``, music.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
import soxr

from tasks import media
from tasks.machine import process
from tasks.records.errors import PolydubError
from tasks.watermark import Samples, watermarker
from tasks.watermark.detection import detect_at_speeds

RATE_HZ = 32_000
_CLIP_S = 3
_SOUNDS = ("*.wav", "*.flac", "*.ogg", "*.mp3", "*.mp4", "*.mpg")
Attack = Callable[[Samples], Samples]


def read(path: Path) -> Samples:
    """A file in mono: float32 [N] at `RATE_HZ`."""
    graph = media.source(path).audio.output("pipe:", f="f32le", ac=1, ar=RATE_HZ)
    return np.frombuffer(process.capture(media.arguments(graph)), "<f4").copy()


def through(codec: str, bitrate: str, ending: str) -> Attack:
    """Encoded and decoded again."""

    def attack(sound: Samples) -> Samples:
        with TemporaryDirectory() as folder:
            wav, coded = Path(folder) / "a.wav", Path(folder) / f"b.{ending}"
            soundfile.write(wav, sound, RATE_HZ)
            media.run_ffmpeg(media.sink(media.source(wav), coded, acodec=codec, audio_bitrate=bitrate, ar=48_000))
            return read(coded)

    return attack


def over(bed: Samples, level_db: float) -> Attack:
    """Over a bed that is so much louder than the line."""

    def attack(sound: Samples) -> Samples:
        under = np.resize(bed, len(sound))
        gain = np.sqrt(np.mean(sound**2) / np.mean(under**2)) * 10 ** (level_db / 20)
        mixed: Samples = (sound + gain * under).astype(np.float32)
        return mixed

    return attack


def resampled(factor: float) -> Attack:
    """Played so much faster, pitch and all."""
    return lambda sound: soxr.resample(sound, RATE_HZ * factor, RATE_HZ)


def telephone(sound: Samples) -> Samples:
    """At 8 kHz and back."""
    back: Samples = soxr.resample(soxr.resample(sound, RATE_HZ, 8000), 8000, RATE_HZ)
    return back


def attacks(bed: Samples | None) -> dict[str, Attack]:
    """Every attack by its name."""
    every: dict[str, Attack] = {"none": lambda sound: sound}
    for name, codec, ending in (("AAC", "aac", "m4a"), ("MP3", "libmp3lame", "mp3")):
        every |= {f"{name} {rate} kbit/s": through(codec, f"{rate}k", ending) for rate in (64, 96, 128, 192)}
    every |= {f"Opus {rate} kbit/s": through("libopus", f"{rate}k", "opus") for rate in (32, 64)}
    if bed is not None:
        every |= {f"bed at {level} dB": over(bed, level) for level in (-20, -15, -10, -5, 0)}
    every |= {"8 kHz": telephone, "3 s of it": lambda sound: sound[: _CLIP_S * RATE_HZ]}
    return every | {f"speed {factor:.3f}": resampled(factor) for factor in (0.99, 1.01, 24 / 25, 25 / 24, 1.05)}


def clips(folders: list[Path]) -> Iterator[Samples]:
    """Pieces of 3 s of every sound in some folders, silent ones left out."""
    for path in sorted(path for folder in folders for kind in _SOUNDS for path in folder.rglob(kind)):
        try:
            sound = read(path)
        except PolydubError:
            continue
        for start in range(0, len(sound) - _CLIP_S * RATE_HZ + 1, _CLIP_S * RATE_HZ):
            if np.abs(piece := sound[start : start + _CLIP_S * RATE_HZ]).max() > 1e-3:
                yield piece


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--speech", type=Path, nargs="*", default=[])
    parser.add_argument("--bed", type=Path)
    parser.add_argument("--backend", default="perth")
    parser.add_argument("--strength", type=float, default=1.0)
    asked = parser.parse_args()
    backend = watermarker(asked.backend, {"strength": asked.strength} if asked.backend == "perth" else {})
    lines = [read(path) for path in sorted(asked.folder.glob("*.wav"))]
    backend.mark(lines[0], RATE_HZ)  # loads the model
    began = time.process_time()
    marked = [backend.mark(line, RATE_HZ) for line in lines]
    cost = (time.process_time() - began) * RATE_HZ / sum(map(len, lines))
    added = [10 * np.log10(np.sum(a**2) / np.sum((b - a) ** 2)) for a, b in zip(lines, marked, strict=True)]
    print(f"{len(lines)} lines; {cost:.4f} CPU s a second of speech; SNR {min(added):.1f} to {max(added):.1f} dB")
    print("| attack | found | median | least | unmarked, most |\n|---|---|---|---|---|")
    for name, attack in attacks(read(asked.bed) if asked.bed else None).items():
        heard = [detect_at_speeds(attack(line), RATE_HZ, backend) for line in marked]
        plain = max(detect_at_speeds(attack(line), RATE_HZ, backend).score or 0.0 for line in lines)
        scores = np.array([one.score or 0.0 for one in heard])
        share = np.mean([one.verdict == "found" for one in heard])
        print(f"| {name} | {share:.0%} | {np.median(scores):.2f} | {scores.min():.2f} | {plain:.2f} |", flush=True)
    found = [detect_at_speeds(clip, RATE_HZ, backend) for clip in clips(asked.speech)]
    if found:
        alarms, sure = sum(one.verdict == "found" for one in found), max(one.score or 0.0 for one in found)
        print(f"false alarms: {alarms} of {len(found)} clips of {_CLIP_S} s; surest {sure:.2f}")


if __name__ == "__main__":
    main()

"""Every preset on five programmes: ``python -m benchmarks.loudness [MEDIA]``.

Each programme is mixed, encoded and measured on the encoded file, by ffmpeg's ebur128 and, as a check of it, by
pyloudnorm (stereo programmes; a preset that measures dialogue: pyloudnorm's weighting over the speech alone, ungated).
A preset holds where the level is within 0.3 LU, the true peak is not above its limit, and the encoded file has as many
channels as the bed. Exit code 1 where one misses.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyloudnorm
import soundfile
from numpy.typing import NDArray

from benchmarks.separation import load
from configs.loudness import LoudnessPreset, loudness_presets
from tasks import media
from tasks.media.probe import probe
from tasks.mix.mix import mix
from tasks.sound.aac import encode_aac
from tasks.sound.loudness import measure_curve
from tasks.sound.target import Target, target_of

RATE = media.SAMPLE_RATE
SECONDS = 24
Sound = NDArray[np.float32]


def programmes(root: Path) -> Iterator[tuple[str, Sound, Sound, Sound]]:
    """Name, dub (mono), bed (stereo or 5.1), original dialogue (stereo); all of one length."""
    wavs = root / "linly-dubbing/submodules/TTS/tests/data/ljspeech/wavs"
    pause = np.zeros((RATE, 2), np.float32)
    reader = np.concatenate([pause, *(x for n in (1, 2, 4, 6) for x in (load(wavs / f"LJ001-000{n}.wav"), pause))])
    austen = root / "pocketsphinx/test/data/librivox"
    actor = np.concatenate([x for p in sorted(austen.glob("*.wav"))[:3] for x in (pause, load(p), pause, pause)])
    orchestra = load(next((root / "librosa-data/audio").glob("Hungarian*.ogg")))
    jazz = load(next((root / "librosa-data/audio").glob("Kevin*.ogg")))
    street = load(root / "speechbrain/tests/samples/noise/noise1.wav")

    def cut(sound: Sound, level: float = 1.0) -> Sound:
        return np.resize(sound, (SECONDS * RATE, sound.shape[1])).astype(np.float32) * np.float32(level)

    dub, original = cut(reader)[:, :1], cut(actor)
    yield "narration over a quiet street", dub, cut(street, 0.1), original
    yield "scene over an orchestra", dub * 0.5, cut(orchestra, 0.7), original * 0.7
    hot = np.clip(cut(jazz) * 4, -1, 1)
    yield "advert: loud, clipped music", dub, hot, original
    sparse = dub.copy()
    sparse[3 * RATE :] = 0
    yield "action: 3 s of speech in 24", sparse, cut(orchestra), np.where(sparse != 0, original, 0)
    rng = np.random.default_rng(5)
    surround = np.concatenate(
        [cut(orchestra, 0.5), cut(street, 0.05)[:, :1], rng.normal(0, 0.02, (SECONDS * RATE, 1)), cut(jazz, 0.2)],
        axis=1,
    ).astype(np.float32)
    yield "5.1 drama", dub, surround, original


def write(path: Path, sound: Sound) -> Path:
    soundfile.write(path, np.clip(sound, -1, 1), RATE, subtype="PCM_24")
    return path


def by_pyloudnorm(encoded: Path, target: Target) -> float | None:
    """The level by another meter; None for surround."""
    wav = encoded.with_suffix(".check.wav")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", encoded, "-c:a", "pcm_f32le", wav], check=True)
    sound, _ = soundfile.read(wav)
    wav.unlink()
    if sound.shape[1] != 2:
        return None
    meter = pyloudnorm.Meter(RATE)
    if target.speech is None:
        return float(meter.integrated_loudness(sound))
    weighted = sound.copy()
    for stage in meter._filters.values():
        for side in range(2):
            weighted[:, side] = stage.apply_filter(weighted[:, side])
    spoken = np.concatenate([weighted[start * 48 : end * 48] for start, end in target.speech])
    return float(-0.691 + 10 * np.log10((spoken**2).mean(axis=0).sum()))


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared/media")
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        print(
            f"{'programme':32}{'preset':11}{'by':10}{'aim':>7}{'LUFS':>8}{'check':>8}{'dBTP':>7}{'limit':>7}{'ch':>4}{'s':>6}"
        )
        for name, dub, bed, original in programmes(root):
            stems = write(there / "d.wav", dub), write(there / "b.wav", bed), write(there / "o.wav", original)
            for preset in loudness_presets().values():
                missed += not _holds(name, preset, stems, there)
    print("every preset holds on every programme" if not missed else f"{missed} missed")
    return 1 if missed else 0


def _holds(name: str, preset: LoudnessPreset, stems: tuple[Path, Path, Path], folder: Path) -> bool:
    began = time.monotonic()
    made = mix(*stems, preset, folder / "m.wav")
    encode_aac(folder / "m.wav", folder / "m.m4a", preset, speech=made.speech)
    seconds = time.monotonic() - began
    found = measure_curve(folder / "m.m4a")
    target = target_of(preset, made.speech, SECONDS * 1000)
    level, peak = target.level(found), found.loudness.true_peak_dbtp
    check = by_pyloudnorm(folder / "m.m4a", target)
    channels = probe(folder / "m.m4a").audio[0].channels
    good = abs(level - target.lufs) <= 0.3 and peak <= preset.true_peak_dbtp and channels == made.channels
    measured = "dialogue" if target.speech else "programme"
    other = f"{check:8.2f}" if check is not None else f"{'-':>8}"
    print(
        f"{name:32}{preset.name:11}{measured:10}{target.lufs:7.1f}{level:8.2f}{other}{peak:7.1f}"
        f"{preset.true_peak_dbtp:7.1f}{channels:4}{seconds:6.1f}{'' if good else '  MISSED'}",
        flush=True,
    )
    return good


if __name__ == "__main__":
    sys.exit(main())

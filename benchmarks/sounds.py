"""Teaches the network that tells kinds of sound (`lipsync_engine.speech.sounds`) anew, and says how well it does.

    python -m benchmarks.sounds [--sentences 20] [--kept FOLDER] [--out lipsync_engine/speech/sounds.npz]

Kokoro, which says when each of its symbols is spoken, speaks the sentences of ``voices.yaml``, but none that
`benchmarks.aligner` judges by; each is heard four times: as it is, and in other sizes of the head, rooms, noises and
bands. Every tenth is kept back for the figure that is printed. One core, one seed: the same network each time.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import soxr
import torch
import yaml
from numpy.typing import NDArray

from benchmarks.aligner import Recording, kept
from configs.kokoro import kokoro
from lipsync_engine.media.staging import staged
from lipsync_engine.records import FloatArray, Phone
from lipsync_engine.speech.phones import stretch
from lipsync_engine.speech.sounds import KINDS, RATE_HZ, features, kinds_at
from tasks.synthesize import synthesizer

LANGUAGES = ("en", "es", "fr", "it", "pt", "ja", "de", "hi")
#: Of these the aligner's benchmark speaks the first sentences.
_JUDGED, _FIRST = ("es", "fr", "de", "en"), 8
_HIDDEN, _ROUNDS, _BATCH, _RATE = 64, 12, 512, 3e-3
_WAYS, _BACK = 4, 10

Heard = tuple[FloatArray, NDArray[np.intp]]


def spoken(sentences: int, folder: Path) -> Iterator[Recording]:
    """Sentences of every language by its voices in turn."""
    texts = yaml.safe_load(Path(__file__).with_name("voices.yaml").read_text("utf-8"))
    backend = synthesizer("kokoro", {"all_languages": True})
    for language in LANGUAGES:
        table = kokoro().languages[language]
        voices = [voice for pair in zip(table.female, table.male, strict=False) for voice in pair] or table.female
        readable = [text for text in texts[language] if not re.search(r"\d|www", text)][:sentences]
        for number, (text, voice) in enumerate(zip(readable, cycle(voices), strict=False)):
            if number >= _FIRST or language not in _JUDGED:
                yield kept(backend, voice, language, text, folder)


def ways(recording: Recording, random: np.random.Generator) -> Iterator[Heard]:
    """The recording as it is, and otherwise: features [T, 117] and the kind of sound at each hop."""
    clean = soxr.resample(recording.samples, recording.rate_hz, RATE_HZ).astype(np.float32)
    for way in range(_WAYS):
        samples, phones = (_otherwise(clean, recording.phones, random)) if way else (clean, recording.phones)
        heard = features(samples)
        yield heard, kinds_at(phones, len(heard))[: len(heard)]


def _otherwise(
    samples: FloatArray, phones: tuple[Phone, ...], random: np.random.Generator
) -> tuple[FloatArray, tuple[Phone, ...]]:
    """Another size of head, room, noise, tilt, band and level."""
    size = random.uniform(0.85, 1.2)
    out = soxr.resample(samples, RATE_HZ * size, RATE_HZ)
    phones = stretch(phones, 1 / size)
    if random.random() < 0.25:
        tail = np.exp(-np.arange(4000) / random.uniform(300, 1500)) * random.normal(size=4000) * 0.2
        out = np.convolve(out, np.concatenate([[1.0], tail]))[: len(out)]
    if random.random() < 0.5:
        noise = random.normal(size=len(out))
        noise = np.cumsum(noise - noise.mean()) if random.random() < 0.3 else noise
        snr = random.choice([30, 20, 15, 10, 5])
        out = out + noise * np.sqrt((out**2).mean() / (noise**2).mean() / 10 ** (snr / 10))
    if random.random() < 0.5:
        out = np.append(out[:1], out[1:] + random.uniform(-0.5, 0.5) * out[:-1])
    if random.random() < 0.15:
        out = np.clip(out * random.uniform(4, 15) / np.abs(out).max(), -1, 1)
    if random.random() < 0.15:
        out = soxr.resample(soxr.resample(out, RATE_HZ, 8000), 8000, RATE_HZ)
    return out.astype(np.float32), phones


def taught(heard: list[Heard]) -> dict[str, NDArray[np.float32]]:
    """The weights, by the names that `sounds.evidence` reads."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    known = torch.from_numpy(np.concatenate([one for one, _ in heard]))
    kinds = torch.from_numpy(np.concatenate([one for _, one in heard]))
    net = torch.nn.Sequential(
        torch.nn.Linear(known.shape[1], _HIDDEN), torch.nn.Tanh(), torch.nn.Linear(_HIDDEN, len(KINDS))
    )
    steps = torch.optim.AdamW(net.parameters(), _RATE, weight_decay=1e-3)
    for _ in range(_ROUNDS):
        for batch in torch.randperm(len(known)).split(_BATCH):
            loss = torch.nn.functional.cross_entropy(net(known[batch]), kinds[batch], label_smoothing=0.02)
            steps.zero_grad()
            loss.backward()
            steps.step()
        for group in steps.param_groups:
            group["lr"] *= 0.8
    usual = np.bincount(kinds.numpy(), minlength=len(KINDS)) / len(kinds)
    first, last = (part.state_dict() for part in (net[0], net[2]))
    return {
        "hidden": first["weight"].numpy().T,
        "hidden_bias": first["bias"].numpy(),
        "out": last["weight"].numpy().T,
        "out_bias": last["bias"].numpy(),
        "usual": usual.astype(np.float32),
    }


def right(weights: dict[str, NDArray[np.float32]], heard: list[Heard]) -> float:
    """Share of hops whose kind of sound is found."""
    found = [
        (np.tanh(one @ weights["hidden"] + weights["hidden_bias"]) @ weights["out"] + weights["out_bias"]).argmax(
            axis=1
        )
        for one, _ in heard
    ]
    return float(np.mean(np.concatenate(found) == np.concatenate([kinds for _, kinds in heard])))


def main() -> None:
    """Teach, judge, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=20)
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    random = np.random.default_rng(0)
    learnt: list[Heard] = []
    back: list[Heard] = []
    with tempfile.TemporaryDirectory(prefix="polydub-sounds-") as folder:
        place = options.kept or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        for number, one in enumerate(spoken(options.sentences, place)):
            held = number % _BACK == _BACK - 1
            (back if held else learnt).extend(list(ways(one, random))[: 1 if held else _WAYS])
    weights = taught(learnt)
    print(
        f"{len(learnt)} heard, {sum(len(one) for one, _ in learnt)} hops; kept back: {right(weights, back):.1%} right"
    )
    if options.out:
        with staged(options.out) as part, part.open("wb") as file:
            halves = {name: one.astype(np.float16) for name, one in weights.items() if name != "usual"}
            np.savez_compressed(file, allow_pickle=False, usual=weights["usual"], **halves)


if __name__ == "__main__":
    main()

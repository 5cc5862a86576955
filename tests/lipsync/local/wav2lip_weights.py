"""Weights for Wav2Lip's network that are the same everywhere, and weights that copy the face that they are shown."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tasks.lipsync.local.wav2lip_network import VARIANTS, Generator, shapes


def seeded(names: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """A value for each name, of its shape, by the order of names; none so large that colours stay at an end."""
    stream = np.random.RandomState(7)

    def value(name: str, shape: tuple[int, ...]) -> Tensor:
        drawn = stream.random_sample(int(np.prod(shape))).astype(np.float32).reshape(shape)
        if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
            return torch.from_numpy(0.5 + drawn)
        wide = np.sqrt(1.8 / np.prod(shape[1:])) if len(shape) == 4 else 0.1
        return torch.from_numpy(((2 * drawn - 1) * wide).astype(np.float32))

    return {name: value(name, names[name]) for name in sorted(names)}


def inputs(side: int) -> tuple[Tensor, Tensor]:
    """Sound and faces for one picture."""
    stream = np.random.RandomState(11)
    sound = stream.random_sample((1, 1, 80, 16)) * 8 - 4
    return torch.from_numpy(sound.astype(np.float32)), torch.from_numpy(
        stream.random_sample((1, 6, side, side)).astype(np.float32)
    )


def sampled(values: np.ndarray) -> list[float]:
    """Fifty values of an array, evenly spread."""
    flat = np.asarray(values, np.float64).ravel()
    return [round(float(v), 7) for v in flat[:: len(flat) // 50][:50]]


def digest(names: Mapping[str, tuple[int, ...]]) -> str:
    """One text for all names and shapes."""
    return hashlib.sha256("\n".join(f"{n} {tuple(s)}" for n, s in sorted(names.items())).encode()).hexdigest()


def spoken() -> np.ndarray:
    """A second and a half of sound at 16 kHz with a pause in it."""
    time = np.arange(24_000) / 16_000
    sound = 0.4 * np.sin(2 * np.pi * (200 + 900 * time) * time) * (1 + np.sin(2 * np.pi * 4 * time)) / 2
    sound[9000:12000] = 0
    return sound.astype(np.float32)


def save(path: Path, state: Mapping[str, Tensor]) -> Path:
    """A checkpoint as Wav2Lip's training writes it."""
    held = {f"module.{name}": value for name, value in state.items()}
    torch.save({"state_dict": held, "optimizer": None, "global_step": 3, "global_epoch": 1}, path)
    return path


def copying() -> dict[str, Tensor]:
    """Weights of the network of 96 pixels that show the whole face that goes in, a little paler."""
    generator = Generator(VARIANTS[0])
    state = generator.state_dict()
    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.weight.data.zero_()
            assert module.bias is not None
            module.bias.data.zero_()
    for colour in range(3):
        state["face_encoder_blocks.0.0.conv_block.0.weight"][colour, 3 + colour, 3, 3] = 1
        state["output_block.0.conv_block.0.weight"][colour, 64 + colour, 1, 1] = 1
        state["output_block.1.weight"][colour, colour, 0, 0] = 4.6
    state["output_block.1.bias"][:] = -2.3
    return state


def all_shapes() -> dict[int, dict[str, tuple[int, ...]]]:
    """Names and shapes of every size, without memory for them."""
    with torch.device("meta"):
        return {variant.side: shapes(Generator(variant)) for variant in VARIANTS}

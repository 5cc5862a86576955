"""The real Whisper base for openai-whisper: its checkpoint made again from the CTranslate2 model that we ship."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
#: Layers by CTranslate2's names and by openai-whisper's.
_NORMS = {
    "self_attention/layer_norm": "attn_ln",
    "attention/layer_norm": "cross_attn_ln",
    "ffn/layer_norm": "mlp_ln",
}
_PARTS = {
    "self_attention/linear_0": ("attn.query", "attn.key", "attn.value"),
    "self_attention/linear_1": ("attn.out",),
    "attention/linear_0": ("cross_attn.query",),
    "attention/linear_1": ("cross_attn.key", "cross_attn.value"),
    "attention/linear_2": ("cross_attn.out",),
    "ffn/linear_0": ("mlp.0",),
    "ffn/linear_1": ("mlp.2",),
}


def save_openai_whisper(model: Path, checkpoint: Path) -> Path:
    """Write the checkpoint of openai-whisper that has the weights of a ``model.bin``; its path.

    Name it as the package does (``base.pt``): by its name the heads are known that tell the times of words.
    """
    import torch

    held = variables(model)
    weights = {name: torch.from_numpy(value.astype(np.float16)) for name, value in _renamed(held)}
    vocabulary, width = held["decoder/embeddings/weight"].shape
    sides: dict[str, Any] = {"n_mels": held["encoder/conv1/weight"].shape[1], "n_vocab": vocabulary}
    for side, called in (("encoder", "audio"), ("decoder", "text")):
        sides |= {
            f"n_{called}_ctx": len(held[f"{side}/position_encodings/encodings"]),
            f"n_{called}_state": width,
            f"n_{called}_head": int(held[f"{side}/num_heads"]),
            f"n_{called}_layer": sum(name.startswith(side) and name.endswith("/ffn/linear_0/bias") for name in held),
        }
    torch.save({"dims": sides, "model_state_dict": weights}, checkpoint)
    return checkpoint


def variables(model: Path) -> dict[str, NDArray[Any]]:
    """The variables of a CTranslate2 file of version 6."""
    with model.open("rb") as file:
        (version,) = _read(file, "<I")
        assert version == 6, version
        assert _name(file) == "WhisperSpec"
        _read(file, "<I")
        held = {}
        for _ in range(_read(file, "<I")[0]):
            name = _name(file)
            shape = _read(file, f"<{_read(file, '<B')[0]}I")
            kind, size = _read(file, "<BI")
            held[name] = np.frombuffer(file.read(size), _TYPES[kind]).reshape(shape)
        return held


def _renamed(held: dict[str, NDArray[Any]]) -> Any:
    yield "decoder.token_embedding.weight", held["decoder/embeddings/weight"]
    yield "encoder.positional_embedding", held["encoder/position_encodings/encodings"]
    yield "decoder.positional_embedding", held["decoder/position_encodings/encodings"]
    for name, value in held.items():
        side, _, rest = name.partition("/")
        layer, _, inner = rest.partition("/")
        part, _, kind = inner.rpartition("/")
        if layer.startswith("conv"):
            yield f"{side}.{layer}.{inner}", value
        elif layer == "layer_norm":
            yield f"{side}.{'ln_post' if side == 'encoder' else 'ln'}.{_norm(inner)}", value
        elif part in _NORMS:
            yield f"{side}.blocks.{layer.removeprefix('layer_')}.{_NORMS[part]}.{_norm(kind)}", value
        elif part in _PARTS:
            own = _PARTS[part]
            for called, piece in zip(own, np.split(value, len(own)), strict=True):
                if (called.split(".")[-1], kind) == ("key", "bias"):
                    assert not piece.any()  # openai-whisper has none
                    continue
                yield f"{side}.blocks.{layer.removeprefix('layer_')}.{called}.{kind}", piece


def _norm(kind: str) -> str:
    return {"gamma": "weight", "beta": "bias"}[kind]


def _name(file: BinaryIO) -> str:
    return file.read(_read(file, "<H")[0])[:-1].decode()


def _read(file: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))

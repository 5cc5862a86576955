"""The face networks and how each one is run: by LiteRT on the CPU, by torch on any device and in batches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facemesh.builtin import with_builtins
from lipsync_engine.faces.facemesh.tflite import Graph, read
from lipsync_engine.faces.facemesh.weights import content_of
from lipsync_engine.records import FloatArray


@dataclass(frozen=True, slots=True)
class Model:
    """One of MediaPipe's networks.

    Attributes:
        name: of its file.
        side: its square input in pixels.
        lowest: value of a black sample; white is 1.
    """

    name: str
    side: int
    lowest: float


#: Mesh with refined lips, eyes and irises; faces anywhere in the picture; faces that fill it.
MESH = Model("face_landmark_with_attention.tflite", 192, 0.0)
FAR = Model("face_detection_full_range_sparse.tflite", 192, -1.0)
NEAR = Model("face_detection_short_range.tflite", 128, -1.0)


class Run(Protocol):
    """Computes one network.

    Attributes:
        batches: whether a batch costs less than its pictures one by one.
    """

    batches: bool

    def __call__(self, pictures: NDArray[np.uint8]) -> dict[str, FloatArray]:
        """Outputs by name, each float32 [B, numbers], of RGB pictures, uint8 [B, side, side, 3]."""
        ...


@cache
def graph_of(model: Model) -> Graph:
    """The parsed file (``content_of`` and ``read`` say what they raise)."""
    return read(content_of(model.name))


def device_named(wanted: str) -> str:
    """``"auto"`` resolved to ``"cuda"`` where torch sees one, else ``"cpu"``; other names as they are."""
    if wanted != "auto":
        return wanted
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def open_model(model: Model, device: str = "cpu") -> Run:
    """The network ready to run: by LiteRT on ``"cpu"`` (measured more than twice as fast there), else by torch.

    Raises:
        ModelError: the file is missing or has parts that are not known here.
    """
    return LiteRun(model) if device == "cpu" else TorchRun(model, device)


class TorchRun:
    """A network computed by torch; equal to ``LiteRun`` within 1e-3 pixels of its input."""

    batches = True

    def __init__(self, model: Model, device: str = "cpu", *, half: bool = False) -> None:
        from lipsync_engine.faces.facemesh.network import Network

        self._model = model
        self._network = Network(graph_of(model), device, half=half)

    def __call__(self, pictures: NDArray[np.uint8]) -> dict[str, FloatArray]:
        """See ``Run``."""
        import torch

        samples = torch.from_numpy(np.ascontiguousarray(pictures)).to(self._network.device).permute(0, 3, 1, 2)
        lowest = self._model.lowest
        values = self._network(samples.to(self._network.kind) * ((1 - lowest) / 255) + lowest)
        return {name: v.reshape(len(pictures), -1).cpu().numpy() for name, v in values.items()}


class LiteRun:
    """A network computed by LiteRT on one core, one picture after the other, by one thread at a time."""

    batches = False

    def __init__(self, model: Model) -> None:
        from lipsync_engine.faces.facemesh.litert import Network

        self._names = list(graph_of(model).outputs)
        self._network = Network(_runnable(model), model.lowest)

    def __call__(self, pictures: NDArray[np.uint8]) -> dict[str, FloatArray]:
        """See ``Run``."""
        rows = [self._network(picture) for picture in pictures]
        columns = zip(*rows, strict=True)
        return {name: np.stack(values) for name, values in zip(self._names, columns, strict=True)}


@cache
def _runnable(model: Model) -> bytes:
    """The file that LiteRT can run."""
    content = content_of(model.name)
    return with_builtins(content) if model is MESH else content

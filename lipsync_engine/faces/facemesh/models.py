"""The face networks and how each one is run: by ONNX Runtime on the CPU, by torch on any device and in batches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

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
    """The network ready to run: by ONNX Runtime on ``"cpu"`` (measured twice as fast there), else by torch.

    Raises:
        ModelError: the file is missing or has parts that are not known here.
    """
    return OnnxRun(model) if device == "cpu" else TorchRun(model, device)


class TorchRun:
    """A network computed by torch; equal to ``OnnxRun`` within 1e-3 pixels of its input."""

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


class OnnxRun:
    """A network computed by ONNX Runtime on one core, one picture after the other."""

    batches = False

    def __init__(self, model: Model) -> None:
        self._names = list(graph_of(model).outputs)
        self._session = _session(model)
        self._gain = (1 - model.lowest) / 255
        self._black = -model.lowest / self._gain

    def __call__(self, pictures: NDArray[np.uint8]) -> dict[str, FloatArray]:
        """See ``Run``."""
        rows = [self._one(picture) for picture in pictures]
        return {name: np.stack(values) for name, values in zip(self._names, zip(*rows, strict=True), strict=True)}

    def _one(self, picture: NDArray[np.uint8]) -> list[FloatArray]:
        """Its outputs in order, each flat."""
        samples = cv2.dnn.blobFromImage(picture, self._gain, mean=(self._black,) * 3)
        return [np.asarray(values, np.float32).ravel() for values in self._session.run(None, {"picture": samples})]


@cache
def _session(model: Model) -> Any:
    """One session a network and process: runs share it."""
    import onnxruntime

    from lipsync_engine.faces.facemesh.convert import converted

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    return onnxruntime.InferenceSession(converted(graph_of(model)), options, providers=["CPUExecutionProvider"])

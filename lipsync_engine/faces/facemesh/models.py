"""Where the face networks lie and how each one is run: by torch (any device, batches) or by MediaPipe (CPU)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facemesh.tflite import Graph, ModelError, read
from lipsync_engine.records import FloatArray


@dataclass(frozen=True, slots=True)
class Model:
    """One network of the ``mediapipe`` wheel.

    Attributes:
        name: file below ``mediapipe/modules``.
        side: its square input in pixels.
        lowest: value of a black sample; white is 1.
    """

    name: str
    side: int
    lowest: float


#: Mesh with refined lips, eyes and irises; faces anywhere in the picture; faces that fill it.
MESH = Model("face_landmark/face_landmark_with_attention.tflite", 192, 0.0)
FAR = Model("face_detection/face_detection_full_range_sparse.tflite", 192, -1.0)
NEAR = Model("face_detection/face_detection_short_range.tflite", 128, -1.0)


class Run(Protocol):
    """Computes one network.

    Attributes:
        batches: whether a batch costs less than its pictures one by one.
    """

    batches: bool

    def __call__(self, pictures: NDArray[np.uint8]) -> dict[str, FloatArray]:
        """Outputs by name, each float32 [B, numbers], of RGB pictures, uint8 [B, side, side, 3]."""
        ...

    def close(self) -> None:
        """Free the network."""
        ...


def wheel() -> Path:
    """The folder of the installed package, found without importing it, which takes seconds.

    Raises:
        ModelError: ``mediapipe`` is not installed.
    """
    spec = find_spec("mediapipe")
    if spec is None or spec.origin is None:
        raise ModelError("mediapipe is not installed: the face networks and their mesh lie in its wheel")
    return Path(spec.origin).parent


def path_of(model: Model) -> Path:
    """The file in the installed wheel (``wheel`` says what it raises)."""
    return wheel() / "modules" / model.name


@cache
def graph_of(model: Model) -> Graph:
    """The parsed file."""
    return read(path_of(model))


def device_named(wanted: str) -> str:
    """``"auto"`` resolved to ``"cuda"`` where torch sees one, else ``"cpu"``; other names as they are."""
    if wanted != "auto":
        return wanted
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def open_model(model: Model, device: str = "cpu") -> Run:
    """The network ready to run: by MediaPipe on ``"cpu"`` (measured twice as fast there), else by torch.

    Raises:
        ModelError: the file is missing or has parts that are not known here.
    """
    return MediaPipeRun(model) if device == "cpu" else TorchRun(model, device)


class TorchRun:
    """A network computed by torch; equal to MediaPipe's within 1e-3 pixels of its input."""

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

    def close(self) -> None:
        """See ``Run``."""


class MediaPipeRun:
    """A network computed by MediaPipe's own interpreter (XNNPACK) on one core."""

    batches = False

    def __init__(self, model: Model) -> None:
        os.environ.setdefault("GLOG_minloglevel", "2")
        import mediapipe
        from google.protobuf import text_format
        from mediapipe.framework import calculator_pb2
        from mediapipe.python._framework_bindings import calculator_graph, resource_util

        resource_util.set_resource_dir(str(Path(mediapipe.__file__).parents[1]))
        self._names = list(graph_of(model).outputs)
        config = text_format.Parse(_config(model, len(self._names)), calculator_pb2.CalculatorGraphConfig())
        self._graph = calculator_graph.CalculatorGraph(graph_config=config)
        self._rows: list[list[FloatArray]] = [[] for _ in self._names]
        for number, rows in enumerate(self._rows):
            self._graph.observe_output_stream(f"out{number}", _collector(rows), False)
        self._graph.start_run({})
        self._clock = 0

    def __call__(self, pictures: NDArray[np.uint8]) -> dict[str, FloatArray]:
        """See ``Run``."""
        from mediapipe.python import packet_creator
        from mediapipe.python._framework_bindings import image_frame

        for rows in self._rows:
            rows.clear()
        for picture in pictures:
            self._clock += 1
            packet = packet_creator.create_image_frame(
                data=np.ascontiguousarray(picture), image_format=image_frame.ImageFormat.SRGB
            )
            self._graph.add_packet_to_input_stream("picture", packet.at(self._clock))
        self._graph.wait_until_idle()
        return {name: np.stack(rows) for name, rows in zip(self._names, self._rows, strict=True)}

    def close(self) -> None:
        """See ``Run``."""
        self._graph.close()


def _collector(rows: list[FloatArray]) -> Callable[[str, Any], None]:
    from mediapipe.python import packet_getter

    def collect(_: str, packet: Any) -> None:
        rows.append(np.array(packet_getter.get_float_list(packet), np.float32))

    return collect


def _config(model: Model, outputs: int) -> str:
    """A MediaPipe graph: picture in, the network's raw outputs out."""
    numbers = range(outputs)
    return "\n".join(
        [
            'input_stream: "picture"',
            *(f'output_stream: "out{i}"' for i in numbers),
            'node { calculator: "ImageToTensorCalculator" input_stream: "IMAGE:picture" output_stream: "TENSORS:in"',
            f"options {{ [mediapipe.ImageToTensorCalculatorOptions.ext] {{ output_tensor_width: {model.side}",
            f"output_tensor_height: {model.side} output_tensor_float_range {{ min: {model.lowest} max: 1.0 }} }} }} }}",
            'node { calculator: "TfLiteCustomOpResolverCalculator" output_side_packet: "OP_RESOLVER:operators" }',
            'node { calculator: "InferenceCalculator" input_stream: "TENSORS:in" output_stream: "TENSORS:all"',
            'input_side_packet: "OP_RESOLVER:operators" options { [mediapipe.InferenceCalculatorOptions.ext] {',
            f'model_path: "mediapipe/modules/{model.name}" delegate {{ xnnpack {{ num_threads: 1 }} }} }} }} }}',
            'node { calculator: "SplitTensorVectorCalculator" input_stream: "all"',
            *(f'output_stream: "one{i}"' for i in numbers),
            "options { [mediapipe.SplitVectorCalculatorOptions.ext] {",
            *(f"ranges {{ begin: {i} end: {i + 1} }}" for i in numbers),
            "} } }",
            *(
                f'node {{ calculator: "TensorsToFloatsCalculator" input_stream: "TENSORS:one{i}"'
                f' output_stream: "FLOATS:out{i}" }}'
                for i in numbers
            ),
        ]
    )

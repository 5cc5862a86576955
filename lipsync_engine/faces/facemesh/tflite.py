"""A TensorFlow Lite file as operators in order, their options, and every constant as an array.

LiteRT's own schema reads and writes the format; here it is brought to what a face network needs: dense float32 weights.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder, flexbuffers
from numpy.typing import NDArray

from lipsync_engine.faces.facemesh.weights import ModelError

#: Options that are read, by operator: for each of our names, the format's.
_STRIDES = {"padding": "padding", "stride_w": "strideW", "stride_h": "strideH", "activation": "fusedActivationFunction"}
_OPTIONS: dict[str, dict[str, str]] = {
    "add": {"activation": "fusedActivationFunction"},
    "concatenation": {"axis": "axis", "activation": "fusedActivationFunction"},
    "conv_2d": _STRIDES,
    "depthwise_conv_2d": _STRIDES | {"multiplier": "depthMultiplier"},
    "depth_to_space": {"block": "blockSize"},
    "max_pool_2d": _STRIDES | {"filter_w": "filterWidth", "filter_h": "filterHeight"},
    "mul": {"activation": "fusedActivationFunction"},
    "resize_bilinear": {"align_corners": "alignCorners", "half_pixel_centers": "halfPixelCenters"},
}
_TYPES: dict[int, type[np.generic]] = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
}
_NAMES = {number: name for name, number in vars(schema.BuiltinOperator).items() if name.isupper()}
_IDENTIFIER = b"TFL3"


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of the graph.

    Attributes:
        name: lower-case name of the built-in operator, or the custom operator's own name.
        inputs: numbers of the tensors that go in, -1 for an absent one.
        outputs: numbers of the tensors that come out.
        options: the built-in operator's options, or the custom operator's attributes.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Graph:
    """A network: constants by tensor number (float16 and sparse ones as dense float32), operators, ends.

    Attributes:
        constants: array of each constant tensor.
        shapes: declared shape of each tensor, the batch as 1.
        operators: the steps in order, without those that only unpack constants.
        inputs: numbers of the input tensors.
        outputs: tensor number of each output by its name.
    """

    constants: dict[int, NDArray[Any]]
    shapes: dict[int, tuple[int, ...]]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: dict[str, int]


def read(content: bytes) -> Graph:
    """Parse the content of a model file.

    Raises:
        ModelError: it is no TensorFlow Lite model, or has parts that are not known here.
    """
    model = opened(content)
    graph = model.subgraphs[0]
    shapes = {i: () if t.shape is None else tuple(map(int, t.shape)) for i, t in enumerate(graph.tensors)}
    constants = {}
    for index, tensor in enumerate(graph.tensors):
        raw = model.buffers[tensor.buffer].data
        if raw is not None and len(raw):
            constants[index] = _constant(tensor, shapes[index], np.asarray(raw, np.uint8))
    operators = []
    for step in (_operator(model, table) for table in graph.operators):
        if step.name in ("dequantize", "densify") and step.inputs[0] in constants:
            constants[step.outputs[0]] = constants[step.inputs[0]].astype(np.float32)
        else:
            operators.append(step)
    outputs = {graph.tensors[i].name.decode(): int(i) for i in graph.outputs}
    return Graph(constants, shapes, tuple(operators), tuple(map(int, graph.inputs)), outputs)


def opened(content: bytes) -> Any:
    """The file's own tables (``schema_py_generated.ModelT``).

    Raises:
        ModelError: it is no TensorFlow Lite model.
    """
    if not schema.Model.ModelBufferHasIdentifier(content, 0):
        raise ModelError("this is no TensorFlow Lite model")
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def stored(model: Any) -> bytes:
    """The content of the file of a model's tables."""
    builder = Builder()
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def _constant(tensor: Any, shape: tuple[int, ...], raw: NDArray[np.uint8]) -> NDArray[Any]:
    if tensor.type not in _TYPES:
        raise ModelError(f"constants of type {tensor.type} are not known here")
    values = raw.view(_TYPES[tensor.type])
    return values.reshape(shape) if tensor.sparsity is None else _dense(values, shape, tensor.sparsity)


def _dense(values: NDArray[Any], shape: tuple[int, ...], sparsity: Any) -> NDArray[Any]:
    """Unpack weights that are sparse in their last dimension (the only layout of MediaPipe's sparse detector)."""
    kinds = [dimension.format for dimension in sparsity.dimMetadata]
    if list(sparsity.traversalOrder) != list(range(len(shape))) or any(kinds[:-1]) or kinds[-1] != 1:
        raise ModelError("weights are sparse in a way that is not known here")
    last = sparsity.dimMetadata[-1]
    if last.arraySegments is None or last.arrayIndices is None:
        raise ModelError("a sparse tensor lacks its indices")
    ends, columns = (np.asarray(vector.values, np.int64) for vector in (last.arraySegments, last.arrayIndices))
    rows = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    out = np.zeros((int(np.prod(shape[:-1])), shape[-1]), values.dtype)
    out[rows, columns] = values
    return out.reshape(shape)


def _operator(model: Any, table: Any) -> Operator:
    code = model.operatorCodes[table.opcodeIndex]
    number = max(code.deprecatedBuiltinCode, code.builtinCode)
    inputs, outputs = (tuple(map(int, ends)) for ends in (table.inputs, table.outputs))
    if number == schema.BuiltinOperator.CUSTOM:
        packed = b"" if table.customOptions is None else bytes(table.customOptions)
        return Operator(code.customCode.decode(), inputs, outputs, flexbuffers.Loads(packed) if packed else {})
    if number not in _NAMES:
        raise ModelError(f"operator {number} is not known here")
    name, stored = _NAMES[number].lower(), table.builtinOptions
    known = _OPTIONS.get(name, {})
    return Operator(name, inputs, outputs, {ours: int(getattr(stored, its, 0)) for ours, its in known.items()})

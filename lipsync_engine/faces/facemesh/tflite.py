"""A TensorFlow Lite file as operators in order, their options, and every constant as an array.

The package ``tflite`` reads the format; here it is brought to what a face network needs: dense float32 weights.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tflite as schema
from flatbuffers import flexbuffers
from numpy.typing import NDArray

from lipsync_engine.faces.facemesh.weights import ModelError

#: Options that are read, by operator: the table of the format that holds them, and its field for each of our names.
_STRIDES = {"padding": "Padding", "stride_w": "StrideW", "stride_h": "StrideH", "activation": "FusedActivationFunction"}
_OPTIONS: dict[str, tuple[type[Any], dict[str, str]]] = {
    "add": (schema.AddOptions, {"activation": "FusedActivationFunction"}),
    "concatenation": (schema.ConcatenationOptions, {"axis": "Axis", "activation": "FusedActivationFunction"}),
    "conv_2d": (schema.Conv2DOptions, _STRIDES),
    "depthwise_conv_2d": (schema.DepthwiseConv2DOptions, _STRIDES | {"multiplier": "DepthMultiplier"}),
    "depth_to_space": (schema.DepthToSpaceOptions, {"block": "BlockSize"}),
    "max_pool_2d": (schema.Pool2DOptions, _STRIDES | {"filter_w": "FilterWidth", "filter_h": "FilterHeight"}),
    "mul": (schema.MulOptions, {"activation": "FusedActivationFunction"}),
    "resize_bilinear": (
        schema.ResizeBilinearOptions,
        {"align_corners": "AlignCorners", "half_pixel_centers": "HalfPixelCenters"},
    ),
}
_TYPES: dict[int, type[np.generic]] = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
}
_INDICES: dict[int, type[Any]] = {
    schema.SparseIndexVector.Int32Vector: schema.Int32Vector,
    schema.SparseIndexVector.Uint16Vector: schema.Uint16Vector,
    schema.SparseIndexVector.Uint8Vector: schema.Uint8Vector,
}


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
    if not schema.Model.ModelBufferHasIdentifier(content, 0):
        raise ModelError("this is no TensorFlow Lite model")
    model = schema.Model.GetRootAs(content)
    graph = model.Subgraphs(0)
    tensors = [graph.Tensors(i) for i in range(graph.TensorsLength())]
    shapes = {i: tuple(t.ShapeAsNumpy().tolist()) if t.ShapeLength() else () for i, t in enumerate(tensors)}
    constants = {}
    for index, tensor in enumerate(tensors):
        buffer = model.Buffers(tensor.Buffer())
        if buffer.DataLength():
            constants[index] = _constant(tensor, shapes[index], buffer.DataAsNumpy())
    operators = []
    for step in (_operator(model, graph.Operators(i)) for i in range(graph.OperatorsLength())):
        if step.name in ("dequantize", "densify") and step.inputs[0] in constants:
            constants[step.outputs[0]] = constants[step.inputs[0]].astype(np.float32)
        else:
            operators.append(step)
    outputs = {tensors[i].Name().decode(): int(i) for i in graph.OutputsAsNumpy()}
    return Graph(constants, shapes, tuple(operators), tuple(graph.InputsAsNumpy().tolist()), outputs)


def _constant(tensor: Any, shape: tuple[int, ...], raw: NDArray[np.uint8]) -> NDArray[Any]:
    if tensor.Type() not in _TYPES:
        raise ModelError(f"constants of type {tensor.Type()} are not known here")
    values = raw.view(_TYPES[tensor.Type()])
    sparsity = tensor.Sparsity()
    return values.reshape(shape) if sparsity is None else _dense(values, shape, sparsity)


def _dense(values: NDArray[Any], shape: tuple[int, ...], sparsity: Any) -> NDArray[Any]:
    """Unpack weights that are sparse in their last dimension (the only layout of MediaPipe's sparse detector)."""
    kinds = [sparsity.DimMetadata(i).Format() for i in range(sparsity.DimMetadataLength())]
    if sparsity.TraversalOrderAsNumpy().tolist() != list(range(len(shape))) or any(kinds[:-1]) or kinds[-1] != 1:
        raise ModelError("weights are sparse in a way that is not known here")
    last = sparsity.DimMetadata(len(kinds) - 1)
    ends = _vector(last.ArraySegmentsType(), last.ArraySegments())
    columns = _vector(last.ArrayIndicesType(), last.ArrayIndices())
    rows = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    out = np.zeros((int(np.prod(shape[:-1])), shape[-1]), values.dtype)
    out[rows, columns] = values
    return out.reshape(shape)


def _vector(kind: int, table: Any) -> NDArray[np.int64]:
    """A vector of the union ``SparseIndexVector``."""
    if kind not in _INDICES or table is None:
        raise ModelError("a sparse tensor lacks its indices")
    vector = _INDICES[kind]()
    vector.Init(table.Bytes, table.Pos)
    return np.asarray(vector.ValuesAsNumpy(), np.int64)


def _operator(model: Any, table: Any) -> Operator:
    code = model.OperatorCodes(table.OpcodeIndex())
    number = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
    inputs, outputs = (tuple(ends.tolist()) for ends in (table.InputsAsNumpy(), table.OutputsAsNumpy()))
    if number == schema.BuiltinOperator.CUSTOM:
        packed = bytes(table.CustomOptionsAsNumpy()) if table.CustomOptionsLength() else b""
        return Operator(code.CustomCode().decode(), inputs, outputs, flexbuffers.Loads(packed) if packed else {})
    try:
        name = schema.opcode2name(number).lower()
    except ValueError as error:
        raise ModelError(f"operator {number} is not known here") from error
    kind, fields = _OPTIONS.get(name, (None, {}))
    stored = table.BuiltinOptions()
    if kind is None or stored is None:
        return Operator(name, inputs, outputs, dict.fromkeys(fields, 0))
    options = kind()
    options.Init(stored.Bytes, stored.Pos)
    return Operator(name, inputs, outputs, {ours: int(getattr(options, field)()) for ours, field in fields.items()})

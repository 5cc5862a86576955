"""Reads a TensorFlow Lite file: its operators in order, their options, and every constant as an array.

Only what MediaPipe's face networks use is read. Field numbers are the positions in TensorFlow's ``schema.fbs``
(Apache-2.0), which may only be appended to, so they do not change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Numbers of the ``BuiltinOperator`` enumeration that occur in the face networks.
_NAMES = {
    0: "add",
    2: "concatenation",
    3: "conv_2d",
    4: "depthwise_conv_2d",
    5: "depth_to_space",
    6: "dequantize",
    17: "max_pool_2d",
    18: "mul",
    19: "relu",
    22: "reshape",
    23: "resize_bilinear",
    32: "custom",
    34: "pad",
    45: "strided_slice",
    54: "prelu",
    124: "densify",
}
#: Options that are read, by operator: name -> (field number, default).
_OPTIONS: dict[str, dict[str, int]] = {
    "add": {"activation": 0},
    "concatenation": {"axis": 0, "activation": 1},
    "conv_2d": {"padding": 0, "stride_w": 1, "stride_h": 2, "activation": 3},
    "depthwise_conv_2d": {"padding": 0, "stride_w": 1, "stride_h": 2, "multiplier": 3, "activation": 4},
    "depth_to_space": {"block": 0},
    "max_pool_2d": {"padding": 0, "stride_w": 1, "stride_h": 2, "filter_w": 3, "filter_h": 4, "activation": 5},
    "mul": {"activation": 0},
    "resize_bilinear": {"align_corners": 2, "half_pixel_centers": 3},
}
_BYTES = {"padding", "activation", "align_corners", "half_pixel_centers"}
_TYPES: dict[int, type[np.generic]] = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64, 9: np.int8}


class ModelError(ValueError):
    """The file is no TensorFlow Lite model, or one with parts that this reader does not know."""


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


class _Table:
    """One FlatBuffers table, read by field number."""

    def __init__(self, data: bytearray, position: int) -> None:
        from flatbuffers.table import Table

        self._data, self._position, self._table = data, position, Table(data, position)

    def _offset(self, number: int) -> int:
        return int(self._table.Offset(4 + 2 * number))

    def number(self, number: int, flags: Any, default: int = 0) -> int:
        offset = self._offset(number)
        return int(self._table.Get(flags, offset + self._position)) if offset else default

    def text(self, number: int) -> str:
        offset = self._offset(number)
        return self._table.String(offset + self._position).decode() if offset else ""

    def table(self, number: int) -> _Table | None:
        offset = self._offset(number)
        return _Table(self._data, self._table.Indirect(offset + self._position)) if offset else None

    def tables(self, number: int) -> list[_Table]:
        offset = self._offset(number)
        if not offset:
            return []
        start = self._table.Vector(offset)
        return [_Table(self._data, self._table.Indirect(start + 4 * i)) for i in range(self._table.VectorLen(offset))]

    def array(self, number: int, flags: Any) -> NDArray[Any]:
        offset = self._offset(number)
        return np.array(self._table.GetVectorAsNumpy(flags, offset)) if offset else np.zeros(0, np.int32)


def read(path: Path) -> Graph:
    """Parse a model file.

    Raises:
        ModelError: the file is missing, no TensorFlow Lite model, or has operators that are not known here.
    """
    from flatbuffers import encode
    from flatbuffers.number_types import Int32Flags, UOffsetTFlags

    try:
        data = bytearray(path.read_bytes())
    except OSError as error:
        raise ModelError(f"cannot read {path.name}: {error}") from error
    if data[4:8] != b"TFL3":
        raise ModelError(f"{path.name} is no TensorFlow Lite model")
    model = _Table(data, encode.Get(UOffsetTFlags.packer_type, data, 0))
    graph = model.tables(2)[0]
    tensors = graph.tables(0)
    constants = _constants(tensors, model.tables(4))
    operators = []
    for table in graph.tables(3):
        step = _operator(table, model.tables(1))
        if step.name in ("dequantize", "densify") and step.inputs[0] in constants:
            constants[step.outputs[0]] = constants[step.inputs[0]].astype(np.float32)
        else:
            operators.append(step)
    return Graph(
        constants=constants,
        shapes={i: tuple(t.array(0, Int32Flags).tolist()) for i, t in enumerate(tensors)},
        operators=tuple(operators),
        inputs=tuple(graph.array(1, Int32Flags).tolist()),
        outputs={tensors[i].text(3): int(i) for i in graph.array(2, Int32Flags)},
    )


def _constants(tensors: list[_Table], buffers: list[_Table]) -> dict[int, NDArray[Any]]:
    from flatbuffers.number_types import Int8Flags, Int32Flags, Uint8Flags, Uint32Flags

    out = {}
    for index, tensor in enumerate(tensors):
        raw = buffers[tensor.number(2, Uint32Flags)].array(0, Uint8Flags)
        if not len(raw):
            continue
        values = raw.astype(np.uint8).view(_TYPES[tensor.number(1, Int8Flags)])
        shape = tuple(tensor.array(0, Int32Flags).tolist())
        sparsity = tensor.table(6)
        out[index] = values.reshape(shape) if sparsity is None else _dense(values, shape, sparsity)
    return out


def _dense(values: NDArray[Any], shape: tuple[int, ...], sparsity: _Table) -> NDArray[Any]:
    """Unpack weights that are sparse in their last dimension (the only layout of MediaPipe's sparse detector)."""
    from flatbuffers.number_types import Int8Flags, Int32Flags, Uint8Flags, Uint16Flags

    dimensions = sparsity.tables(2)
    order = sparsity.array(0, Int32Flags).tolist()
    kinds = [d.number(0, Int8Flags) for d in dimensions]
    if order != list(range(len(shape))) or any(kinds[:-1]) or kinds[-1] != 1:
        raise ModelError("weights are sparse in a way that is not known here")
    widths = {1: Int32Flags, 2: Uint16Flags, 3: Uint8Flags}
    last = dimensions[-1]
    ends, columns = (_vector(last, kind, body, widths).astype(np.int64) for kind, body in ((2, 3), (4, 5)))
    rows = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    out = np.zeros((int(np.prod(shape[:-1])), shape[-1]), values.dtype)
    out[rows, columns] = values
    return out.reshape(shape)


def _vector(table: _Table, kind: int, body: int, widths: dict[int, Any]) -> NDArray[Any]:
    """A vector of the union ``SparseIndexVector``: its type selects the width of its numbers."""
    from flatbuffers.number_types import Uint8Flags

    inner = table.table(body)
    if inner is None:
        raise ModelError("a sparse tensor lacks its indices")
    return inner.array(0, widths[table.number(kind, Uint8Flags)])


def _operator(table: _Table, codes: list[_Table]) -> Operator:
    from flatbuffers import flexbuffers
    from flatbuffers.number_types import Int8Flags, Int32Flags, Uint8Flags, Uint32Flags

    code = codes[table.number(0, Uint32Flags)]
    number = max(code.number(0, Int8Flags), code.number(3, Int32Flags))
    if number not in _NAMES:
        raise ModelError(f"operator {number} is not known here")
    name = _NAMES[number]
    inputs = tuple(int(i) for i in table.array(1, Int32Flags))
    outputs = tuple(int(i) for i in table.array(2, Int32Flags))
    if name == "custom":
        packed = bytes(table.array(5, Uint8Flags).astype(np.uint8))
        return Operator(code.text(1), inputs, outputs, flexbuffers.Loads(packed) if packed else {})
    stored = table.table(4)
    options = {
        option: stored.number(place, Int8Flags if option in _BYTES else Int32Flags) if stored else 0
        for option, place in _OPTIONS.get(name, {}).items()
    }
    return Operator(name, inputs, outputs, options)

"""The mesh network without MediaPipe's own operators: what they do, written with operators that LiteRT has.

Between its halves the network lays a turned square about the lips and each eye, takes the features in it, and puts
the points that it finds there back into the picture (``landmarks_to_transform_matrix.cc`` version 2,
``transform_tensor_bilinear.cc``, ``transform_landmarks.cc``, Apache-2.0). Here all squares are laid in one go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import ArrayLike

from lipsync_engine.faces.facemesh.tflite import Graph, Operator, opened, read, stored
from lipsync_engine.faces.facemesh.weights import ModelError

_LAID, _TAKEN, _MOVED = "Landmarks2TransformMatrix", "TransformTensorBilinear", "TransformLandmarks"
#: Options of the operators that are written, by the format's names; others have none.
_OPTIONS = {
    "ADD": "Add", "BATCH_MATMUL": "BatchMatMul", "CAST": "Cast", "FULLY_CONNECTED": "FullyConnected",
    "GATHER": "Gather", "LESS_EQUAL": "LessEqual", "MAXIMUM": "MaximumMinimum", "MINIMUM": "MaximumMinimum",
    "MUL": "Mul", "REDUCE_MAX": "Reducer", "REDUCE_MIN": "Reducer", "REDUCE_PROD": "Reducer", "RESHAPE": "Reshape",
    "SPLIT": "Split", "SUB": "Sub", "SUM": "Reducer",
}  # fmt: skip
_FLOAT, _INT, _BOOL = schema.TensorType.FLOAT32, schema.TensorType.INT32, schema.TensorType.BOOL


def with_builtins(content: bytes) -> bytes:
    """The content of a file that gives the same outputs by LiteRT's operators alone.

    Args:
        content: of the mesh network's file.

    Raises:
        ModelError: the squares are laid in a way that is not known here.
    """
    graph, model = read(content), opened(content)
    table = model.subgraphs[0]
    laid, taken, moved = ([s for s in graph.operators if s.name == name] for name in (_LAID, _TAKEN, _MOVED))
    matrices = [step.outputs[0] for step in laid]
    finer = {step.outputs[0]: step for step in graph.operators if step.inputs[0] in matrices and step.name == "mul"}
    replaced = {step.outputs[0] for step in (*laid, *taken, *moved)} | finer.keys()
    writer, steps = _Writer(model), table.operators
    squares = None
    for step in steps:
        out = int(step.outputs[0])
        if out not in replaced:
            writer.steps.append(step)
        elif out == matrices[0]:
            squares = _squares(writer, graph, laid)
            _take(writer, graph, squares, taken)
        elif out == moved[0].outputs[0] and squares:
            _move(writer, graph, squares, [(s, finer[s.inputs[1]]) for s in moved], matrices)
    table.operators = writer.steps
    return stored(model)


class _Writer:
    """Adds constants and operators to a model; tensors are known by their numbers.

    Attributes:
        steps: the operators so far.
    """

    def __init__(self, model: Any) -> None:
        self._model, self._tensors = model, model.subgraphs[0].tensors
        self.steps: list[Any] = []

    def constant(self, values: ArrayLike) -> int:
        """Numbers, float32 or int32."""
        array = np.asarray(values)
        whole = array.dtype.kind == "i"
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.astype(np.int32 if whole else np.float32).tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        number = self._tensor(array.shape, _INT if whole else _FLOAT)
        self._tensors[number].buffer = len(self._model.buffers) - 1
        return number

    def __call__(
        self, kind: str, inputs: Sequence[int], shape: Sequence[int], out: int | None = None, *,
        type_: int = _FLOAT, **options: Any,
    ) -> int:  # fmt: skip
        """Add an operator with one result of a shape (a new tensor, or ``out``) and say where it lies."""
        made = self._tensor(shape, type_) if out is None else out
        self._add(kind, inputs, [made], options)
        return made

    def split(self, values: int, count: int, shape: Sequence[int], outs: Sequence[int] = ()) -> list[int]:
        """The ``count`` rows of a tensor, each of ``shape``, in new tensors or in ``outs``."""
        made = list(outs) or [self._tensor(shape, _FLOAT) for _ in range(count)]
        self._add("SPLIT", [self.constant(0), values], made, {"numSplits": count})
        return made

    def _tensor(self, shape: Sequence[int], type_: int) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.name = list(shape), type_, f"polydub_{len(self._tensors)}".encode()
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _add(self, kind: str, inputs: Sequence[int], outputs: Sequence[int], options: dict[str, Any]) -> None:
        step = schema.OperatorT()
        step.inputs, step.outputs, step.opcodeIndex = list(inputs), list(outputs), self._code(kind)
        if name := _OPTIONS.get(kind):
            step.builtinOptionsType = getattr(schema.BuiltinOptions, f"{name}Options")
            step.builtinOptions = getattr(schema, f"{name}OptionsT")()
            for option, value in options.items():
                setattr(step.builtinOptions, option, value)
        self.steps.append(step)

    def _code(self, kind: str) -> int:
        number, codes = getattr(schema.BuiltinOperator, kind), self._model.operatorCodes
        for index, code in enumerate(codes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == number and code.version == 1:
                return index
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)
        codes.append(code)
        return len(codes) - 1


@dataclass(frozen=True, slots=True)
class _Squares:
    """The squares, n of them, by the numbers of tensors.

    Attributes:
        turn: [n, 2, 2], ``points @ turn`` turns back into the features' frame.
        scale: [n, 1, 2], pixels of the features for one of the square.
        middle: [n, 1, 2], in the turned frame.
        side: pixels.
    """

    turn: int
    scale: int
    middle: int
    side: int


def _squares(add: _Writer, graph: Graph, laid: Sequence[Operator]) -> _Squares:
    options = [step.options for step in laid]
    sides = {o[name] for o in options for name in ("output_width", "output_height")}
    shares = {o[name] for o in options for name in ("scale_x", "scale_y")}
    if len(sides) != 1 or len(shares) != 1 or any(o["target_rotation_radians"] for o in options):
        raise ModelError("only upright squares of one size are known here")
    side, share, n = sides.pop(), shares.pop(), len(laid)
    count, most = graph.shapes[laid[0].inputs[0]][1], max(len(o["subset_idxs"]) for o in options)
    about = [o["subset_idxs"] + o["subset_idxs"][:1] * (most - len(o["subset_idxs"])) for o in options]
    flat = add("RESHAPE", [laid[0].inputs[0], add.constant([count, 3])], [count, 3])
    flat = add("FULLY_CONNECTED", [flat, add.constant([[1.0, 0, 0], [0, 1.0, 0]]), -1], [count, 2])
    ends = [
        add("GATHER", [flat, add.constant([o[name] for o in options])], [n, 2])
        for name in ("right_rotation_idx", "left_rotation_idx")
    ]
    along = add("SUB", ends, [n, 2])
    power = add("SUM", [add("MUL", [along, along], [n, 2]), add.constant([1])], [n, 1], keepDims=True)
    length = add("RSQRT", [add("MAXIMUM", [power, add.constant(1e-18)], [n, 1])], [n, 1])
    turn = add("FULLY_CONNECTED", [along, add.constant([[1.0, 0], [0, 1.0], [0, -1.0], [1.0, 0]]), -1], [n, 4])
    turn = add("MUL", [turn, length], [n, 4])
    turn = add("RESHAPE", [turn, add.constant([n, 2, 2])], [n, 2, 2])
    points = add("GATHER", [flat, add.constant(about)], [n, most, 2])
    points = add("BATCH_MATMUL", [points, turn], [n, most, 2], adjY=True)
    low, high = (
        add(kind, [points, add.constant([1])], [n, 1, 2], keepDims=True) for kind in ("REDUCE_MIN", "REDUCE_MAX")
    )
    scale = add("MUL", [add("SUB", [high, low], [n, 1, 2]), add.constant(share / side)], [n, 1, 2])
    middle = add("MUL", [add("ADD", [high, low], [n, 1, 2]), add.constant(0.5)], [n, 1, 2])
    return _Squares(turn, scale, middle, side)


def _take(add: _Writer, graph: Graph, squares: _Squares, taken: Sequence[Operator]) -> None:
    """Each square's pixels between the four nearest of the features, zero outside."""
    source, side, n = taken[0].inputs[0], squares.side, len(taken)
    _, size, columns, channels = graph.shapes[source]
    if size != columns or any(step.inputs[0] != source for step in taken):
        raise ModelError("only squares of the same square features are known here")
    count = side * side
    y, x = np.mgrid[:side, :side] + 0.5 - side / 2
    grid = np.column_stack([x.ravel(), y.ravel()])[None]
    wide = [n, count, 2]
    places = add("MUL", [add.constant(grid), squares.scale], wide)
    places = add("BATCH_MATMUL", [add("ADD", [places, squares.middle], wide), squares.turn], wide)
    off = add("ABS", [add("SUB", [places, add.constant(size / 2)], wide)], wide)
    off = add("REDUCE_MAX", [off, add.constant([2])], [n, count, 1], keepDims=True)
    inside = add("LESS_EQUAL", [off, add.constant(size / 2 - 0.5)], [n, count, 1], type_=_BOOL)
    inside = add("CAST", [inside], [n, count, 1], inDataType=_BOOL, outDataType=_FLOAT)
    places = add("SUB", [places, add.constant(0.5)], wide)
    first = add("MAXIMUM", [places, add.constant(0.0)], wide)
    first = add("FLOOR", [add("MINIMUM", [first, add.constant(size - 2.0)], wide)], wide)
    part = add("SUB", [places, first], wide)
    corner = np.array([[0.0, 0.0], [1, 0], [0, 1], [1, 1]])[:, None, None]
    share = add("MUL", [part, add.constant(2 * corner - 1)], [4, *wide])
    share = add("ADD", [share, add.constant(1 - corner)], [4, *wide])
    share = add("REDUCE_PROD", [share, add.constant([3])], [4, n, count, 1], keepDims=True)
    share = add("MUL", [share, inside], [4, n, count, 1])
    index = add("SUM", [add("MUL", [first, add.constant([1.0, size])], wide), add.constant([2])], [n, count])
    index = add("ADD", [index, add.constant(corner @ [1.0, size])], [4, n, count])
    index = add("CAST", [index], [4, n, count], type_=_INT, inDataType=_FLOAT, outDataType=_INT)
    rows = add("RESHAPE", [source, add.constant([size * size, channels])], [size * size, channels])
    found = add("GATHER", [rows, index], [4, n, count, channels])
    found = add("MUL", [found, share], [4, n, count, channels])
    found = add("SUM", [found, add.constant([0])], [n, count, channels])
    shape = [n, side, side, channels]
    found = add("RESHAPE", [found, add.constant(shape)], shape)
    add.split(found, n, [1, *shape[1:]], [step.outputs[0] for step in taken])


def _move(
    add: _Writer, graph: Graph, squares: _Squares, moved: Sequence[tuple[Operator, Operator]], matrices: Sequence[int]
) -> None:
    """The points of each square put back; each comes with the operator that makes its square's place finer."""
    n = len(matrices)
    turns = add.split(squares.turn, n, [1, 2, 2])
    scales, middles = (add.split(values, n, [1, 1, 2]) for values in (squares.scale, squares.middle))
    for step, finer in moved:
        which, shape = matrices.index(finer.inputs[0]), graph.shapes[step.outputs[0]]
        times = float(graph.constants[finer.inputs[1]].ravel()[3])  # points and picture are as much finer
        points = add("SUB", [step.inputs[0], add.constant(squares.side / 2 * times)], shape)
        points = add("MUL", [points, scales[which]], shape)
        middle = add("MUL", [middles[which], add.constant(times)], [1, 1, 2])
        add("BATCH_MATMUL", [add("ADD", [points, middle], shape), turns[which]], shape, out=step.outputs[0])

"""A TensorFlow Lite face network as an ONNX model, written so that ONNX Runtime is fast on one CPU core.

Pictures are laid out [1, C, H, W]. Two things differ from a literal translation, and change rounding only: a
parametric rectifier is written as two depthwise convolutions, and channels are appended by a convolution. Convolutions
keep ONNX Runtime's blocked layout and take in the rectifier or the sum that follows; its own operators for these do
not, which makes the mesh twice as slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from lipsync_engine.faces.facemesh.tflite import Graph, Operator
from lipsync_engine.faces.facemesh.weights import ModelError

_OPSET, _IR = 17, 8
#: ``Padding`` and ``ActivationFunctionType`` of the file format.
_SAME, _RELU = 0, 1
#: Name of the input: float32 [1, 3, side, side].
INPUT = "picture"


def converted(graph: Graph) -> bytes:
    """The network as a serialised ONNX model; its outputs keep their names and the file's order of numbers.

    Raises:
        ModelError: an operator or one of its options is not known here.
    """
    return _Writer(graph).written()


@dataclass(frozen=True)
class _Region:
    """A turned box of the features: names of tensors, in feature pixels.

    Attributes:
        middle: [1, 2], in the turned frame.
        scale: [1, 2], feature pixels for one of the region.
        back: [2, 2], from the turned frame: ``points @ back``.
        half: half the region's side, in its own pixels.
        times: how many pixels of the result one feature pixel is.
    """

    middle: str
    scale: str
    back: str
    half: float
    times: float = 1.0


class _Writer:
    """Writes the nodes of one model in the order of the file."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._names = {graph.inputs[0]: INPUT}
        self._edges: dict[int, list[list[int]]] = {}
        self._regions: dict[int, _Region] = {}

    def written(self) -> bytes:
        for step in self._graph.operators:
            write = getattr(self, f"_write_{step.name}", None)
            if write is None:
                raise ModelError(f"operator {step.name} cannot be converted")
            write(step, step.outputs[0])
        for name, index in self._graph.outputs.items():
            self._node("Identity", [self._rows_last(index)], name)
        shape = self._graph.shapes[self._graph.inputs[0]]
        ends = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in self._graph.outputs]
        start = helper.make_tensor_value_info(INPUT, onnx.TensorProto.FLOAT, [1, shape[3], *shape[1:3]])
        body = helper.make_graph(self._nodes, "face", [start], ends, self._weights)
        opset = [helper.make_opsetid("", _OPSET)]
        return bytes(helper.make_model(body, opset_imports=opset, ir_version=_IR).SerializeToString(deterministic=True))

    # -- writing

    def _node(self, kind: str, inputs: Sequence[str], out: str = "", **attributes: Any) -> str:
        out = out or f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def _weight(self, values: NDArray[Any] | Sequence[Any] | float) -> str:
        array = np.asarray(values)
        array = np.ascontiguousarray(array, np.int64 if array.dtype.kind == "i" else np.float32).reshape(array.shape)
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(array, name))
        return name

    def _activated(self, step: Operator, name: str) -> str:
        kind = step.options.get("activation", 0)
        if kind not in (0, _RELU):
            raise ModelError(f"activation {kind} is not known here")
        return self._node("Relu", [name]) if kind == _RELU else name

    def _rows_last(self, index: int) -> str:
        """A picture in the file's order, so that flattening gives what the file means."""
        shape = self._graph.shapes[index]
        flat = len(shape) != 4 or shape[1] * shape[2] == 1
        return self._names[index] if flat else self._node("Transpose", [self._names[index]], perm=[0, 2, 3, 1])

    # -- pictures

    def _padding(self, step: Operator, kernel: Sequence[int]) -> list[int]:
        """Rows and columns added around the input: top, left, bottom, right."""
        source = step.inputs[0]
        if step.options["padding"] != _SAME:
            rows, columns = self._edges.get(source, [[0, 0], [0, 0]])
            return [rows[0], columns[0], rows[1], columns[1]]
        sides = []
        for size, side, stride in zip(self._graph.shapes[source][1:3], kernel, _strides(step), strict=True):
            total = max(0, (-(-size // stride) - 1) * stride + side - size)
            sides.append((total // 2, total - total // 2))
        return [sides[0][0], sides[1][0], sides[0][1], sides[1][1]]

    def _write_conv_2d(self, step: Operator, out: int, order: Sequence[int] = (0, 3, 1, 2)) -> None:
        kernel = self._graph.constants[step.inputs[1]].transpose(order)
        bias = [self._weight(self._graph.constants[step.inputs[2]])] if len(step.inputs) > 2 else []
        made = self._node(
            "Conv",
            [self._names[step.inputs[0]], self._weight(kernel), *bias],
            kernel_shape=kernel.shape[2:],
            strides=_strides(step),
            pads=self._padding(step, kernel.shape[2:]),
            group=kernel.shape[0] if order[0] == 3 else 1,
        )
        self._names[out] = self._activated(step, made)

    def _write_depthwise_conv_2d(self, step: Operator, out: int) -> None:
        self._write_conv_2d(step, out, (3, 0, 1, 2))

    def _write_max_pool_2d(self, step: Operator, out: int) -> None:
        size = (step.options["filter_h"], step.options["filter_w"])
        pads = self._padding(step, size)
        pooled = self._node(
            "MaxPool", [self._names[step.inputs[0]]], kernel_shape=size, strides=_strides(step), pads=pads
        )
        self._names[out] = self._activated(step, pooled)

    def _write_pad(self, step: Operator, out: int) -> None:
        """Rows and columns are left to the convolution that follows; channels are appended by one of our own."""
        source, amounts = step.inputs[0], self._graph.constants[step.inputs[1]].tolist()
        self._names[out] = self._names[source]
        if amounts[3] == [0, 0]:
            self._edges[out] = amounts[1:3]
            return
        if amounts[3][0] or any(map(any, amounts[:3])):
            raise ModelError("only channels at the end are appended here")
        old, new = self._graph.shapes[source][3], self._graph.shapes[out][3]
        kernel = np.eye(new, old, dtype=np.float32)[:, :, None, None]
        self._names[out] = self._node("Conv", [self._names[source], self._weight(kernel)], kernel_shape=[1, 1])

    def _write_add(self, step: Operator, out: int) -> None:
        self._names[out] = self._activated(step, self._node("Add", [self._names[i] for i in step.inputs]))

    def _write_relu(self, step: Operator, out: int) -> None:
        self._names[out] = self._node("Relu", [self._names[step.inputs[0]]])

    def _write_prelu(self, step: Operator, out: int) -> None:
        """``x + (1 - slope) * max(-x, 0)``."""
        slope = self._graph.constants[step.inputs[1]].reshape(-1, 1, 1, 1).astype(np.float32)
        source = self._names[step.inputs[0]]
        below = self._node("Relu", [self._scaled(source, -np.ones_like(slope))])
        self._names[out] = self._node("Add", [self._scaled(below, 1 - slope), source])

    def _scaled(self, source: str, shares: NDArray[np.float32]) -> str:
        """Each channel times its share, float32 [C, 1, 1, 1]."""
        return self._node("Conv", [source, self._weight(shares)], kernel_shape=[1, 1], group=len(shares))

    def _write_resize_bilinear(self, step: Operator, out: int) -> None:
        if not step.options["half_pixel_centers"]:
            raise ModelError("only resizing between pixel centres is known here")
        sizes = self._weight([1, self._graph.shapes[out][3], *self._graph.shapes[out][1:3]])
        self._names[out] = self._node(
            "Resize",
            [self._names[step.inputs[0]], "", "", sizes],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )

    def _write_depth_to_space(self, step: Operator, out: int) -> None:
        source = self._names[step.inputs[0]]
        self._names[out] = self._node("DepthToSpace", [source], blocksize=step.options["block"], mode="DCR")

    # -- numbers

    def _write_reshape(self, step: Operator, out: int) -> None:
        shape = self._graph.shapes[out]
        if len(shape) == 4 and shape[1:3] == (1, 1):
            shape = (1, shape[3], 1, 1)
        elif len(shape) == 4:
            raise ModelError("only numbers are reshaped into pictures of one pixel here")
        self._names[out] = self._node("Reshape", [self._rows_last(step.inputs[0]), self._weight(shape)])

    def _write_concatenation(self, step: Operator, out: int) -> None:
        if len(self._graph.shapes[out]) == 4:
            raise ModelError("only numbers are concatenated here")
        self._names[out] = self._node("Concat", [self._names[i] for i in step.inputs], axis=step.options["axis"])

    def _write_strided_slice(self, step: Operator, out: int) -> None:
        if self._graph.shapes[step.inputs[0]] != self._graph.shapes[out]:
            raise ModelError("only the slice that is everything is known here")
        self._names[out] = self._names[step.inputs[0]]

    def _write_mul(self, step: Operator, out: int) -> None:
        source, factor = step.inputs[0], self._graph.constants[step.inputs[1]]
        region = self._regions.get(source)
        if region is None:
            self._names[out] = self._activated(step, self._node("Mul", [self._names[source], self._weight(factor)]))
            return
        times = factor.reshape(4, 4)[:2, [0, 1, 3]]  # a region's matrix: how it is turned must stay
        if not (times[:, :2] == 1).all() or times[0, 2] != times[1, 2]:
            raise ModelError("only a region's place is multiplied here")
        self._regions[out] = replace(region, times=float(times[0, 2]))

    # -- regions

    def _write_Landmarks2TransformMatrix(self, step: Operator, out: int) -> None:
        """Rotated box around some landmarks (``landmarks_to_transform_matrix.cc``, Apache-2.0, version 2)."""
        o = step.options
        if o["target_rotation_radians"] or o["output_width"] != o["output_height"]:
            raise ModelError("only upright square regions are known here")
        flat = self._node("Slice", [self._names[step.inputs[0]], *map(self._weight, ([0], [2], [2]))])
        flat = self._node("Reshape", [flat, self._weight([-1, 2])])
        ends = [
            self._node("Gather", [flat, self._weight([o[end]])]) for end in ("right_rotation_idx", "left_rotation_idx")
        ]
        along = self._node("Sub", ends)
        long = self._node("Max", [self._node("ReduceL2", [along], axes=[1]), self._weight(1e-9)])
        unit = self._node("Div", [along, long])
        turn, back = (
            self._node("Reshape", [self._node("MatMul", [unit, self._weight(pick)]), self._weight([2, 2])])
            for pick in ([[1.0, 0.0, 0.0, 1.0], [0.0, -1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, -1.0, 0.0]])
        )
        points = self._node("MatMul", [self._node("Gather", [flat, self._weight(o["subset_idxs"])]), turn])
        low, high = (self._node(kind, [points], axes=[0]) for kind in ("ReduceMin", "ReduceMax"))
        middle = self._node("Mul", [self._node("Add", [low, high]), self._weight(0.5)])
        share = [[o["scale_x"] / o["output_width"], o["scale_y"] / o["output_height"]]]
        scale = self._node("Mul", [self._node("Sub", [high, low]), self._weight(share)])
        self._regions[out] = _Region(middle, scale, back, o["output_width"] / 2)

    def _write_TransformTensorBilinear(self, step: Operator, out: int) -> None:
        """Sample a region of the features, zero outside (``transform_tensor_bilinear.cc``, Apache-2.0)."""
        side = step.options["output_width"]
        y, x = np.mgrid[:side, :side] + 0.5 - side / 2
        rows, columns = self._graph.shapes[step.inputs[0]][1:3]
        if rows != columns:
            raise ModelError("only regions of square features are known here")
        centred = self._weight(np.column_stack([x.ravel(), y.ravel()]))
        places = self._placed(centred, self._regions[step.inputs[1]])
        grid = self._node("Sub", [self._node("Mul", [places, self._weight(2.0 / columns)]), self._weight(1.0)])
        farthest = self._node("ReduceMax", [self._node("Abs", [grid])], axes=[1])
        inside = self._node("LessOrEqual", [farthest, self._weight(1 - 1 / columns)])
        grid = self._node("Where", [inside, grid, self._weight(9.0)])
        grid = self._node("Reshape", [grid, self._weight([1, side, side, 2])])
        self._names[out] = self._node(
            "GridSample", [self._names[step.inputs[0]], grid], mode="bilinear", padding_mode="zeros", align_corners=0
        )

    def _write_TransformLandmarks(self, step: Operator, out: int) -> None:
        """Landmarks of a region as places in the picture (``transform_landmarks.cc``, Apache-2.0)."""
        region = self._regions[step.inputs[1]]
        flat = self._node("Reshape", [self._names[step.inputs[0]], self._weight([-1, 2])])
        centred = self._node("Sub", [flat, self._weight(region.half * region.times)])
        self._names[out] = self._placed(centred, region)

    def _placed(self, centred: str, region: _Region) -> str:
        """Points [n, 2] around the middle of a region, in the frame that the region lies in."""
        middle = region.middle
        if region.times != 1:
            middle = self._node("Mul", [middle, self._weight(region.times)])
        turned = self._node("Add", [self._node("Mul", [centred, region.scale]), middle])
        return self._node("MatMul", [turned, region.back])


def _strides(step: Operator) -> tuple[int, int]:
    return step.options["stride_h"], step.options["stride_w"]

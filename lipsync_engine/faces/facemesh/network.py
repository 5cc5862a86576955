"""Computes a TensorFlow Lite graph with torch, for whole batches, on any device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lipsync_engine.faces.facemesh.tflite import Graph, Operator
from lipsync_engine.faces.facemesh.weights import ModelError

#: ``Padding`` and ``ActivationFunctionType`` of the file format.
_SAME, _RELU = 0, 1


class Network:
    """A parsed network on one device. Pictures run as [B, C, H, W]; everything else in the file's own order.

    Args:
        graph: the parsed file.
        device: where weights and arithmetic live.
        half: weights and arithmetic in float16 (landmarks then move by up to some tenths of a pixel at 192 px).
    """

    def __init__(self, graph: Graph, device: str | torch.device = "cpu", *, half: bool = False) -> None:
        self._graph, self.device = graph, torch.device(device)
        self.kind = torch.float16 if half else torch.float32
        self._weights: dict[int, Tensor] = {}
        self._lists = {i: a.tolist() for i, a in graph.constants.items() if a.dtype.kind == "i"}
        floats = {i: torch.from_numpy(a.copy()) for i, a in graph.constants.items() if a.dtype.kind == "f"}
        for step in graph.operators:
            for place, index in enumerate(step.inputs):
                if index in floats and index not in self._weights:
                    self._weights[index] = self._laid_out(step.name, place, floats[index])
        self._steps = [(step, self._find(step.name)) for step in graph.operators]
        self._last_use = {i: n for n, step in enumerate(graph.operators) for i in step.inputs}

    def _laid_out(self, name: str, place: int, values: Tensor) -> Tensor:
        """Constant in torch's order: kernels [out, in / groups, h, w], slopes flat."""
        if name == "conv_2d" and place == 1:
            values = values.permute(0, 3, 1, 2)
        elif name == "depthwise_conv_2d" and place == 1:
            values = values.permute(3, 0, 1, 2)
        elif name == "prelu":
            values = values.reshape(-1)
        target = values.to(self.device, self.kind)
        return target.contiguous(memory_format=torch.channels_last) if target.ndim == 4 else target.contiguous()

    def _find(self, name: str) -> Callable[..., Tensor]:
        if name not in _OPERATORS:
            raise ModelError(f"operator {name} cannot be computed here")
        return _OPERATORS[name]

    @torch.inference_mode()
    def __call__(self, pictures: Tensor) -> dict[str, Tensor]:
        """Run a batch.

        Args:
            pictures: float [B, 3, H, W] in the range that the network was trained on.

        Returns:
            Each output of the file by its name, float32, with the batch first.
        """
        # TensorFloat-32 (a GPU's default) would cost tenths of a pixel
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            return self._computed(pictures)

    def _computed(self, pictures: Tensor) -> dict[str, Tensor]:
        values: dict[int, Tensor] = {
            self._graph.inputs[0]: pictures.to(self.device, self.kind, memory_format=torch.channels_last)
        }
        wanted = set(self._graph.outputs.values())
        for number, (step, compute) in enumerate(self._steps):
            inputs: list[Any] = [
                values.get(i, self._weights.get(i, self._lists.get(i))) if i >= 0 else None for i in step.inputs
            ]
            values[step.outputs[0]] = compute(step, self._graph.shapes[step.outputs[0]], *inputs)
            for index in step.inputs:
                if self._last_use.get(index) == number and index not in wanted:
                    values.pop(index, None)
        return {name: values[i].float() for name, i in self._graph.outputs.items()}


def _activated(step: Operator, values: Tensor) -> Tensor:
    kind = step.options.get("activation", 0)
    if kind not in (0, _RELU):
        raise ModelError(f"activation {kind} is not known here")
    return functional.relu_(values) if kind == _RELU else values


def _padded(step: Operator, values: Tensor, height: int, width: int, fill: float = 0.0) -> tuple[Tensor, list[int]]:
    """TensorFlow's "same" padding: the odd pixel goes to the right and to the bottom.

    Returns the padded picture and what is left for a symmetric padding argument ([rows, columns]).
    """
    if step.options["padding"] != _SAME:
        return values, [0, 0]
    sides = []
    for size, stride, kernel in (
        (values.shape[3], step.options["stride_w"], width),
        (values.shape[2], step.options["stride_h"], height),
    ):
        total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
        sides.append((total // 2, total - total // 2))
    (left, right), (top, bottom) = sides
    if left == right and top == bottom and fill == 0.0:
        return values, [top, left]
    return functional.pad(values, (left, right, top, bottom), value=fill), [0, 0]


def _convolve(step: Operator, _: object, values: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    values, padding = _padded(step, values, kernel.shape[2], kernel.shape[3])
    stride = (step.options["stride_h"], step.options["stride_w"])
    groups = kernel.shape[0] if step.name == "depthwise_conv_2d" else 1
    return _activated(step, functional.conv2d(values, kernel, bias, stride, padding, groups=groups))


def _pool(step: Operator, _: object, values: Tensor) -> Tensor:
    size = (step.options["filter_h"], step.options["filter_w"])
    values, _rest = _padded(step, values, *size, fill=float("-inf"))
    stride = (step.options["stride_h"], step.options["stride_w"])
    return _activated(step, functional.max_pool2d(values, size, stride))


def _pad(_: Operator, __: object, values: Tensor, amounts: list[list[int]]) -> Tensor:
    _batch, rows, columns, channels = amounts
    return functional.pad(values, (*columns, *rows, *channels))


def _rows_last(values: Tensor) -> Tensor:
    """A picture in the file's order, so that flattening gives what the file means."""
    return values.permute(0, 2, 3, 1) if values.ndim == 4 else values


def _reshape(_: Operator, shape: tuple[int, ...], values: Tensor, *__: object) -> Tensor:
    out = _rows_last(values).reshape(values.shape[0], *shape[1:])
    return out.permute(0, 3, 1, 2) if len(shape) == 4 else out


def _concatenate(step: Operator, shape: tuple[int, ...], *values: Tensor) -> Tensor:
    axis = step.options["axis"] % len(shape)
    return torch.cat(values, dim=(0, 2, 3, 1)[axis] if len(shape) == 4 else axis)


def _resize(step: Operator, _: object, values: Tensor, size: list[int]) -> Tensor:
    if not step.options["half_pixel_centers"]:
        raise ModelError("only resizing between pixel centres is known here")
    return functional.interpolate(values, size=tuple(size), mode="bilinear", align_corners=False)


def _depth_to_space(step: Operator, shape: tuple[int, ...], values: Tensor) -> Tensor:
    block = step.options["block"]
    batch, channels, height, width = values.shape
    parts = values.reshape(batch, block, block, channels // block**2, height, width)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(batch, shape[3], height * block, width * block)


def _slice(_: Operator, shape: tuple[int, ...], values: Tensor, begin: list[int], *__: object) -> Tensor:
    if any(begin) or _rows_last(values).shape[1:] != shape[1:]:
        raise ModelError("only the slice that is everything is known here")
    return values


def _region_matrix(step: Operator, _: object, landmarks: Tensor) -> Tensor:
    """Rotated box around some landmarks as the matrix from the region's pixels to the picture's, [B, 2, 3].

    After MediaPipe's ``landmarks_to_transform_matrix.cc`` (Apache-2.0), version 2 of the operator.
    """
    o = step.options
    eyes = landmarks[:, o["right_rotation_idx"], :2] - landmarks[:, o["left_rotation_idx"], :2]
    turn = o["target_rotation_radians"] - torch.atan2(eyes[:, 1], eyes[:, 0])
    upright = _rotation(turn)
    points = landmarks[:, o["subset_idxs"], :2] @ upright.transpose(1, 2)
    low, high = points.amin(dim=1), points.amax(dim=1)
    back = _rotation(-turn)
    middle = (back @ ((low + high) / 2)[:, :, None])[:, :, 0]
    size = landmarks.new_tensor([o["output_width"], o["output_height"]])
    scale = (high - low) * landmarks.new_tensor([o["scale_x"], o["scale_y"]]) / size
    linear = back * scale[:, None, :]
    offset = middle - (linear @ (size / 2)[:, None])[:, :, 0]
    return torch.cat([linear, offset[:, :, None]], dim=2)


def _rotation(angle: Tensor) -> Tensor:
    cos, sin = torch.cos(angle), torch.sin(angle)
    return torch.stack([torch.stack([cos, -sin], dim=1), torch.stack([sin, cos], dim=1)], dim=1)


def _take_region(step: Operator, _: object, features: Tensor, matrix: Tensor) -> Tensor:
    """Sample the region that the matrix gives, zero outside (``transform_tensor_bilinear.cc``, Apache-2.0)."""
    height, width = step.options["output_height"], step.options["output_width"]
    rows, columns = features.shape[2:]
    y, x = torch.meshgrid(
        torch.arange(height, device=features.device, dtype=matrix.dtype) + 0.5,
        torch.arange(width, device=features.device, dtype=matrix.dtype) + 0.5,
        indexing="ij",
    )
    places = torch.stack([x, y, torch.ones_like(x)], dim=-1).reshape(-1, 3) @ matrix.transpose(1, 2)
    size = matrix.new_tensor([columns, rows])
    outside = ((places < 0.5) | (places > size - 0.5)).any(dim=2)
    grid = (2 * places / size - 1).reshape(-1, height, width, 2)
    taken = functional.grid_sample(features, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return taken.masked_fill(outside.reshape(-1, 1, height, width), 0.0)


def _move_landmarks(_: Operator, __: object, landmarks: Tensor, matrix: Tensor) -> Tensor:
    """Landmarks [B, n, 2] of a region as places in the picture (``transform_landmarks.cc``, Apache-2.0)."""
    return landmarks @ matrix[:, :, :2].transpose(1, 2) + matrix[:, None, :, 2]


def _multiply(step: Operator, _: object, a: Tensor, b: Tensor) -> Tensor:
    if a.shape[1:] == (2, 3) and b.shape[-2:] == (4, 4):  # a region's matrix: its third column is of no use here
        b = b[:, :2][:, :, [0, 1, 3]]
    return _activated(step, a * b)


_OPERATORS: dict[str, Callable[..., Tensor]] = {
    "add": lambda step, _, a, b: _activated(step, a + b),
    "mul": _multiply,
    "relu": lambda _, __, a: functional.relu(a),
    "prelu": lambda _, __, a, slope: functional.prelu(a, slope),
    "conv_2d": _convolve,
    "depthwise_conv_2d": _convolve,
    "max_pool_2d": _pool,
    "pad": _pad,
    "reshape": _reshape,
    "concatenation": _concatenate,
    "resize_bilinear": _resize,
    "depth_to_space": _depth_to_space,
    "strided_slice": _slice,
    "Landmarks2TransformMatrix": _region_matrix,
    "TransformTensorBilinear": _take_region,
    "TransformLandmarks": _move_landmarks,
}

"""Changes the outputs of an ONNX model and removes unused nodes, by editing its bytes without touching weights.

Only the needed part of the format (onnx.proto3, protobuf) is parsed: a model's graph (field 7), its nodes (1),
initializers (5) and outputs (12), a node's inputs (1) and outputs (2), a tensor's name (8) and a value's name (1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_GRAPH, _NODE, _INITIALIZER, _OUTPUT = 7, 1, 5, 12
_NODE_INPUT, _NODE_OUTPUT, _TENSOR_NAME, _VALUE_NAME = 1, 2, 8, 1
_VARINT, _LENGTH = 0, 2
_FIXED = {1: 8, 5: 4}  # bytes by wire type

#: Number, first byte of the field, first and last (exclusive) of its content.
_Field = tuple[int, int, int, int]


def with_outputs(model: bytes, names: Sequence[str]) -> bytes:
    """The model with these values as its outputs, and only the nodes and weights that they need.

    Raises:
        ValueError: not an ONNX model, or it has no such value.
    """
    whole = memoryview(model)
    parts: list[bytes | memoryview] = []
    for number, first, start, end in _fields(whole):
        if number == _GRAPH:
            graph = _graph(whole[start:end], [name.encode() for name in names])
            parts += [_head(_GRAPH, sum(map(len, graph))), *graph]
        else:
            parts.append(whole[first:end])
    return b"".join(parts)


def _graph(graph: memoryview, outputs: Sequence[bytes]) -> list[bytes | memoryview]:
    fields = list(_fields(graph))
    needed, nodes = set(outputs), set()
    for number, first, start, end in reversed(fields):  # nodes are in order of execution
        if number == _NODE and needed & set(_texts(graph[start:end], _NODE_OUTPUT)):
            nodes.add(first)
            needed.update(_texts(graph[start:end], _NODE_INPUT))
    if any(
        not any(name in _texts(graph[s:e], _NODE_OUTPUT) for n, f, s, e in fields if f in nodes) for name in outputs
    ):
        raise ValueError(f"the model has no {b', '.join(outputs).decode()}")
    kept: list[bytes | memoryview] = []
    for number, first, start, end in fields:
        dropped = (
            number == _OUTPUT
            or (number == _NODE and first not in nodes)
            or (number == _INITIALIZER and not needed & set(_texts(graph[start:end], _TENSOR_NAME)))
        )
        if not dropped:
            kept.append(graph[first:end])
    for name in outputs:
        value = _head(_VALUE_NAME, len(name)) + name
        kept.append(_head(_OUTPUT, len(value)) + value)
    return kept


def _fields(message: memoryview) -> Iterator[_Field]:
    at = 0
    while at < len(message):
        first = at
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            _, end = _varint(message, at)
        elif kind == _LENGTH:
            size, at = _varint(message, at)
            end = at + size
        elif kind in _FIXED:
            end = at + _FIXED[kind]
        else:
            raise ValueError("this is not an ONNX model")
        if end > len(message):
            raise ValueError("the ONNX model ends too soon")
        yield key >> 3, first, at, end
        at = end


def _texts(message: memoryview, wanted: int) -> list[bytes]:
    return [bytes(message[start:end]) for number, _, start, end in _fields(message) if number == wanted]


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("the ONNX model ends too soon")


def _head(number: int, size: int) -> bytes:
    """Key and length of a field that has a length."""
    made = bytearray([number << 3 | _LENGTH])
    while size > 127:
        made.append(size & 127 | 128)
        size >>= 7
    made.append(size)
    return bytes(made)

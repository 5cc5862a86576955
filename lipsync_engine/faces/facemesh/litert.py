"""The face networks computed by LiteRT (XNNPACK) on one core, as MediaPipe computes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.records import FloatArray

#: What LiteRT says on standard error once a process.
_NO_NEWS = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
_OPENING = Lock()


class Network:
    """A network ready to run, by one thread at a time.

    Args:
        content: of its file.
        lowest: value of a black sample; white is 1.
    """

    def __init__(self, content: bytes, lowest: float) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with _OPENING, _without_news():
            self._interpreter: Any = Interpreter(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.tensor(self._interpreter.get_input_details()[0]["index"])
        self._outputs = [end["index"] for end in self._interpreter.get_output_details()]
        self._lowest, self._gain = np.float32(lowest), np.float32((1 - lowest) / 255)

    def __call__(self, picture: NDArray[np.uint8]) -> list[FloatArray]:
        """The outputs in the file's order, float32, each flat, of an RGB picture, uint8 [side, side, 3]."""
        self._fill(picture)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index).ravel() for index in self._outputs]

    def _fill(self, picture: NDArray[np.uint8]) -> None:
        """Write the samples where LiteRT reads them; it computes nothing while an array holds that place."""
        samples = self._input()[0]
        np.multiply(picture, self._gain, out=samples)
        if self._lowest:
            samples += self._lowest


@contextmanager
def _without_news() -> Iterator[None]:
    """Pass on what is written on standard error meanwhile, without LiteRT's line about its delegate."""
    with TemporaryFile() as said:
        kept = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            said.seek(0)
            os.write(2, said.read().replace(_NO_NEWS, b""))

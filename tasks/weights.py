"""Which weights a backend downloads on first use, how big they are, and whether they are there; loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Protocol, runtime_checkable

import yaml


@dataclass(frozen=True)
class Weights:
    """The weights of one model.

    Attributes:
        backend: whose they are.
        model: its name.
        there: whether they were downloaded already.
    """

    backend: str
    model: str
    there: bool

    def __str__(self) -> str:
        if self.there:
            return f"the weights of {self.model} are there"
        megabytes = _sizes().get(self.backend, {}).get(self.model)
        size = f"about {megabytes} MB" if megabytes else "of a size that is not known here"
        return f"the weights of {self.model}, {size}, are downloaded on first use"


@runtime_checkable
class Downloading(Protocol):
    """A backend that may download weights."""

    def weights(self) -> Sequence[Weights]:
        """Those that its options ask for; none where the model is a file of the user."""


@cache
def _sizes() -> dict[str, dict[str, int]]:
    sizes: dict[str, dict[str, int]] = yaml.safe_load(files("configs").joinpath("weights.yaml").read_text("utf-8"))
    return sizes

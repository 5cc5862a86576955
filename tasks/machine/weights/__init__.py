"""Model files: ``located`` finds a model on this machine, ``fetched`` downloads it; nothing is loaded.

The table is `configs.models`. A file is accepted only with the size and SHA-256 of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from configs.models import models
from tasks.machine.weights.places import kept
from tasks.machine.weights.shelf import advice, fetched, here, located, users

__all__ = ["Downloading", "Weights", "advice", "fetched", "here", "located", "needed", "users"]


@dataclass(frozen=True)
class Weights:
    """The weights of one model.

    Attributes:
        model: its name in the package that uses it.
        there: whether they are on this machine.
        megabytes: approximate size; None if unknown.
        fetch: how they are downloaded, in words.
        hub: the URL that they come from, as far as it is known.
    """

    model: str
    there: bool
    megabytes: int | None = None
    fetch: str = "are downloaded on first use"
    hub: str = ""

    def __str__(self) -> str:
        if self.there:
            return f"the weights of {self.model} are installed"
        size = f"about {self.megabytes} MB" if self.megabytes else "of unknown size"
        return f"the weights of {self.model}, {size}, {self.fetch}"


@runtime_checkable
class Downloading(Protocol):
    """A backend that may download weights."""

    def weights(self) -> Sequence[Weights]:
        """The weights that its options select; none if the model is a file of the user."""


def needed(entry: str, model: str) -> Weights:
    """The weights of a model of the table that its package downloads by itself.

    Args:
        entry: its name in the table; an unknown name is not installed and of unknown size.
        model: its display name.
    """
    known = models().get(entry)
    there = known is not None and (bool(kept(known)) or here(entry))
    return Weights(model, there, known.size_mb if known else None, hub=known.hub if known else "")

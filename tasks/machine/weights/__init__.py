"""Where models lie: ``located`` finds one on this machine, ``fetched`` brings it; nothing is loaded.

The table is `configs.models`. A file counts only with the size and the SHA-256 that the table gives it.
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
        model: its name, as its package calls it.
        there: whether they are on this machine.
        megabytes: about how big they are; None where that is not known.
        fetch: how they are brought.
    """

    model: str
    there: bool
    megabytes: int | None = None
    fetch: str = "are downloaded on first use"

    def __str__(self) -> str:
        if self.there:
            return f"the weights of {self.model} are there"
        size = f"about {self.megabytes} MB" if self.megabytes else "of a size that is not known here"
        return f"the weights of {self.model}, {size}, {self.fetch}"


@runtime_checkable
class Downloading(Protocol):
    """A backend that may download weights."""

    def weights(self) -> Sequence[Weights]:
        """Those that its options ask for; none where the model is a file of the user."""


def needed(entry: str, model: str) -> Weights:
    """What is to be said of a model of the table that its package downloads by itself.

    Args:
        entry: its name in the table; an unknown one is not there and of unknown size.
        model: its name for people.
    """
    known = models().get(entry)
    there = known is not None and (bool(kept(known)) or here(entry))
    return Weights(model, there, known.size_mb if known else None)

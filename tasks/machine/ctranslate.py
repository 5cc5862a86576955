"""CTranslate2's models among the residents: its way of leaving the GPU and of coming back to it."""

from __future__ import annotations

from typing import Any

from tasks.machine.resident import Resident


class Movable:
    """A model that CTranslate2 runs, with ``to(device)`` as PyTorch's modules have it.

    Args:
        model: what is worked with.
        engine: CTranslate2's own object in it.
    """

    def __init__(self, model: Any, engine: Any) -> None:
        self.model = model
        self._engine = engine

    def to(self, device: str) -> None:
        """Leave the GPU for the main memory, or come back."""
        if device == "cpu":
            self._engine.unload_model(to_cpu=True)
        else:
            self._engine.load_model()


def resident(model: Any, engine: Any) -> Resident:
    """The model at rest; it is loaded onto its device by its making."""
    movable, device = Movable(model, engine), str(engine.device)
    if device != "cpu":
        movable.to("cpu")
    return Resident(movable, device)

"""CTranslate2 models as residents: how they leave the GPU and return to it."""

from __future__ import annotations

from typing import Any

from tasks.machine.resident import Resident


class Movable:
    """A CTranslate2 model with PyTorch's ``to(device)``.

    Args:
        model: the object that callers use.
        engine: the CTranslate2 object inside it.
    """

    def __init__(self, model: Any, engine: Any) -> None:
        self.model = model
        self._engine = engine

    def to(self, device: str) -> None:
        """Move to main memory (``cpu``), or back to the GPU."""
        if device == "cpu":
            self._engine.unload_model(to_cpu=True)
        else:
            self._engine.load_model()


def resident(model: Any, engine: Any) -> Resident:
    """The model as a resident, moved off the GPU to which its constructor loaded it."""
    movable, device = Movable(model, engine), str(engine.device)
    if device != "cpu":
        movable.to("cpu")
    return Resident(movable, device)

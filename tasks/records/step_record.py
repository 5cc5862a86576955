"""The record of a step in the store, and its resource use."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import model_validator

from tasks.records.record import Asset, Record, assets_in

#: What a step makes.
Made = TypeVar("Made")


class Bill(Record):
    """What a paid service was asked for.

    Attributes:
        provider: its name, and its model behind a slash.
        units: how much, by unit (``characters``, ``seconds``, ``input_tokens``, ``output_tokens``).
        usd: what the service says it cost; None where only a price list can tell.
        job: the service's id of it: bills of one job are one bill; empty where each counts.
    """

    provider: str
    units: dict[str, float] = {}
    usd: float | None = None
    job: str = ""


class Usage(Record):
    """What computing a step used besides time.

    Attributes:
        gpu_seconds: of an accelerator.
        bills: of paid services.
        models_loaded: read from disk; models that the process had already are none.
        models_rested: that left the accelerator at the step's end.
    """

    gpu_seconds: float = 0.0
    bills: tuple[Bill, ...] = ()
    models_loaded: int = 0
    models_rested: int = 0


NOTHING_USED = Usage()


class Maker(Record):
    """A backend that made a result, and its licences (`tasks.records.registry.BackendFacts`).

    ``service``: it is done outside this machine.
    """

    name: str
    code_licence: str
    weights_licence: str
    service: bool = False


class StepRecord(Record, Generic[Made]):
    """The record of a step in the store.

    Attributes:
        step: the step's name.
        key: its content key.
        value: what it made (`tasks.records.made`): small, with its files as assets.
        seconds: what computing it took.
        makers: backends that made it; empty where Polydub itself did.
        versions: of Polydub, of the packages that these backends name, and of the programs that the step ran, as far as
            they tell it.
        notes: fallbacks and limits to tell the user.
        reused: True when it was found, not computed (set on look-up).
        hits: how many of its parts (lines) were found.
        parts: how many parts it has; 0 where it is one piece.
        usage: what computing it used besides time.
    """

    step: str
    key: str
    value: Made
    seconds: float = 0.0
    makers: tuple[Maker, ...] = ()
    versions: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    reused: bool = False
    hits: int = 0
    parts: int = 0
    usage: Usage = NOTHING_USED

    @model_validator(mode="before")
    @classmethod
    def _of_before(cls, stored: Any) -> Any:
        """Until 0.1 files lay beside the value: a line that was paid for is not bought again."""
        if isinstance(stored, dict) and "outputs" in stored and isinstance(stored.get("value"), dict):
            outputs = stored["outputs"]
            rest = {name: part for name, part in stored.items() if name != "outputs"}
            return {**rest, "value": {**outputs, **stored["value"]}}
        return stored

    @property
    def assets(self) -> tuple[Asset, ...]:
        """The files that it refers to."""
        return tuple(assets_in(self.value))


class StepUse(Record):
    """One line of a ledger: a step, its seconds, and how much of it was found instead of computed.

    ``key``: of its record in the store; empty in ledgers of earlier versions.
    """

    step: str
    seconds: float
    reused: bool
    hits: int = 0
    parts: int = 0
    key: str = ""

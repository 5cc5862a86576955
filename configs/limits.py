"""Concurrency limits of a fleet: how many steps may use a GPU, many cores or one hosted service at once."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

Slots = Annotated[int, Field(ge=1, le=10_000)]


class LimitsError(ValueError):
    """An invalid file of limits."""


class Limits(BaseModel):
    """Numbers of slots; None: as many as the deploying machine has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gpu: Slots | None = None
    cpu_heavy: Slots | None = None
    providers: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")], Slots] = {}


def load_limits(file: Path | None = None) -> Limits:
    """The bundled limits, overridden by those of a YAML file.

    Raises:
        LimitsError: the file cannot be read, or has an unknown name or a value out of range.
    """
    base = yaml.load(files("configs").joinpath("limits.yaml").read_text("utf-8"), yaml.CSafeLoader)
    if file is None:
        return Limits.model_validate(base)
    try:
        over = yaml.safe_load(file.read_text("utf-8")) or {}
        if not isinstance(over, dict):
            raise LimitsError(f"Limits {file} must be a table.")
        changed = Limits.model_validate(over)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LimitsError(f"Limits {file} cannot be read: {' '.join(str(error).split())}.") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise LimitsError(f"Limits {file} are not valid: {faults}.") from error
    return Limits.model_validate({**base, **over, "providers": {**base["providers"], **changed.providers}})

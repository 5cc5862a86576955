"""Accepted licences of installed code, and licences that packages' metadata does not state."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict


class LicenceRules(BaseModel):
    """The table ``licences.yaml``.

    Attributes:
        accepted: spellings of accepted licences, in groups.
        terms: conditions of licences, by prefix of the name.
        packages: licence by package, read from its files.
        libraries: licence to the shared libraries (without ``lib``) that wheels carry.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    accepted: tuple[tuple[str, ...], ...]
    terms: dict[str, str]
    packages: dict[str, str]
    libraries: dict[str, tuple[str, ...]]


@cache
def licence_rules() -> LicenceRules:
    """The bundled table."""
    return LicenceRules(**yaml.load(files("configs").joinpath("licences.yaml").read_text("utf-8"), yaml.CSafeLoader))

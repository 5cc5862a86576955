"""Finding a step's backends: our own by a plain table, third parties' by entry points (``polydub.<step>``)."""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.records.errors import BadInputError


class Options(BaseModel):
    """A backend's settings, as a profile writes them; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_Checked = TypeVar("_Checked", bound=Options)


@dataclass(frozen=True)
class BackendFacts:
    """What a backend declares of itself, readable without loading any model.

    Attributes:
        name: as profiles write it.
        code_licence: SPDX name of the program or package.
        weights_licence: SPDX name, ``"none"`` without weights, else the licence's usual name.
        commercial: whether code and weights may be used commercially.
        device: ``cpu``, or ``any`` when a GPU makes it faster.
        heavy: keeps many cores busy, a GPU or not; ``device="any"`` says so already.
        network: needs a service outside this machine, or downloads weights on first use.
        services: outside this machine, that do the work; each has its limit (`tasks.services.slots`).
        address: URL of its service; empty where that is not known without a request.
        paid: costs money per use.
        price: where it stands in `configs/prices.yaml`; empty where it says itself what it costs (``cost_usd``).
        clones: speaks in the voice of a reference clip.
        paces: speaks faster or slower when asked to.
        varies: can read a line in several ways.
        spirited: speaks more or less lively when asked to.
        ipa: speaks words as IPA says.
        uploads_faces: sends pictures of people to a service outside this machine.
        clause: what forbids commercial use, where ``commercial`` is False.
        languages: BCP-47 primary subtags it can work in; None for any.
        packages: that do its work; their versions are kept with what it made.
    """

    name: str
    code_licence: str
    weights_licence: str = "none"
    commercial: bool = True
    device: str = "cpu"
    heavy: bool = False
    network: bool = False
    services: frozenset[str] = frozenset()
    address: str = ""
    paid: bool = False
    price: str = ""
    clones: bool = False
    paces: bool = False
    varies: bool = False
    spirited: bool = False
    ipa: bool = False
    uploads_faces: bool = False
    clause: str = ""
    languages: frozenset[str] | None = field(default=None)
    packages: tuple[str, ...] = ()


def backend_class(step: str, name: str, own: Mapping[str, str]) -> type[Any]:
    """The class of a backend.

    Args:
        step: ``"transcribe"`` and so on.
        name: the backend's name in the profile.
        own: the step's table, name to ``"module:Class"``.

    Raises:
        BadInputError: no such backend; the message lists those there are.
    """
    if name in own:
        module, _, attribute = own[name].partition(":")
        found: type[Any] = getattr(importlib.import_module(module), attribute)
        return found
    for point in importlib.metadata.entry_points(group=f"polydub.{step}"):
        if point.name == name:
            loaded: type[Any] = point.load()
            return loaded
    raise unknown(step, name, names(step, own))


def unknown(step: str, name: str, known: Sequence[str]) -> BadInputError:
    """The error for a backend that does not exist.

    Args:
        step: ``"transcribe"`` and so on.
        name: as given.
        known: the names that exist.
    """
    close = difflib.get_close_matches(name, known, 1)
    meant = f"Did you mean {close[0]}? " if close else ""
    return BadInputError(f"There is no {step} backend named {name!r}.", f"{meant}Choose one of: {', '.join(known)}.")


def names(step: str, own: Mapping[str, str]) -> list[str]:
    """The names of every backend of a step, third parties' included, sorted."""
    return sorted({*own, *_of_third_parties(step, importlib.metadata.entry_points)})


@functools.cache
def _of_third_parties(step: str, entry_points: Callable[..., importlib.metadata.EntryPoints]) -> tuple[str, ...]:
    """Names of backends that installed packages bring; to look through all of them takes a while."""
    return tuple(point.name for point in entry_points(group=f"polydub.{step}"))


def create(step: str, name: str, own: Mapping[str, str], options: Mapping[str, Any]) -> Any:
    """A backend with its options checked; loads no model.

    Args:
        step: ``"transcribe"`` and so on.
        name: the backend's name in the profile.
        own: the step's table, name to ``"module:Class"``.
        options: as in the profile.

    Raises:
        BadInputError: no such backend, or an option that it does not know or that is out of range.
    """
    kind = backend_class(step, name, own)
    return kind(checked(step, name, kind.Options, options))


def checked(step: str, name: str, known: type[_Checked], options: Mapping[str, Any]) -> _Checked:
    """The options of a backend.

    Args:
        step: ``"transcribe"`` and so on.
        name: the backend's name in the profile.
        known: the backend's class of options.
        options: as in the profile.

    Raises:
        BadInputError: one that it does not know or that is out of range.
    """
    try:
        return known(**options)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "options"
        raise BadInputError(
            f"Profile: {step}.options.{where} of backend {name!r}: {first['msg']}.",
            f"It knows: {', '.join(known.model_fields) or 'no options'}.",
        ) from error


def package_version(package: str) -> str:
    """A package's installed version, ``"absent"`` where it is not."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"

"""The lip-sync backend that a profile names, of this package, of another system, or of a service."""

from __future__ import annotations

from typing import Any

from configs.lipsync_models import lipsync_models
from configs.profile import LipsyncSettings
from tasks.lipsync import BACKENDS, LipSyncer
from tasks.lipsync.systems import system_names
from tasks.records import registry


def dubs_alone(name: str) -> bool:
    """Whether a backend makes a whole branch: translation, voices and lip sync."""
    return name in lipsync_models() and lipsync_models()[name].takes == "translate"


def lipsyncer(name: str, options: dict[str, Any]) -> LipSyncer:
    """The backend of that name; `BadInputError` for an unknown name or option."""
    if name not in BACKENDS and (name == "auto" or name in system_names()):
        from tasks.lipsync.foreign import foreign

        return foreign(name, options)
    if dubs_alone(name):
        from tasks.lipsync.whole import WholeTranslation

        return WholeTranslation(name, options)
    kind = _own(name)
    backend: LipSyncer = kind(registry.checked("lipsync", name, kind.Options, options))
    return backend


def backend_names() -> list[str]:
    """The names of everything that can move mouths: the backends, ``auto``, other systems and services."""
    services = [name for name in lipsync_models() if dubs_alone(name)]
    return sorted({"auto", *registry.names("lipsync", BACKENDS), *system_names(), *services})


def lipsyncing(settings: LipsyncSettings) -> LipSyncer:
    """A profile's backend, with the style settings that it supports; `BadInputError` as `lipsyncer`."""
    style = {name: value for name, value in settings.style().items() if name in _known(settings.backend)}
    return lipsyncer(settings.backend, {**settings.options, **style})


def ignored_style(settings: LipsyncSettings) -> tuple[str, ...]:
    """A note on style settings of a profile that its backend does not support; empty if there are none."""
    names = sorted(settings.style().keys() - _known(settings.backend))
    return (f"Lip sync by {settings.backend} does not support {', '.join(names)}: ignored.",) if names else ()


def _known(name: str) -> frozenset[str]:
    """The names of a backend's options."""
    if dubs_alone(name):
        return frozenset()
    if name not in BACKENDS and (name == "auto" or name in system_names()):
        from tasks.lipsync.foreign import AdapterOptions

        return frozenset(AdapterOptions.model_fields)
    return frozenset(_own(name).Options.model_fields)


def _own(name: str) -> type[Any]:
    """The class of a backend of this step; `BadInputError` with every name that exists for another."""
    if name not in registry.names("lipsync", BACKENDS):
        raise registry.unknown("lipsync", name, backend_names())
    return registry.backend_class("lipsync", name, BACKENDS)

"""The list of all lip-sync systems, native, local and hosted, for display."""

from __future__ import annotations

from dataclasses import dataclass

from configs.lipsync_external import external_systems
from tasks.lipsync import BACKENDS
from tasks.lipsync.hosted import rows
from tasks.lipsync.systems import LOCAL, STEP, system
from tasks.records import registry


@dataclass(frozen=True)
class Listed:
    """One system.

    Attributes:
        name: as written in profiles and ``--lipsync``.
        provider: who runs it; ``here`` for this machine.
        takes: ``title`` (all of it), ``video`` (a shot), ``portrait`` (a still), ``translate`` (a video to a video).
        limits: in words.
        usd_per_s: price of one second of result by the table; 0 on this machine.
        licence: terms of its use.
        commercial: whether they allow commercial use.
        needs: what must be set or installed.
        usable: whether it is.
    """

    name: str
    provider: str
    takes: str
    limits: str
    usd_per_s: float
    licence: str
    commercial: bool
    needs: tuple[str, ...]
    usable: bool


def systems() -> list[Listed]:
    """The native engine first, then local systems, then hosted ones at all providers; no request, nothing loaded."""
    hosted = [
        Listed(r.model, r.provider, r.takes, r.limits, r.usd_per_s, r.licence, True, r.needs, r.usable) for r in rows()
    ]
    return [_native(), *_local(), *hosted]


def _native() -> Listed:
    backend = registry.create("lipsync", "native", BACKENDS, {})
    return _here(backend.facts, "title", backend.missing())


def _local() -> list[Listed]:
    """Local systems: usable if everything that they need is found without options of a profile."""
    found = []
    for name in registry.names(STEP, LOCAL):
        kind = registry.backend_class(STEP, name, LOCAL)
        required = [f"option {option}" for option, field in kind.Options.model_fields.items() if field.is_required()]
        found.append(_here(kind.facts, kind.takes, required or kind(kind.Options()).missing()))
    external = [system(name, {}) for name in external_systems()]
    return found + [_here(one.facts, one.reanimator.takes, one.reanimator.missing()) for one in external]


def _here(facts: registry.BackendFacts, takes: str, needs: list[str]) -> Listed:
    licence = facts.code_licence
    if facts.weights_licence not in ("none", licence):
        licence += f", weights {facts.weights_licence}"
    return Listed(facts.name, "here", takes, "", 0.0, licence, facts.commercial, tuple(needs), not needs)

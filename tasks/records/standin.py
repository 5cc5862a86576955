"""Which of a step's backends works: the first that is installed and can do the language. A note names a stand-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from configs.languages import display_name, primary
from configs.profile import ChainedSettings
from tasks.records.registry import BackendFacts


class _Backend(Protocol):
    @property
    def facts(self) -> BackendFacts: ...

    def missing(self) -> list[str]: ...


B = TypeVar("B", bound=_Backend)


@dataclass(frozen=True)
class Chosen(Generic[B]):
    """A backend, and why it is not the first one, where it is not; ``reasons``: why none is able, where none is."""

    backend: B
    notes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def first_able(
    settings: ChainedSettings, create: Callable[[str, dict[str, Any]], B], language: str | None, verb: str
) -> Chosen[B]:
    """The backend of a profile's step, or the first that can stand in for it.

    Args:
        settings: the backend and its fallbacks.
        create: makes one by name and options.
        language: BCP-47 tag of what it is to do; None for any.
        verb: what it does with languages.

    Returns:
        The backend; where none is able the first one, which then says itself what it lacks.
    """
    made = [create(one.backend, one.options) for one in (settings, *settings.fallbacks)]
    reasons: list[str] = []
    for backend in made:
        reason = unable(backend, language, verb)
        if not reason:
            name = backend.facts.name
            return Chosen(backend, tuple(f"{why}: {name} stands in." for why in reasons))
        reasons.append(reason)
    return Chosen(made[0], reasons=tuple(reasons))


def unable(backend: _Backend, language: str | None, verb: str) -> str:
    """Why a backend cannot do it, as a clause; empty where it can.

    Args:
        backend: of a step.
        language: BCP-47 tag; None: any.
        verb: what it would do with the language: ``speak``, ``hear``.
    """
    facts = backend.facts
    if language and facts.languages is not None and primary(language) not in facts.languages:
        return f"{facts.name} does not {verb} {display_name(language)} here"
    if missing := backend.missing():
        return f"{facts.name} cannot be used ({missing[0].rstrip('.')})"
    return ""

"""Foreign lip-sync systems by name: hosted ones by their table, local ones by ours, third parties' by entry points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from configs.lipsync_models import lipsync_models
from tasks import registry
from tasks.lipsync.reanimate import Reanimator

#: Systems that run here, name to ``"module:Class"``; a class has ``Options`` and ``facts`` as every backend has.
LOCAL: dict[str, str] = {}

#: The entry-point group is ``polydub.reanimate``.
STEP = "reanimate"


@dataclass(frozen=True)
class System:
    """A system, ready to be asked, and what it declares of itself."""

    name: str
    reanimator: Reanimator
    facts: registry.BackendFacts


def system_names() -> list[str]:
    """Every system that re-animates a face by speech, sorted."""
    hosted = {name for name, model in lipsync_models().items() if model.takes != "translate"}
    return sorted(hosted | set(registry.names(STEP, LOCAL)))


def system(name: str, options: Mapping[str, Any]) -> System:
    """The system of that name with its own options checked; asks and loads nothing.

    Raises:
        BadInputError: no such system or option.
    """
    if name in lipsync_models():
        from tasks.lipsync.hosted import HostedReanimator

        facts = registry.BackendFacts(  # its jobs count against their provider's limit, not the step (`hosted.jobs`)
            name=name, code_licence="service: the provider's terms", network=True, paid=True, uploads_faces=True
        )
        return System(name, HostedReanimator(name, options), facts)
    backend = registry.create(STEP, name, LOCAL, options)
    return System(name, backend, backend.facts)

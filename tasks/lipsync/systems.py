"""Third-party lip-sync systems by name: hosted ones and checkouts from their tables, others built in or plug-ins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from configs.lipsync_external import external_systems
from configs.lipsync_models import lipsync_models
from tasks.lipsync.reanimate import Reanimator
from tasks.records import registry

#: Systems that run in our own environment, name to ``"module:Class"``; a class has ``Options`` and ``facts``.
LOCAL = {"wav2lip": "tasks.lipsync.local.wav2lip:Wav2Lip"}

#: The entry-point group is ``polydub.reanimate``.
STEP = "reanimate"


@dataclass(frozen=True)
class System:
    """A system, and what it declares about itself."""

    name: str
    reanimator: Reanimator
    facts: registry.BackendFacts


def system_names() -> list[str]:
    """The names of all systems that re-animate a face from speech, sorted."""
    hosted = {name for name, model in lipsync_models().items() if model.takes != "translate"}
    return sorted({*hosted, *external_systems(), *registry.names(STEP, LOCAL)})


def system(name: str, options: Mapping[str, Any]) -> System:
    """The system of that name with its own options validated; makes no request and loads nothing.

    Raises:
        BadInputError: no such system or option.
    """
    if name in lipsync_models():
        from tasks.lipsync.hosted import HostedReanimator

        hosted = HostedReanimator(name, options)
        facts = registry.BackendFacts(  # its jobs count against their provider's limit, not the step (`hosted.jobs`)
            name=name,
            code_licence="service: the provider's terms",
            network=True,
            address=hosted.address,
            paid=True,
            uploads_faces=True,
        )
        return System(name, hosted, facts)
    if name in external_systems():
        from tasks.lipsync.local.external import ExternalReanimator

        external = ExternalReanimator(name, options)
        return System(name, external, external.facts)
    backend = registry.create(STEP, name, LOCAL, options)
    return System(name, backend, backend.facts)

"""Slots of the fleet: how many steps may use a GPU, many cores or one hosted service at once, over all machines.

They are Prefect's global concurrency limits (`polydub deploy` makes them, sized by ``configs/limits.yaml``), held while
a step computes; a step whose result is found holds none. A limit that the server does not have does not bound, and
without a server there is none. The lease of a holder that dies ends within `LEASE_S`.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence

from tasks.machine.gpu import gpus
from tasks.records.errors import TransientError
from tasks.records.registry import BackendFacts
from tasks.services.outage import through_outages

_log = logging.getLogger(__name__)

LEASE_S = 60.0  # the least that Prefect allows
GPU, CPU_HEAVY = "gpu", "cpu-heavy"
#: Who reads and writes what a night has spent; one at a time.
BUDGET = "budget"


def provider_slot(name: str) -> str:
    """The limit of one hosted service."""
    return f"provider:{name}"


def slots_of(uses: Sequence[BackendFacts]) -> list[str]:
    """The limits that a step with these backends counts against on this machine, sorted."""
    found = set()
    for facts in uses:
        found |= {provider_slot(service) for service in facts.services}
        if facts.device == "any" and gpus():
            found.add(GPU)
        elif facts.heavy or facts.device == "any":
            found.add(CPU_HEAVY)
    return sorted(found)


@contextlib.contextmanager
def held(names: Sequence[str]) -> Iterator[None]:
    """Hold one slot of each limit that the Prefect server has; wait while one has none free.

    Raises:
        TransientError: the server does not give an answer.
    """
    if not names:
        yield
        return
    from prefect.settings import PREFECT_API_URL

    if not PREFECT_API_URL.value():
        yield
        return
    from prefect.concurrency.sync import concurrency

    lease = contextlib.ExitStack()
    try:
        if bounding := _existing(names):
            lease.enter_context(
                concurrency(
                    bounding,
                    strict=True,  # to get in; a server that is away for a while does not end the step
                    raise_on_lease_renewal_failure=False,
                    lease_duration=LEASE_S,
                )
            )
    except Exception as error:  # Prefect's own, httpx's and the operating system's alike
        raise TransientError(
            f"The Prefect server gave no slot of {', '.join(names)} ({type(error).__name__}).",
            "Is it running? The step is tried again.",
        ) from error
    try:
        yield
    finally:
        _let_go(lease, names)


def _let_go(lease: contextlib.ExitStack, names: Sequence[str]) -> None:
    """Give the slots back; a server that is away does so itself when the lease ends, and the work is done."""
    try:
        lease.close()
    except Exception as error:
        _log.warning("%s: free when the lease ends (%s)", ", ".join(names), type(error).__name__)


@through_outages
def _existing(names: Sequence[str]) -> list[str]:
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    found = []
    with get_client(sync_client=True) as client:
        for name in names:
            with contextlib.suppress(ObjectNotFound):
                found.append(client.read_global_concurrency_limit_by_name(name).name)
    return found

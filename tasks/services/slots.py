"""Fleet-wide concurrency limits: how many steps may use a GPU, many cores or one hosted service at once.

They are Prefect's global concurrency limits (`polydub deploy` creates them, sized by ``configs/limits.yaml``), held
while a step computes; a step whose result is found holds none. A limit that the server does not have is not enforced,
and without a server there are no limits. The lease of a holder that dies expires within `LEASE_S`.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator, Sequence

from tasks.machine.gpu import gpus
from tasks.records.errors import TransientError
from tasks.records.registry import BackendFacts
from tasks.services.outage import through_outages

_log = logging.getLogger(__name__)

LEASE_S = 60.0  # the least that Prefect allows
GPU, CPU_HEAVY = "gpu", "cpu-heavy"
#: Held while the night's account is read and written; one holder at a time.
BUDGET = "budget"


def provider_slot(name: str) -> str:
    """The name of the limit of one hosted service."""
    return f"provider:{name}"


def slots_of(uses: Sequence[BackendFacts], *, cores: bool = False) -> list[str]:
    """The limits that a step with these backends counts against on this machine, sorted.

    Args:
        uses: what it computes with.
        cores: it keeps many cores busy itself.
    """
    found = {CPU_HEAVY} if cores else set()
    for facts in uses:
        found |= {provider_slot(service) for service in facts.services}
        if facts.device == "any" and gpus():
            found.add(GPU)
        elif facts.heavy or facts.device == "any":
            found.add(CPU_HEAVY)
    return sorted(found)


@contextlib.contextmanager
def held(names: Sequence[str]) -> Iterator[None]:
    """Hold one slot of each limit that exists on the Prefect server; wait while none is free.

    Raises:
        TransientError: the server does not answer.
    """
    if not names or "prefect" not in sys.modules:  # a run that has a server has imported Prefect
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
                    strict=True,  # for acquiring; a server outage later on does not end the step
                    raise_on_lease_renewal_failure=False,
                    lease_duration=LEASE_S,
                )
            )
    except Exception as error:  # from Prefect, httpx or the operating system
        raise TransientError(
            f"The Prefect server granted no slot of {', '.join(names)} ({type(error).__name__}).",
            "Check that it is running. The step is retried.",
        ) from error
    try:
        yield
    finally:
        _let_go(lease, names)


def _let_go(lease: contextlib.ExitStack, names: Sequence[str]) -> None:
    """Release the slots; if the server is down, the lease expires by itself and the step's result stands."""
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

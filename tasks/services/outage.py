"""Calls to a server that may be away for some minutes: a restart, a database that is down, a network that is cut."""

from __future__ import annotations

import httpx
import tenacity

OUTAGE_S = 600.0
_BUSY = 500  # and above: the server is there, its database is not


def is_outage(error: BaseException) -> bool:
    """Whether the server is away, rather than of another opinion."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= _BUSY
    return isinstance(error, httpx.TransportError)


#: Makes a function that asks a server ask again while it is away, `OUTAGE_S` at most; it must be safe to repeat.
through_outages = tenacity.retry(
    retry=tenacity.retry_if_exception(is_outage),
    stop=tenacity.stop_after_delay(OUTAGE_S),
    wait=tenacity.wait_exponential(min=1, max=15),
    reraise=True,
)

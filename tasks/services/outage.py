"""Retries while a server is down for some minutes: a restart, a database outage, a network failure."""

from __future__ import annotations

import sys

import tenacity

OUTAGE_S = 600.0
_BUSY = 500  # and above: the server answers, its database does not


def is_outage(error: BaseException) -> bool:
    """Whether the server is unavailable, as opposed to rejecting the request."""
    if "httpx" not in sys.modules:  # it takes a third of a second to load, and has raised nothing yet
        return False
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= _BUSY
    return isinstance(error, httpx.TransportError)


#: Decorator: retries a function while its server is unavailable, for at most `OUTAGE_S`; it must be safe to repeat.
through_outages = tenacity.retry(
    retry=tenacity.retry_if_exception(is_outage),
    stop=tenacity.stop_after_delay(OUTAGE_S),
    wait=tenacity.wait_exponential(min=1, max=15),
    reraise=True,
)

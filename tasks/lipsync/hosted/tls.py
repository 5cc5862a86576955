"""The certificates that connections are checked by, read once: reading them takes longer than most requests."""

from __future__ import annotations

import ssl
from functools import cache


@cache
def trusted() -> ssl.SSLContext:
    """What httpx trusts by default."""
    import httpx

    return httpx.create_ssl_context()

"""The trusted certificates, loaded once, because loading takes longer than most requests."""

from __future__ import annotations

import ssl
from functools import cache


@cache
def trusted() -> ssl.SSLContext:
    """The TLS context that httpx uses by default."""
    import httpx

    return httpx.create_ssl_context()

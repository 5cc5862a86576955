"""Whether services answer at all: a connection, without a request, so that nothing is billed or counted."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Collection
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass  # noqa: TID251 (reads the environment, asks nobody)

_PORTS = {"http": 80, "https": 443}
_WAIT_S = 4.0


def unreachable(addresses: Collection[str], wait_s: float = _WAIT_S) -> frozenset[str]:
    """Those URLs whose hosts (or whose proxy) take no connection, tried side by side.

    Args:
        addresses: URLs.
        wait_s: for all of them together, name look-ups included.
    """
    reached: set[str] = set()

    def knock(address: str) -> None:
        with contextlib.suppress(OSError, ValueError), socket.create_connection(_door(address), wait_s):
            reached.add(address)

    # Threads that hang in a name look-up are left behind.
    knocking = [threading.Thread(target=knock, args=(address,), daemon=True) for address in addresses]
    for one in knocking:
        one.start()
    for one in knocking:
        one.join(wait_s)
    return frozenset(addresses) - reached


def _door(address: str) -> tuple[str, int]:
    """Host and port that a client would connect to."""
    parts = urlsplit(address)
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 80)
